"""The way to the mail server: encrypted where that is asked for, with a login, within the server's limits."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.mail import Attachment, Letter
from shared.mail.console import ConsoleTransport
from shared.mail.smtp import SmtpTransport
from shared.mail.transport import MailRefused
from shared.settings_mail import MailSettings, Security
from tests.doubles.mail_server import MailServer, authenticate, mail_server

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
LETTER = Letter(
    "sita@example.com", "Report", "attached", Attachment("report.csv", "text/csv; charset=utf-8", b"a,b\r\n1,2\r\n")
)


def send(settings: MailSettings, letter: Letter = LETTER) -> None:
    SmtpTransport(settings).send(letter, message_id="<1@example.com>", now=NOW)


def settings_of(
    server: MailServer, security: Security, *, user: str | None = None, password: str | None = None
) -> MailSettings:
    return MailSettings(
        host="127.0.0.1",
        port=server.port,
        user=user,
        password=password,
        security=security,
        sender="doko@example.com",
        timeout_ms=5_000,
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_an_attachment_arrives_as_it_was(server: MailServer, settings: MailSettings) -> None:
    send(settings)
    (attachment,) = server.letters[0].iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("report.csv", "text/csv")
    assert attachment.get_payload(decode=True) == b"a,b\r\n1,2\r\n"


def test_an_attachment_over_the_servers_limit_gives_way_to_its_text() -> None:
    with mail_server(data_size_limit=2_000) as server:
        letter = replace(LETTER, text_alone="download it", attachment=replace(_attachment(), content=b"x" * 10_000))
        send(settings_of(server, Security.NEVER), letter)
        assert server.letters[0].get_content().strip() == "download it"
        assert not server.letters[0].is_multipart()


@pytest.mark.parametrize("security", [Security.REQUIRED, Security.OFFERED])
def test_starttls_encrypts_before_the_login(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(starttls=tls, require_starttls=True, authenticator=authenticate, auth_required=True) as server:
        send(settings_of(server, security, user="doko", password="s3cret"))
        assert len(server.letters) == 1


def test_tls_from_the_start(tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(tls=tls) as server:
        send(settings_of(server, Security.TLS))
        assert len(server.letters) == 1


def test_a_certificate_that_nobody_vouches_for_gets_no_letter(tls: ssl.SSLContext) -> None:
    with mail_server(starttls=tls) as server:
        with pytest.raises(MailRefused, match="certificate") as refused:
            send(settings_of(server, Security.REQUIRED))
        assert not refused.value.is_permanent
        assert server.letters == []


def test_a_server_without_starttls_gets_no_letter_where_it_is_required(server: MailServer) -> None:
    with pytest.raises(MailRefused, match="offers no STARTTLS") as refused:
        send(settings_of(server, Security.REQUIRED))
    assert refused.value.is_permanent
    assert server.letters == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_is_final() -> None:
    with mail_server(authenticator=authenticate, auth_required=True, auth_require_tls=False) as server:
        with pytest.raises(MailRefused, match="535") as refused:
            send(settings_of(server, Security.NEVER, user="doko", password="wrong"))
        assert refused.value.is_permanent


def test_a_login_that_the_server_does_not_know_is_final(server: MailServer) -> None:
    with pytest.raises(MailRefused, match="takes no login"):
        send(settings_of(server, Security.NEVER, user="doko", password="s3cret"))


def test_the_console_shows_a_letter_to_who_develops(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleTransport(MailSettings()).send(LETTER, message_id="<1@example.com>", now=NOW)
    shown = capsys.readouterr().err
    assert "E-mail to sita@example.com: Report" in shown
    assert "[report.csv]" in shown


def _attachment() -> Attachment:
    assert LETTER.attachment is not None
    return LETTER.attachment
