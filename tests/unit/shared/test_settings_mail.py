"""SMTP_URL says everything about the way to the mail server; what is wrong in it stops the start."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.settings_mail import MailSettings

FROM = "Doko <doko@example.com>"


def mail(url: str, sender: str = FROM) -> MailSettings:
    return Settings.from_environment({"SMTP_URL": url, "SMTP_FROM": sender}).mail


def refused(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(environment)
    return str(error.value)


def test_without_a_url_nothing_is_sent() -> None:
    assert Settings.from_environment({}).mail.host is None


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail", 25, "offered"),
        ("smtp://user:pass@mail", 587, "required"),
        ("smtp://user:pass@mail:2525?starttls=never", 2525, "never"),
        ("smtp://mail?starttls=required", 25, "required"),
        ("smtps://user:pass@mail", 465, "tls"),
    ],
)
def test_port_and_protection_follow_from_the_url(url: str, port: int, security: str) -> None:
    assert (mail(url).host, mail(url).port, mail(url).security) == ("mail", port, security)


def test_user_and_password_are_unquoted() -> None:
    made = mail("smtp://doko%40example.com:p%40ss%2Fword@mail")
    assert (made.user, made.password) == ("doko@example.com", "p@ss/word")


def test_the_user_is_the_sender_if_it_is_an_address() -> None:
    assert Settings.from_environment({"SMTP_URL": "smtp://doko%40example.com:x@mail"}).mail.sender == "doko@example.com"
    assert "SMTP_FROM must be set" in refused(SMTP_URL="smtp://doko:x@mail")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://mail", "must be a URL that starts with smtp:// or smtps://"),
        ("smtp://mail/path", "without a path"),
        ("smtp://mail?tls=yes", "without a path and other parameters"),
        ("smtp://mail?starttls=require", "the nearest valid value is required"),
        ("smtps://mail?starttls=never", "TLS from the start"),
        ("smtp://mail:99999", "a port from 1 to 65535"),
        ("smtp://:25", "without a path"),
    ],
)
def test_a_wrong_url_stops_the_start_without_repeating_the_password(url: str, said: str) -> None:
    message = refused(SMTP_URL=url.replace("mail", "user:hunter2@mail"), SMTP_FROM=FROM)
    assert said in message
    assert "hunter2" not in message


@pytest.mark.parametrize("name", ["SMTP_FROM", "OPERATOR_EMAIL", "REPORT_EMAIL_TO"])
def test_a_wrong_address_stops_the_start(name: str) -> None:
    assert "must be an e-mail address" in refused(**{name: "nobody"})


def test_the_password_is_never_shown() -> None:
    made = Settings.from_environment({"SMTP_URL": "smtp://user:hunter2@mail", "SMTP_FROM": FROM})
    assert "hunter2" not in repr(made)
