"""A gateway with nothing but its webhooks, called as the providers call it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from gateway import errors
from gateway.context import Gateway
from gateway.routes.webhooks import blueprint
from shared.broker import DokoBroker
from shared.database import Database
from shared.database import send_records as records
from shared.database.models.whatsapp import WhatsAppMessage
from shared.job_store import JobStore
from shared.settings import Settings
from shared.settings_whatsapp import WhatsAppSettings
from tests.doubles.whatsapp_webhooks import META_PATH, TWILIO_PATH, Signed, meta_batch, signed_meta, signed_twilio
from tests.unit.services.whatsapp.builders import PHONE

SECRET = "app-secret"
VERIFY = "verify-token"
TOKEN = "twilio-token"
WEBHOOK_URL = "https://doko.example/api/v1/webhooks/whatsapp/twilio"
SETTINGS = WhatsAppSettings(
    meta_app_secret=SECRET, meta_verify_token=VERIFY, twilio_auth_token=TOKEN, twilio_webhook_url=WEBHOOK_URL
)


class Hooks:
    """Calls the webhooks and looks at what is stored."""

    def __init__(self, client: FlaskClient, database: Database, broker: DokoBroker, store: JobStore) -> None:
        self.store = store
        self.client = client
        self.database = database
        self.broker = broker

    def post(self, path: str, signed: Signed) -> TestResponse:
        return self.client.post(path, data=signed.body, headers=signed.headers)

    def meta(self, **batch: Any) -> TestResponse:
        return self.post(META_PATH, signed_meta(meta_batch(**batch), SECRET))

    def twilio(self, form: dict[str, str], query: str = "") -> TestResponse:
        return self.post(TWILIO_PATH + query, signed_twilio(WEBHOOK_URL + query, form, TOKEN))

    def all(self, model: Any) -> list[Any]:
        with self.database.session() as tx:
            return list(tx.scalars(select(model)))

    def sent(self, job_id: str = "whatsapp-1", provider_id: str | None = "wamid.1", provider: str = "meta") -> None:
        with self.database.session() as tx:
            outgoing = records.Outgoing(job_id, PHONE, provider, "ORDER_CONFIRMATION", "text")
            record, _ = records.begin(tx, outgoing)
            if provider_id is not None:
                records.record_sent(tx, record, provider_id)

    def message(self) -> WhatsAppMessage:
        [message] = self.all(WhatsAppMessage)
        assert isinstance(message, WhatsAppMessage)
        return message


def an_app(settings: WhatsAppSettings, database: Database, broker: DokoBroker, client: redis.Redis) -> Flask:
    app = Flask(__name__)
    errors.install(app)
    app.register_blueprint(blueprint)
    used = {
        "settings": Settings(whatsapp=settings),
        "broker": broker,
        "store": JobStore(client),
        "database": database,
    }
    unused = dict.fromkeys(field.name for field in fields(Gateway))
    app.extensions["doko"] = Gateway(**unused | used)  # type: ignore[arg-type]  # webhooks use no other part
    return app
