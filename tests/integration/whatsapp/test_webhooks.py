"""The providers' webhooks, through Flask, into a real database."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from shared.broker import DokoBroker, EngineConfig, JobOptions, NewJob
from shared.database import Database
from shared.database.models.whatsapp import (
    ConversationWindow,
    MessageState,
    WhatsAppMessage,
    WhatsAppReceipt,
)
from shared.messages import dump
from shared.messages.whatsapp import SendMessage
from shared.queues import Queue
from shared.settings import Settings
from shared.settings_whatsapp import WhatsAppSettings
from tests.doubles.whatsapp_webhooks import (
    META_PATH,
    TWILIO_PATH,
    Signed,
    meta_batch,
    meta_status,
    meta_text,
    signed_meta,
    signed_twilio,
    twilio_status,
    twilio_text,
)
from tests.integration.whatsapp.hooks import SECRET, TOKEN, VERIFY, WEBHOOK_URL, Hooks, an_app
from tests.unit.services.whatsapp.builders import PHONE, a_message


def test_meta_verifies_the_webhook_with_its_token(hooks: Hooks) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}

    right = hooks.client.get(META_PATH, query_string=query | {"hub.verify_token": VERIFY})
    wrong = hooks.client.get(META_PATH, query_string=query | {"hub.verify_token": "other"})

    assert (right.status_code, right.text, right.mimetype) == (200, "1158201444", "text/plain")
    assert wrong.status_code == 403


def test_every_message_and_receipt_of_a_batch_is_stored(hooks: Hooks) -> None:
    hooks.sent()

    answer = hooks.meta(
        statuses=[meta_status("wamid.1", "delivered"), meta_status("wamid.9", "sent")],
        messages=[meta_text("wamid.in1", "BALANCE"), meta_text("wamid.in2", "ठीक छ", sender="9779811111111")],
    )

    assert answer.get_json() == {"success": True, "messages": 2, "receipts": 2, "ignored": 0}
    inbound = {each.provider_id: each for each in hooks.all(WhatsAppMessage) if each.direction == "in"}
    assert inbound["wamid.in2"].body == "ठीक छ"
    assert inbound["wamid.in2"].phone == "+9779811111111"
    assert len(hooks.all(WhatsAppReceipt)) == 2
    assert {each.phone for each in hooks.all(ConversationWindow)} == {PHONE, "+9779811111111"}


def test_a_redelivery_changes_nothing(hooks: Hooks) -> None:
    batch = {"statuses": [meta_status("wamid.1", "sent")], "messages": [meta_text("wamid.in1", "Hi")]}

    assert [hooks.meta(**batch).status_code for _ in range(3)] == [200, 200, 200]
    assert len(hooks.all(WhatsAppMessage)) == 1
    assert len(hooks.all(WhatsAppReceipt)) == 1


def test_receipts_never_move_a_message_backwards(hooks: Hooks) -> None:
    hooks.sent()

    for state in ("read", "delivered", "sent", "failed"):
        hooks.meta(statuses=[meta_status("wamid.1", state)])

    assert hooks.message().state is MessageState.READ
    assert hooks.message().delivered_at is not None


def test_a_receipt_that_names_the_job_settles_a_doubtful_send(hooks: Hooks) -> None:
    hooks.sent(provider_id=None)

    hooks.meta(statuses=[meta_status("wamid.7", "delivered", biz_opaque_callback_data="whatsapp-1")])

    assert hooks.message().provider_id == "wamid.7"
    assert hooks.message().state is MessageState.DELIVERED


def test_the_window_counts_from_the_latest_message_and_never_from_the_future(hooks: Hooks) -> None:
    now = time.time()
    hooks.meta(messages=[meta_text("wamid.a", "new", at=now - 60)])
    hooks.meta(messages=[meta_text("wamid.b", "old", at=now - 9_000)])
    [window] = hooks.all(ConversationWindow)
    assert window.last_inbound_at == datetime.fromtimestamp(int(now - 60), UTC)

    hooks.meta(messages=[meta_text("wamid.c", "future", at=now + 99_999)])
    [window] = hooks.all(ConversationWindow)
    assert window.last_inbound_at <= datetime.now(UTC)


@pytest.mark.parametrize("signature", [None, "", "sha256=", "sha256=00", "sha1=x", "ünïcode"])
def test_a_wrong_signature_is_refused_before_anything_is_read(hooks: Hooks, signature: str | None) -> None:
    signed = signed_meta(meta_batch(messages=[meta_text("wamid.1", "Hi")]), SECRET)
    headers = signed.headers | ({"X-Hub-Signature-256": signature} if signature is not None else {})
    if signature is None:
        del headers["X-Hub-Signature-256"]

    answer = hooks.post(META_PATH, Signed(signed.body, headers))

    assert answer.status_code == 401
    assert hooks.all(WhatsAppMessage) == []


def test_a_changed_body_is_refused(hooks: Hooks) -> None:
    signed = signed_meta(meta_batch(messages=[meta_text("wamid.1", "Hi")]), SECRET)

    assert hooks.post(META_PATH, replace(signed, body=signed.body + b" ")).status_code == 401


@pytest.mark.parametrize("payload", [[], "x", 1, None, {}, {"entry": 5}])
def test_what_is_no_notification_is_a_400(hooks: Hooks, payload: object) -> None:
    answer = hooks.post(META_PATH, signed_meta(payload, SECRET))

    assert answer.status_code == 400
    assert answer.get_json()["success"] is False


@pytest.mark.parametrize(
    "entry",
    [
        [],
        [None, 3],
        [{"changes": "x"}],
        [{"changes": [{"value": {"messages": [{}, {"id": 5}, {"id": "a", "from": "x"}], "statuses": [{"id": "b"}]}}]}],
        [{"changes": [{"field": "account_update", "value": {"event": "new"}}]}],
    ],
)
def test_entries_that_mean_nothing_to_us_are_passed_over(hooks: Hooks, entry: object) -> None:
    assert hooks.post(META_PATH, signed_meta({"entry": entry, "new": 1}, SECRET)).status_code == 200


def test_twilio_messages_and_receipts_are_stored_once(hooks: Hooks) -> None:
    hooks.sent(provider_id=None, provider="twilio")

    answers = [
        hooks.twilio(twilio_status("SM1", "delivered"), "?jobId=whatsapp-1"),
        hooks.twilio(twilio_status("SM1", "delivered"), "?jobId=whatsapp-1"),
        hooks.twilio(twilio_text("SM9", "STOP")),
    ]

    assert [each.status_code for each in answers] == [200, 200, 200]
    assert answers[2].mimetype == "text/xml"
    states = {each.provider_id: each.state for each in hooks.all(WhatsAppMessage)}
    assert states == {"SM1": MessageState.DELIVERED, "SM9": MessageState.RECEIVED}
    assert len(hooks.all(ConversationWindow)) == 1


def test_a_twilio_signature_covers_the_query(hooks: Hooks) -> None:
    signed = signed_twilio(WEBHOOK_URL + "?jobId=whatsapp-1", twilio_status("SM1", "sent"), TOKEN)

    assert hooks.post(TWILIO_PATH + "?jobId=whatsapp-2", signed).status_code == 401


def test_a_webhook_without_a_secret_is_off(database: Database, redis_client: redis.Redis) -> None:
    broker = DokoBroker(redis_client, EngineConfig.from_settings(Settings()))
    client = an_app(WhatsAppSettings(), database, broker, redis_client).test_client()

    answers = [client.get(META_PATH), client.post(META_PATH), client.post(TWILIO_PATH)]
    broker.close()

    assert [each.status_code for each in answers] == [404, 404, 404]
    assert "WHATSAPP_META_APP_SECRET" in answers[1].get_json()["message"]


def test_a_text_that_met_a_closed_window_is_enqueued_again_once(hooks: Hooks) -> None:
    job = NewJob(Queue.WHATSAPP, "message", dump(a_message()), SendMessage.VERSION, JobOptions(job_id="whatsapp-1"))
    hooks.broker.add(job)
    hooks.sent()
    failed = meta_status("wamid.1", "failed", biz_opaque_callback_data="whatsapp-1", errors=[{"code": 131047}])

    hooks.meta(statuses=[failed])
    hooks.meta(statuses=[failed])

    again = hooks.store.job("whatsapp-whatsapp-1-template")
    assert again.data == job.data
    assert hooks.message().state is MessageState.FAILED
