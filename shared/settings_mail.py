"""The settings of e-mail: the mail server, and who writes to whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from shared.errors import ConfigurationError
from shared.settings_reader import EnvironmentReader, nearest_of, wrong_value

SMTP_PORT = 25
SUBMISSION_PORT = 587
TLS_PORT = 465

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class Security(StrEnum):
    """How the way to the mail server is protected: TLS from the start, or STARTTLS as the URL's ``starttls`` says."""

    TLS = "tls"
    REQUIRED = "required"
    OFFERED = "offered"
    NEVER = "never"


@dataclass(frozen=True, slots=True, repr=False)
class MailSettings:
    """One SMTP server; without a host, e-mail is printed and stored only. Secrets are hidden in ``repr``."""

    host: str | None = None
    port: int = SMTP_PORT
    user: str | None = None
    password: str | None = field(default=None, metadata={"secret": True})
    security: Security = Security.OFFERED
    sender: str = "Doko <doko@localhost>"
    timeout_ms: int = 10_000

    def __repr__(self) -> str:
        """All fields, secrets hidden."""
        shown = (
            f"{each.name}={'***' if each.metadata.get('secret') and value is not None else repr(value)}"
            for each in fields(self)
            for value in [getattr(self, each.name)]
        )
        return f"MailSettings({', '.join(shown)})"


def read_mail(reader: EnvironmentReader) -> MailSettings:
    """Read SMTP_*; raises ConfigurationError for a wrong URL, and for a server without a sender."""
    value = reader.url("SMTP_URL", ("smtp", "smtps"))
    sender = reader.text("SMTP_FROM")
    timeout_ms = reader.integer("SMTP_TIMEOUT_MS", 10_000, minimum=100, maximum=60_000)
    if sender is not None and not is_address(parseaddr(sender)[1]):
        raise wrong_value("SMTP_FROM", sender, "an e-mail address", "Doko <doko@example.com>")
    if value is None:
        return MailSettings(sender=sender or MailSettings().sender, timeout_ms=timeout_ms)
    url = urlsplit(value)
    user = unquote(url.username) if url.username else None
    if sender is None:
        sender = user
    if sender is None or not is_address(parseaddr(sender)[1]):
        raise ConfigurationError("SMTP_FROM must be set beside SMTP_URL: the address that our e-mail comes from")
    security = _security(url)
    plain_port = SUBMISSION_PORT if user else SMTP_PORT
    return MailSettings(
        host=url.hostname,
        port=_port(url) or (TLS_PORT if security is Security.TLS else plain_port),
        user=user,
        password=unquote(url.password) if url.password else None,
        security=security,
        sender=sender,
        timeout_ms=timeout_ms,
    )


def read_address(reader: EnvironmentReader, name: str) -> str | None:
    """An e-mail address, or None."""
    value = reader.text(name)
    if value is not None and not is_address(value):
        raise wrong_value(name, value, "an e-mail address", "admin@example.com")
    return value


def is_address(text: str) -> bool:
    """Whether the text is one bare e-mail address."""
    return _ADDRESS.fullmatch(text) is not None


def _port(url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError as error:
        raise wrong_value("SMTP_URL", f"{url.scheme}:…", "a URL with a port from 1 to 65535", "smtp://…:587") from error


def _security(url: SplitResult) -> Security:
    """From ``smtps``, or from the only parameter that the URL may have: ``starttls``."""
    given = dict(parse_qsl(url.query, keep_blank_values=True))
    choices = [Security.REQUIRED.value, Security.OFFERED.value, Security.NEVER.value]
    if url.hostname is None or url.path.strip("/") or given.keys() - {"starttls"}:
        rule = "smtp://user:password@host:port?starttls=…, without a path and other parameters"
        raise wrong_value("SMTP_URL", f"{url.scheme}:…", rule, "smtp://…:587?starttls=required")
    if url.scheme == "smtps":
        if given:
            raise ConfigurationError("SMTP_URL can't have starttls with smtps://, which is TLS from the start")
        return Security.TLS
    # A password never travels in the clear unless somebody says so.
    value = given.get("starttls", Security.REQUIRED if url.username else Security.OFFERED)
    if value not in choices:
        nearest = nearest_of(value, choices, similarity=0.0) or choices[0]
        raise wrong_value("SMTP_URL", f"{url.scheme}:…?starttls={value}", f"one of {', '.join(choices)}", nearest)
    return Security(value)
