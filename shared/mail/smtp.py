"""SMTP: one connection a letter, and the server's answers as what can become of it.

Answers of 400 to 499 and connections that fail are tried again, answers from 500 on are final. Only where the
connection ends between the letter's last byte and the answer is the outcome unknown.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import datetime

from shared.mail.letter import Letter, address_of, as_message
from shared.mail.transport import MailInDoubt, MailRefused
from shared.privacy import mask_text
from shared.settings_mail import MailSettings, Security

_PERMANENT_FROM = 500
_OK = range(200, 300)
_LONGEST_REPLY = 300


class SmtpTransport:
    """Sends through the server of ``settings``."""

    name = "smtp"

    def __init__(self, settings: MailSettings) -> None:
        self.sender = settings.sender
        self._settings = settings

    def send(self, letter: Letter, *, message_id: str, now: datetime) -> None:
        """See ``Transport``."""
        if not letter.recipient.isascii():
            raise MailRefused("the address has letters that not every mail server takes", is_permanent=True)
        try:
            server = self._connect()
            try:
                self._introduce(server)
                content = self._content(letter, message_id, now, _largest(server))
                _expect(server.mail(address_of(self.sender), [f"size={len(content)}"] if _has_size(server) else []))
                _expect(server.rcpt(letter.recipient))
                _hand_over(server, content)
            finally:
                server.close()
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            message = f"the mail server can't be reached: {_reason(error)}"
            raise MailRefused(message, is_permanent=False, is_away=True) from error

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        timeout_s, name = settings.timeout_ms / 1000, socket.gethostname()
        host = settings.host or ""
        if settings.security is Security.TLS:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, settings.port, local_hostname=name, timeout=timeout_s, context=context)
        return smtplib.SMTP(host, settings.port, local_hostname=name, timeout=timeout_s)

    def _introduce(self, server: smtplib.SMTP) -> None:
        """Greet, encrypt and log in."""
        server.ehlo_or_helo_if_needed()
        security = self._settings.security
        if security is Security.REQUIRED or (security is Security.OFFERED and server.has_extn("starttls")):
            if not server.has_extn("starttls"):
                raise MailRefused("the mail server offers no STARTTLS, which SMTP_URL requires", is_permanent=True)
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self._settings.user is not None:
            try:
                server.login(self._settings.user, self._settings.password or "")
            except smtplib.SMTPNotSupportedError as error:
                raise MailRefused("the mail server takes no login, which SMTP_URL has", is_permanent=True) from error

    def _content(self, letter: Letter, message_id: str, now: datetime, largest: int | None) -> bytes:
        """The letter's bytes, without the attachment where the server says that it is too large."""
        content = as_message(letter, sender=self.sender, message_id=message_id, now=now).as_bytes()
        if largest is None or len(content) <= largest or letter.attachment is None:
            return content
        return as_message(letter.alone(), sender=self.sender, message_id=message_id, now=now).as_bytes()


def _hand_over(server: smtplib.SMTP, content: bytes) -> None:
    try:
        _expect(server.data(content))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise MailInDoubt(f"the mail server did not answer for the letter: {_reason(error)}") from error


def _has_size(server: smtplib.SMTP) -> bool:
    return bool(server.has_extn("size"))


def _largest(server: smtplib.SMTP) -> int | None:
    """The most bytes that the server says it takes; None if it doesn't say."""
    said = server.esmtp_features.get("size", "").strip()
    return int(said) or None if said.isdecimal() else None


def _expect(answer: tuple[int, bytes]) -> None:
    code, reply = answer
    if code not in _OK:
        raise _refused(code, reply)


def _refused(code: int, reply: bytes | str) -> MailRefused:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    shown = mask_text(" ".join(text.split())[:_LONGEST_REPLY])
    return MailRefused(f"the mail server said {code}: {shown}", is_permanent=code >= _PERMANENT_FROM)


def _reason(error: Exception) -> str:
    return mask_text(str(error)) or type(error).__name__
