"""Report files in a bucket of an S3-compatible service, through boto3.

boto3 and not s3fs: its asynchronous loop refuses to run under gevent, which the gateway uses. Each object is written
in one piece or not at all; a part of one that a killed process left is invisible, and the bucket's own rule for
incomplete uploads removes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from uuid import uuid4

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared.broker.provider_calls import provider_answered, provider_failed
from shared.settings_storage import StorageSettings
from shared.storage.files import Draft, StorageUnavailable, digest_of

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
TRIES = 3

_DRAFTS = "drafts/"
_MISSING = frozenset({"NoSuchKey", "404"})
# The job has one thread and its time limit can't reach others.
_IN_THIS_THREAD = TransferConfig(use_threads=False)


class BucketStorage:
    """A ``ReportStorage`` in a bucket, which must exist, under the prefix of ``settings``."""

    def __init__(self, settings: StorageSettings) -> None:
        self._bucket = settings.bucket
        self._prefix = f"{settings.prefix}/" if settings.prefix else ""
        self._s3: Any = _client(settings)

    def save_draft(self, file: BinaryIO) -> Draft:
        """See ``ReportStorage``."""
        checksum, size = digest_of(file)
        draft = Draft(f"{_DRAFTS}{uuid4().hex}", checksum, size)
        with _guarded():
            self._s3.upload_fileobj(file, self._bucket, self._prefix + draft.name, Config=_IN_THIS_THREAD)
        return draft

    def put_in_place(self, draft: Draft, location: str) -> None:
        """See ``ReportStorage``; the draft stays until it is discarded."""
        source = {"Bucket": self._bucket, "Key": self._prefix + draft.name}
        with _guarded():
            self._s3.copy_object(Bucket=self._bucket, Key=self._key(location), CopySource=source)

    def discard(self, draft: Draft) -> None:
        """See ``ReportStorage``."""
        self._delete(self._prefix + draft.name)

    def open(self, location: str) -> BinaryIO:
        """See ``ReportStorage``."""
        with _guarded():
            return cast("BinaryIO", self._s3.get_object(Bucket=self._bucket, Key=self._key(location))["Body"])

    def remove(self, location: str) -> None:
        """See ``ReportStorage``."""
        self._delete(self._key(location))

    def remove_drafts(self, before: datetime) -> int:
        """See ``ReportStorage``."""
        with _guarded():
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + _DRAFTS
            )
            old = [each["Key"] for page in pages for each in page.get("Contents", ()) if each["LastModified"] < before]
        for key in old:
            self._delete(key)
        return len(old)

    def _delete(self, key: str) -> None:
        with _guarded():
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    def _key(self, location: str) -> str:
        return self._prefix + location.rpartition("/")[2]


def _client(settings: StorageSettings) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "max_attempts": TRIES},
        # Other services than Amazon's know neither buckets as host names nor its newer checksums.
        s3={"addressing_style": "path"} if settings.endpoint_url else None,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # A session of its own: boto3's default one is not safe to be made by two threads.
    session = boto3.session.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        aws_session_token=settings.session_token,
        region_name=settings.region,
    )
    region = session.region_name or "us-east-1"
    return session.client("s3", region_name=region, endpoint_url=settings.endpoint_url, config=config)


@contextmanager
def _guarded() -> Iterator[None]:
    """What the service says, as the errors of a store."""
    try:
        yield
    except ClientError as error:
        _note_answer(error)
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise FileNotFoundError("the file is not in the bucket") from error
        raise StorageUnavailable(f"the store of report files refused: {code}") from error
    except (BotoCoreError, Boto3Error) as error:
        provider_failed()
        raise StorageUnavailable(f"the store of report files can't be reached: {type(error).__name__}") from error
    provider_answered()


def _note_answer(error: ClientError) -> None:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        provider_failed()
    else:
        provider_answered()
