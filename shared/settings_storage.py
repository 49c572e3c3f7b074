"""The settings of the report files' store: a folder, or a bucket of an S3-compatible service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit

from shared.errors import ConfigurationError
from shared.settings_reader import EnvironmentReader, wrong_value

URL = "REPORT_STORAGE_URL"
ENDPOINT = "REPORT_S3_ENDPOINT_URL"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _secret() -> str | None:
    return field(default=None, metadata={"secret": True})


@dataclass(frozen=True, slots=True, repr=False)
class StorageSettings:
    """Where report files go; without a bucket into ``folder``, without that into ``DATA_DIR/reports``.

    What is not set of the account is left to boto3: its configuration files, or the machine's role.
    """

    folder: str | None = None
    bucket: str | None = None
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = _secret()
    session_token: str | None = _secret()

    def __repr__(self) -> str:
        """All fields, secrets hidden."""
        shown = (
            f"{each.name}={'***' if each.metadata.get('secret') and value is not None else repr(value)}"
            for each in fields(self)
            for value in [getattr(self, each.name)]
        )
        return f"StorageSettings({', '.join(shown)})"


def read_storage(reader: EnvironmentReader) -> StorageSettings:
    """Read REPORT_STORAGE_URL, REPORT_S3_ENDPOINT_URL and AWS_*; ConfigurationError when they don't fit together."""
    url = urlsplit(reader.url(URL, ("s3", "file")) or "")
    settings = StorageSettings(
        folder=url.path if url.scheme == "file" else None,
        bucket=url.netloc if url.scheme == "s3" else None,
        prefix=url.path.strip("/") if url.scheme == "s3" else "",
        endpoint_url=reader.url(ENDPOINT, ("https", "http")),
        region=_region(reader),
        access_key_id=reader.text("AWS_ACCESS_KEY_ID"),
        secret_access_key=reader.secret("AWS_SECRET_ACCESS_KEY"),
        session_token=reader.secret("AWS_SESSION_TOKEN"),
    )
    _check(settings, has_more=bool(url.query or url.fragment), is_local=url.netloc == "")
    return settings


def _region(reader: EnvironmentReader) -> str | None:
    # Both are asked for in any case: that makes them known settings.
    newer, older = reader.text("AWS_REGION"), reader.text("AWS_DEFAULT_REGION")
    return newer or older


def _check(settings: StorageSettings, *, has_more: bool, is_local: bool) -> None:
    if has_more:
        raise wrong_value(URL, "…?…", "a URL without query and fragment", "s3://bucket/prefix")
    if settings.folder is not None and not is_local:
        raise wrong_value(URL, "file://…", "file:///folder with three slashes", f"file://{settings.folder}")
    if settings.bucket is not None and not _BUCKET.fullmatch(settings.bucket):
        rule = "s3://bucket/prefix with a bucket of 3 to 63 small letters, digits, dots and hyphens"
        raise wrong_value(URL, "s3://…", rule, "s3://doko-reports")
    if settings.endpoint_url is not None and settings.bucket is None:
        raise ConfigurationError(f"{ENDPOINT} is set but {URL} names no bucket: set {URL}=s3://bucket/prefix")
    if (settings.access_key_id is None) != (settings.secret_access_key is None):
        raise ConfigurationError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither")
