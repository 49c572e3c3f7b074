"""The settings of the WhatsApp service: the provider, its account and its pace."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from shared.errors import ConfigurationError
from shared.settings_reader import EnvironmentReader

PROVIDERS = ("console", "meta", "twilio")
META_BASE_URL = "https://graph.facebook.com"
TWILIO_BASE_URL = "https://api.twilio.com"

_WEB = ("https", "http")


def _secret() -> str | None:
    return field(default=None, metadata={"secret": True})


@dataclass(frozen=True, slots=True, repr=False)
class WhatsAppSettings:
    """One provider and what it needs; the console provider needs nothing. Secrets are hidden in ``repr``."""

    provider: str = "console"
    provider_is_explicit: bool = False
    meta_access_token: str | None = _secret()
    meta_phone_number_id: str | None = None
    meta_api_version: str = "v23.0"
    meta_base_url: str = META_BASE_URL
    meta_app_secret: str | None = _secret()
    meta_verify_token: str | None = _secret()
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = _secret()
    twilio_from: str | None = None
    twilio_base_url: str = TWILIO_BASE_URL
    twilio_webhook_url: str | None = None
    rate_per_second: int = 80
    recipient_interval_ms: int = 6_000
    timeout_ms: int = 10_000
    receipt_wait_ms: int = 60_000

    def __repr__(self) -> str:
        """All fields, secrets hidden."""
        shown = (
            f"{each.name}={'***' if each.metadata.get('secret') and value is not None else repr(value)}"
            for each in fields(self)
            for value in [getattr(self, each.name)]
        )
        return f"WhatsAppSettings({', '.join(shown)})"


def read_whatsapp(reader: EnvironmentReader) -> WhatsAppSettings:
    """Read WHATSAPP_* and TWILIO_*; raises ConfigurationError when the provider lacks something it needs."""
    settings = WhatsAppSettings(
        provider=reader.choice("WHATSAPP_PROVIDER", PROVIDERS, _inferred(reader)),
        provider_is_explicit=reader.text("WHATSAPP_PROVIDER") is not None,
        meta_access_token=reader.secret("WHATSAPP_META_ACCESS_TOKEN"),
        meta_phone_number_id=reader.text("WHATSAPP_META_PHONE_NUMBER_ID"),
        meta_api_version=reader.text_or("WHATSAPP_META_API_VERSION", "v23.0"),
        meta_base_url=reader.url_or("WHATSAPP_META_BASE_URL", META_BASE_URL, _WEB),
        meta_app_secret=reader.secret("WHATSAPP_META_APP_SECRET"),
        meta_verify_token=reader.secret("WHATSAPP_META_VERIFY_TOKEN"),
        twilio_account_sid=reader.text("TWILIO_ACCOUNT_SID"),
        twilio_auth_token=reader.secret("TWILIO_AUTH_TOKEN"),
        twilio_from=reader.text("TWILIO_FROM"),
        twilio_base_url=reader.url_or("TWILIO_BASE_URL", TWILIO_BASE_URL, _WEB),
        twilio_webhook_url=reader.url("TWILIO_WEBHOOK_URL", _WEB),
        rate_per_second=reader.integer("WHATSAPP_RATE_PER_SECOND", 80, minimum=1, maximum=1_000),
        recipient_interval_ms=reader.integer("WHATSAPP_RECIPIENT_INTERVAL_MS", 6_000, minimum=0, maximum=3_600_000),
        timeout_ms=reader.integer("WHATSAPP_TIMEOUT_MS", 10_000, minimum=100, maximum=25_000),
        receipt_wait_ms=reader.integer("WHATSAPP_RECEIPT_WAIT_MS", 60_000, minimum=0, maximum=3_600_000),
    )
    _require_account(settings)
    return settings


def _inferred(reader: EnvironmentReader) -> str:
    """The provider whose account is configured; it must be named when both are."""
    has_meta = reader.text("WHATSAPP_META_ACCESS_TOKEN") is not None
    has_twilio = reader.text("TWILIO_ACCOUNT_SID") is not None
    if has_meta and has_twilio and reader.text("WHATSAPP_PROVIDER") is None:
        message = "WHATSAPP_PROVIDER must be meta or twilio, since both accounts are configured"
        raise ConfigurationError(message)
    if has_meta:
        return "meta"
    return "twilio" if has_twilio else "console"


def _require_account(settings: WhatsAppSettings) -> None:
    needed = {
        "console": {},
        "meta": {
            "WHATSAPP_META_ACCESS_TOKEN": settings.meta_access_token,
            "WHATSAPP_META_PHONE_NUMBER_ID": settings.meta_phone_number_id,
        },
        "twilio": {
            "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
            "TWILIO_FROM": settings.twilio_from,
        },
    }[settings.provider]
    for name, value in needed.items():
        if value is None:
            message = f"{name} must be set for WHATSAPP_PROVIDER={settings.provider}"
            raise ConfigurationError(message)
