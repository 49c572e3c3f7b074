"""E-mail that goes out once: letters, the ways they go, and the send record of each."""

from __future__ import annotations

from shared import logs
from shared.database.session import Database
from shared.mail.console import ConsoleTransport
from shared.mail.letter import Attachment, Letter
from shared.mail.sending import JOB_OPTIONS, Mailer, Result
from shared.mail.smtp import SmtpTransport
from shared.mail.transport import Transport
from shared.settings import Settings

__all__ = ["JOB_OPTIONS", "Attachment", "Letter", "Mailer", "Result", "make_mailer"]

_log = logs.get_logger()


def make_mailer(settings: Settings, database: Database) -> Mailer:
    """The configured way for e-mail; it connects for each letter."""
    return Mailer(_transport(settings), database)


def _transport(settings: Settings) -> Transport:
    if settings.mail.host is not None:
        return SmtpTransport(settings.mail)
    if settings.is_production:
        message = "SMTP_URL is not set: e-mail is stored and printed, and reaches nobody"
        _log.warning("email.unconfigured", message=message)
    return ConsoleTransport(settings.mail)
