"""The settings: defaults, overrides, and errors that name the rule and the nearest valid value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from dotenv import dotenv_values

from shared.errors import ConfigurationError
from shared.queues import Breaker, Queue
from shared.settings import Settings, known_variables

ROOT = Path(__file__).parents[3]
TOKEN = "t" * 32


def settings(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def refused(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        settings(**environment)
    return str(error.value)


def test_an_empty_environment_is_the_development_default() -> None:
    assert settings() == Settings()


def test_the_example_documents_every_variable_and_no_other() -> None:
    assert set(dotenv_values(ROOT / ".env.example")) == set(known_variables())


def test_the_example_shows_the_defaults() -> None:
    example = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}

    shown = Settings.from_environment(example)

    assert (shown.port, shown.lease_ms, shown.log_dir) == (3000, 30_000, Path("logs"))
    assert shown.whatsapp == Settings().whatsapp
    assert [shown.policy(queue) for queue in Queue] == [Settings().policy(queue) for queue in Queue]


def test_each_variable_of_the_example_is_commented() -> None:
    for block in (ROOT / ".env.example").read_text().split("\n\n"):
        lines = block.strip().splitlines()
        if any("=" in line and not line.startswith("#") for line in lines):
            assert lines[0].startswith("#"), f"no comment above {lines[0]}"


def test_an_empty_value_means_not_set() -> None:
    assert settings(REDIS_PASSWORD="", PORT=" ", TWILIO_ACCOUNT_SID="") == Settings()


def test_an_empty_log_dir_means_no_log_files() -> None:
    assert settings(LOG_DIR="").log_dir is None


def test_the_redis_parts_make_a_url_with_the_password_quoted() -> None:
    made = settings(REDIS_HOST="cache", REDIS_PORT="6380", REDIS_PASSWORD="p@ss/word", REDIS_DB="2")

    assert made.redis_url == "redis://:p%40ss%2Fword@cache:6380/2"
    assert made.redis_explicit


def test_without_redis_variables_redis_is_not_explicit() -> None:
    assert not settings().redis_explicit
    assert settings(REDIS_URL="rediss://cache:6379/0").redis_explicit


def test_a_redis_url_beside_its_parts_is_refused() -> None:
    assert "can't be combined" in refused(REDIS_URL="redis://a/0", REDIS_HOST="b")


def test_the_database_defaults_to_a_file_in_the_data_folder() -> None:
    assert settings(DATA_DIR="/srv/doko").database_url == "sqlite:////srv/doko/doko.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_postgresql_scheme_means_psycopg(scheme: str) -> None:
    assert settings(DATABASE_URL=f"{scheme}://u@h/doko").database_url == "postgresql+psycopg://u@h/doko"


def test_a_queue_variable_overrides_the_policy_of_its_queue_only() -> None:
    changed = settings(CREDIT_SCORE_CONCURRENCY="7", CREDIT_SCORE_KEEP_COMPLETED="10", CREDIT_SCORE_KEEP_FAILED="0")

    policy = changed.policy(Queue.CREDIT_SCORE)
    assert (policy.concurrency, policy.keep_completed, policy.keep_failed) == (7, 10, 0)
    assert changed.policy(Queue.WHATSAPP) == Settings().policy(Queue.WHATSAPP)


def test_whatsapp_has_a_circuit_breaker_unless_it_is_switched_off() -> None:
    assert settings().policy(Queue.WHATSAPP).breaker == Breaker()
    assert settings(WHATSAPP_BREAKER="off").policy(Queue.WHATSAPP).breaker is None
    assert settings().policy(Queue.REPORT_GENERATION).breaker is None
    on = settings(REPORT_GENERATION_BREAKER="on", BREAKER_CALLS="3", BREAKER_COOLDOWN_MS="500")
    assert on.policy(Queue.REPORT_GENERATION).breaker == Breaker(calls=3, cooldown_ms=500)


def test_a_longest_cool_down_below_the_first_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="BREAKER_LONGEST_COOLDOWN_MS is 100, less than BREAKER_COOLDOWN_MS"):
        settings(BREAKER_LONGEST_COOLDOWN_MS="100")


def test_a_cap_over_all_replicas_holds_only_where_it_is_set() -> None:
    assert settings(REPORT_GENERATION_GLOBAL_CONCURRENCY="2").global_concurrency == {Queue.REPORT_GENERATION: 2}


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("PORT", "99999", "65535"),
        ("PORT", "3000x", "3000"),
        ("PORT", "http", "3000"),
        ("WHATSAPP_CONCURRENCY", "0", "1"),
        ("WHATSAPP_CONCURRENCY", "many", "5"),
        ("LOG_LEVEL", "info", "INFO"),
        ("LOG_LEVEL", "WARN", "WARNING"),
        ("DOKO_ENV", "prod", "production"),
        ("WHATSAPP_PROVIDER", "twillio", "twilio"),
        ("REDIS_URL", "reddis://h", "redis://…"),
        ("DATABASE_URL", "postgre://h/db", "postgres://…"),
        ("SENTRY_DSN", "sentry", "https://…"),
        ("CLOCK_OFFSET", "tomorrow", "+1d"),
    ],
)
def test_a_wrong_value_is_refused_with_the_nearest_valid_one(name: str, value: str, nearest: str) -> None:
    message = refused(**{name: value})

    assert message.startswith(f"{name}=")
    assert f"the nearest valid value is {nearest}" in message


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("REDIS_HOTS", "REDIS_HOST"),
        ("WHATSAPP_CONCURENCY", "WHATSAPP_CONCURRENCY"),
        ("CREDIT_SCORE_THREADS", "CREDIT_SCORE_"),
        ("TWILIO_SID", "TWILIO_ACCOUNT_SID"),
        ("META_ACCESS_TOKEN", "WHATSAPP_META_ACCESS_TOKEN"),
    ],
)
def test_an_unknown_variable_under_our_prefixes_is_refused_with_the_nearest_one(unknown: str, nearest: str) -> None:
    assert f"{unknown} is not a setting of Doko; the nearest one is {nearest}" in refused(**{unknown: "1"})


def test_the_variables_of_others_are_left_alone() -> None:
    assert settings(PATH="/bin", HOSTNAME="pod-1", POSTGRES_PASSWORD="x") == Settings()


def test_the_service_links_of_kubernetes_are_left_alone() -> None:
    links = {"REDIS_SERVICE_HOST": "10.0.0.1", "REDIS_SERVICE_PORT_TCP": "6379", "REDIS_PORT_6379_TCP_ADDR": "10.0.0.1"}

    assert settings(**links) == Settings()


def test_a_port_that_a_kubernetes_service_link_overwrote_says_what_to_do() -> None:
    assert "enableServiceLinks: false" in refused(REDIS_PORT="tcp://10.0.0.1:6379")


def test_the_env_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=3100\nLEASE_MS=5000\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "3200")

    read = Settings.from_environment()

    assert (read.port, read.lease_ms) == (3200, 5000)


def test_a_misspelt_name_in_the_env_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PROT=3100\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match="PROT is not a setting of Doko; the nearest one is PORT"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("+2d", timedelta(days=2)),
        ("-3h30m", timedelta(hours=-3, minutes=-30)),
        ("45m", timedelta(minutes=45)),
        ("", timedelta()),
    ],
)
def test_the_clock_offset_is_a_signed_span(text: str, span: timedelta) -> None:
    assert settings(CLOCK_OFFSET=text).clock_offset == span


def test_the_clock_offset_shifts_the_business_clock() -> None:
    ahead = settings(CLOCK_OFFSET="+2d").clock().today() - settings().clock().today()

    # Midnight may fall between the two readings.
    assert timedelta(days=1) <= ahead <= timedelta(days=2)


def test_the_clock_offset_is_refused_in_production() -> None:
    assert "CLOCK_OFFSET" in refused(CLOCK_OFFSET="+2d", DOKO_ENV="production")


def test_the_provider_is_the_one_whose_account_is_configured() -> None:
    twilio = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret", "TWILIO_FROM": "whatsapp:+14155238886"}
    meta = {"WHATSAPP_META_ACCESS_TOKEN": "secret", "WHATSAPP_META_PHONE_NUMBER_ID": "1"}

    assert settings(**twilio).whatsapp.provider == "twilio"
    assert settings(**meta).whatsapp.provider == "meta"
    assert settings(**meta, WHATSAPP_PROVIDER="console").whatsapp.provider == "console"
    assert "both accounts are configured" in refused(**meta, **twilio)


def test_a_provider_without_its_account_is_refused() -> None:
    assert "WHATSAPP_META_ACCESS_TOKEN must be set" in refused(WHATSAPP_PROVIDER="meta")


def test_a_short_admin_token_is_refused_without_repeating_it() -> None:
    message = refused(ADMIN_TOKEN="hunter2")

    assert "at least 32 characters" in message
    assert "hunter2" not in message


def test_the_repr_hides_every_secret() -> None:
    secret = "s3cr3t" + TOKEN
    names = [name for name in known_variables() if name.endswith(("TOKEN", "SECRET"))]
    environment = dict.fromkeys(names, secret) | {
        "WHATSAPP_META_PHONE_NUMBER_ID": "1",
        "TWILIO_FROM": "whatsapp:+14155238886",
        "WHATSAPP_PROVIDER": "meta",
        "REDIS_PASSWORD": secret,
        "DATABASE_URL": f"postgresql://doko:{secret}@db/doko",
        "SMTP_URL": f"smtp://doko:{secret}@mail:587",
        "SMTP_FROM": "doko@example.com",
        "SENTRY_DSN": f"https://{secret}@sentry/1",
    }

    assert secret not in repr(settings(**environment))


def test_the_commands_find_the_gateway_where_it_listens() -> None:
    assert settings(HOST="0.0.0.0", PORT="3100").api_url == "http://127.0.0.1:3100"
    assert settings(DOKO_URL="https://doko.example").api_url == "https://doko.example"
