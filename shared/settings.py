"""Every setting of Doko, read once from the environment and ``.env`` and passed down from there.

``.env.example`` documents each variable; a test compares it with this file. The
first unknown or wrong one stops the start with a ``ConfigurationError``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from shared.clock import Clock
from shared.errors import ConfigurationError
from shared.queues import POLICIES, Breaker, Queue, QueuePolicy
from shared.settings_breaker import read_breakers
from shared.settings_groups import read_group_keys
from shared.settings_mail import MailSettings, read_address, read_mail
from shared.settings_reader import EnvironmentReader
from shared.settings_redis import DEFAULT_URL, RedisSettings, read_redis
from shared.settings_storage import StorageSettings, read_storage
from shared.settings_whatsapp import WhatsAppSettings, read_whatsapp

ENV_FILE = Path(".env")
ADMIN_TOKEN_LENGTH = 32
DASHBOARD_KEY_LENGTH = 32

_PREFIXES = (
    "DOKO_ REDIS_ DATABASE_ GATEWAY_ TRUSTED_ CLIENT_ WHATSAPP_ META_ TWILIO_ SENTRY_ SMTP_ PAYMENT_ REPORT_ OPERATOR_ "
    "BREAKER_ DASHBOARD_ LEASE_ SHUTDOWN_ SWEEP_ EVENTS_ METRICS_ CLOCK_ CREDIT_SCORE_ ORDER_ROUTING_ "
    "ORDER_PROCESSING_"
)
_OWN_PREFIXES = tuple(_PREFIXES.split())
_DAY_MS = 24 * 60 * 60 * 1000
_MIB = 1024 * 1024


def _secret() -> str | None:
    """A field whose value ``repr`` hides."""
    return field(default=None, metadata={"secret": True})


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What differs between deployments; times in milliseconds, sizes in bytes.

    ``Settings()`` alone is the development default. ``repr`` hides secrets, passwords inside URLs included.
    """

    environment: str = "development"
    data_dir: Path = Path("var")
    log_dir: Path | None = Path("logs")
    log_level: str = "INFO"
    redis_url: str = field(default=DEFAULT_URL, metadata={"url": True})
    redis_explicit: bool = False
    redis: RedisSettings = field(default_factory=RedisSettings)
    database_url: str = field(default="sqlite:///var/doko.db", metadata={"url": True})
    host: str = "127.0.0.1"
    port: int = 3000
    gateway_processes: int = 2
    metrics_port: int | None = None
    trusted_proxies: int = 0
    admin_token: str | None = _secret()
    dashboard_key: str | None = _secret()
    client_rate_limit: int = 6000
    max_body_bytes: int = _MIB
    concurrency: dict[Queue, int] = field(default_factory=dict)
    keep_completed: dict[Queue, int] = field(default_factory=dict)
    keep_failed: dict[Queue, int] = field(default_factory=dict)
    global_concurrency: dict[Queue, int | None] = field(default_factory=dict)
    breakers: dict[Queue, Breaker | None] = field(default_factory=dict)
    group_keys: dict[Queue, str | None] = field(default_factory=dict)
    lease_ms: int = 30_000
    shutdown_grace_ms: int = 25_000
    sweep_interval_ms: int = 2_000
    events_max: int = 1_000_000
    sentry_dsn: str | None = _secret()
    sentry_environment: str = "development"
    sentry_release: str | None = None
    payment_url: str | None = None
    report_email_to: str | None = None
    operator_email: str | None = None
    api_url: str = "http://127.0.0.1:3000"
    api_token: str | None = _secret()
    demo: bool = True
    whatsapp: WhatsAppSettings = field(default_factory=WhatsAppSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    clock_offset: timedelta = timedelta()

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read ``env``, or the process's environment over ``.env``; raises ConfigurationError."""
        from_file = {} if env is not None else _env_file()
        reader = EnvironmentReader({**from_file, **(os.environ if env is None else env)})
        settings = _read(reader)
        reader.refuse_unknown(_OWN_PREFIXES, own_file=from_file)
        return settings

    def policy(self, queue: Queue) -> QueuePolicy:
        """The queue's policy with this deployment's overrides."""
        default = POLICIES[queue]
        return replace(
            default,
            concurrency=self.concurrency.get(queue, default.concurrency),
            keep_completed=self.keep_completed.get(queue, default.keep_completed),
            keep_failed=self.keep_failed.get(queue, default.keep_failed),
            breaker=self.breakers.get(queue, default.breaker),
            group_key=self.group_keys.get(queue, default.group_key),
        )

    def clock(self) -> Clock:
        """The business clock, shifted by CLOCK_OFFSET."""
        return Clock(self.clock_offset)

    @property
    def report_folder(self) -> Path:
        """Where report files go when no bucket is configured."""
        return Path(self.storage.folder) if self.storage.folder else self.data_dir / "reports"

    @property
    def is_production(self) -> bool:
        """Whether real people are at the other end."""
        return self.environment == "production"

    def __repr__(self) -> str:
        """All fields, secrets hidden."""
        return f"Settings({', '.join(f'{each.name}={_shown(self, each.name)}' for each in fields(self))})"


def known_variables() -> tuple[str, ...]:
    """Every environment variable that Doko reads."""
    reader = EnvironmentReader({})
    _read(reader)
    return reader.known


def _env_file() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(ENV_FILE).items()}


def _read(reader: EnvironmentReader) -> Settings:
    environment = reader.choice("DOKO_ENV", ("development", "production"), "development")
    data_dir = Path(reader.text_or("DATA_DIR", "var"))
    redis_url, redis = read_redis(reader)
    host = reader.text_or("HOST", "127.0.0.1")
    port = reader.integer("PORT", 3000, minimum=1, maximum=65_535)
    return Settings(
        environment=environment,
        data_dir=data_dir,
        log_dir=_log_dir(reader),
        log_level=reader.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
        redis_url=redis_url or DEFAULT_URL,
        redis_explicit=redis_url is not None,
        redis=redis,
        database_url=_database_url(reader, data_dir),
        host=host,
        port=port,
        metrics_port=reader.optional_integer("METRICS_PORT", minimum=1, maximum=65_535, example=9191),
        gateway_processes=reader.integer("GATEWAY_PROCESSES", 2, minimum=1, maximum=256),
        trusted_proxies=reader.integer("TRUSTED_PROXIES", 0, minimum=0, maximum=10),
        admin_token=reader.secret("ADMIN_TOKEN", minimum_length=ADMIN_TOKEN_LENGTH),
        dashboard_key=reader.secret("DASHBOARD_KEY", minimum_length=DASHBOARD_KEY_LENGTH),
        client_rate_limit=reader.integer("CLIENT_RATE_LIMIT", 6000, minimum=0, maximum=10_000_000),
        max_body_bytes=reader.integer("MAX_BODY_BYTES", _MIB, minimum=1024, maximum=100 * _MIB),
        concurrency=_per_queue(reader, "CONCURRENCY", minimum=1, maximum=1000),
        keep_completed=_per_queue(reader, "KEEP_COMPLETED", minimum=0, maximum=10_000_000),
        keep_failed=_per_queue(reader, "KEEP_FAILED", minimum=0, maximum=10_000_000),
        global_concurrency=dict(_per_queue(reader, "GLOBAL_CONCURRENCY", minimum=1, maximum=1_000_000)),
        breakers=read_breakers(reader),
        group_keys=read_group_keys(reader),
        lease_ms=reader.integer("LEASE_MS", 30_000, minimum=500, maximum=_DAY_MS),
        shutdown_grace_ms=reader.integer("SHUTDOWN_GRACE_MS", 25_000, minimum=0, maximum=_DAY_MS),
        sweep_interval_ms=reader.integer("SWEEP_INTERVAL_MS", 2_000, minimum=50, maximum=60_000),
        events_max=reader.integer("EVENTS_MAX", 1_000_000, minimum=1_000, maximum=1_000_000_000),
        sentry_dsn=reader.url("SENTRY_DSN", ("https", "http")),
        sentry_environment=reader.text_or("SENTRY_ENVIRONMENT", environment),
        sentry_release=reader.text("SENTRY_RELEASE"),
        payment_url=reader.url("PAYMENT_URL", ("https", "http")),
        report_email_to=read_address(reader, "REPORT_EMAIL_TO"),
        operator_email=read_address(reader, "OPERATOR_EMAIL"),
        api_url=reader.url_or("DOKO_URL", f"http://{_reachable(host)}:{port}", ("https", "http")),
        api_token=reader.secret("DOKO_TOKEN"),
        demo=reader.choice("DOKO_DEMO", ("on", "off"), "on") == "on",
        whatsapp=read_whatsapp(reader),
        mail=read_mail(reader),
        storage=read_storage(reader),
        clock_offset=_clock_offset(reader, environment),
    )


def _database_url(reader: EnvironmentReader, data_dir: Path) -> str:
    schemes = ("postgresql", "postgresql+psycopg", "postgres", "sqlite")
    url = reader.url_or("DATABASE_URL", f"sqlite:///{data_dir / 'doko.db'}", schemes)
    scheme, _, rest = url.partition("://")
    # SQLAlchemy takes the bare schemes for psycopg2, which Doko doesn't have.
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def _log_dir(reader: EnvironmentReader) -> Path | None:
    value = reader.raw("LOG_DIR")
    if value is None:
        return Path("logs")
    return Path(value) if value.strip() else None


def _per_queue(reader: EnvironmentReader, suffix: str, *, minimum: int, maximum: int) -> dict[Queue, int]:
    values = {}
    for queue, policy in POLICIES.items():
        name = f"{queue.name}_{suffix}"
        value = reader.optional_integer(name, minimum=minimum, maximum=maximum, example=policy.concurrency)
        if value is not None:
            values[queue] = value
    return values


def _clock_offset(reader: EnvironmentReader, environment: str) -> timedelta:
    offset = reader.span("CLOCK_OFFSET")
    if offset and environment != "development":
        message = f"CLOCK_OFFSET shifts business dates and is refused when DOKO_ENV is {environment}; unset it"
        raise ConfigurationError(message)
    return offset


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else _bracketed(host)  # noqa: S104 - compared, not bound


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    metadata = next(each.metadata for each in fields(settings) if each.name == name)
    if metadata.get("secret") and value is not None:
        return "'***'"
    if metadata.get("url") and value is not None and (password := urlsplit(value).password):
        return repr(value.replace(f":{password}@", ":***@"))
    return repr(value)
