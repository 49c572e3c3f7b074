"""STOP and START, who gets a reply, and how often."""

from __future__ import annotations

import time

import pytest

from deploy.local.redis_server import RedisServer
from shared.database import send_records
from shared.database.models import OutboxJob
from shared.database.models.whatsapp import ContactPreference
from shared.errors import Refused
from shared.queues import Queue
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.doubles.whatsapp_webhooks import meta_text
from tests.integration.whatsapp.desk import Desk
from tests.integration.whatsapp.hooks import Hooks
from tests.integration.whatsapp.market import SHOP_PHONE, STRANGER, Market
from tests.unit.services.whatsapp.builders import PHONE

pytestmark = pytest.mark.slow

STRANGERS_NUMBER = STRANGER.removeprefix("+")
NOT_A_VENDOR = "This number is not registered for a vendor. Please answer from the number that gets orders."


def test_stop_ends_reminders_and_start_resumes_them(market: Market, meta_desk: Desk, double: WhatsAppDouble) -> None:
    market.write("Stop!", PHONE)
    with pytest.raises(Refused, match="STOP"):
        meta_desk.run("whatsapp-1", "PAYMENT_REMINDER")
    meta_desk.run("whatsapp-2", "ORDER_CONFIRMATION")
    meta_desk.run("whatsapp-3", "BALANCE_INQUIRY_RESPONSE")

    market.write("START", PHONE)
    meta_desk.run("whatsapp-4", "PAYMENT_REMINDER")

    assert len(double.wait_for_taken(3)) == 3
    assert market.replies() == ["You will get our messages and reminders again. To end them, write STOP."]


def test_stop_keeps_the_language_that_the_phone_chose(market: Market) -> None:
    with market.hooks.database.session() as tx:
        tx.add(ContactPreference(phone=SHOP_PHONE, language="ne"))

    market.write("कृपया सन्देश बन्द गर्नुहोस्", SHOP_PHONE)
    [preference] = market.hooks.all(ContactPreference)
    assert (preference.opted_out, preference.language) == (True, "ne")

    market.write("start", SHOP_PHONE)
    [preference] = market.hooks.all(ContactPreference)
    assert (preference.opted_out, preference.language) == (False, "ne")
    assert "STOP" in market.replies()[0]
    assert "सन्देश" in market.replies()[0]


def test_a_redelivered_stop_does_not_undo_a_later_start(market: Market) -> None:
    market.write("STOP", STRANGER, "wamid.1")
    market.write("START", STRANGER, "wamid.2")
    market.write("STOP", STRANGER, "wamid.1")

    assert market.opted_out(STRANGER) is False


def test_the_later_word_counts_in_whatever_order_they_come(hooks: Hooks) -> None:
    now = time.time()
    market = Market(hooks)

    hooks.meta(messages=[meta_text("wamid.b", "START", sender=STRANGERS_NUMBER, at=now - 10)])
    hooks.meta(messages=[meta_text("wamid.a", "STOP", sender=STRANGERS_NUMBER, at=now - 60)])
    assert market.opted_out(STRANGER) is False

    batch = [
        meta_text("wamid.d", "START", sender=STRANGERS_NUMBER, at=now - 2),
        meta_text("wamid.c", "STOP", sender=STRANGERS_NUMBER, at=now - 5),
    ]
    hooks.meta(messages=batch)
    assert market.opted_out(STRANGER) is False


def test_of_one_second_the_word_that_comes_last_counts(hooks: Hooks) -> None:
    now = time.time()
    words = [("wamid.z", "START"), ("wamid.a", "STOP")]

    hooks.meta(messages=[meta_text(each, text, sender=STRANGERS_NUMBER, at=now) for each, text in words])

    assert Market(hooks).opted_out(STRANGER) is True


def test_after_stop_nothing_is_written_back_but_answers_still_count(market: Market) -> None:
    market.vendor()
    market.offer("ORD1")
    market.write("STOP")

    market.write("ACCEPT ORD9")
    market.write("ACCEPT ORD1")

    assert market.replies() == []
    assert market.answers() == [("ORD1", "VEN001", "ACCEPT")]


def test_an_unknown_number_that_answers_is_told_so_in_its_language(market: Market) -> None:
    market.write("ACCEPT ORD1", STRANGER)
    market.write("स्वीकार ORD1", "+9779861777777")
    market.write("BALANCE", "+9779861888888")

    english, nepali, balance = market.replies()
    assert english == NOT_A_VENDOR
    assert "विक्रेता" in nepali
    assert balance.startswith("This number is not registered for a shop.")


def test_replies_go_in_the_language_of_the_vendor(market: Market) -> None:
    market.vendor(language="ne")

    market.write("ACCEPT")

    assert market.replies() == ["अहिले तपाईंको जवाफ दिन बाँकी कुनै अर्डर छैन।"]


def test_ordinary_talk_gets_no_reply(market: Market) -> None:
    market.vendor()
    market.offer("ORD1")
    market.shop()

    for text in (
        "Hi",
        "ok",
        "I can't accept this",
        "stop by tomorrow",
        "start early please today",
        "my balance is wrong",
    ):
        market.write(text)
        market.write(text, SHOP_PHONE)
        market.write(text, STRANGER)

    assert market.jobs() == []


def test_replies_to_one_phone_come_to_an_end(meta_market: Market) -> None:
    with meta_market.hooks.database.session() as tx:
        for number in range(5):
            sent = send_records.Outgoing(f"whatsapp-{number}", STRANGER, "meta", "GENERIC_MESSAGE", "Hm?")
            send_records.begin(tx, sent)

    meta_market.write("ACCEPT ORD1", STRANGER)
    meta_market.write("ACCEPT ORD1", "+9779861777777")

    assert [job["recipient"] for job in meta_market.jobs()] == ["+9779861777777"]


def test_many_wrong_messages_wait_for_one_reply(hooks: Hooks) -> None:
    market = Market(hooks)

    hooks.meta(messages=[meta_text(f"wamid.{i}", "ACCEPT ORD1", sender=STRANGERS_NUMBER) for i in range(3)])
    market.write("ACCEPT ORD2", STRANGER, "wamid.9")

    assert len(market.replies()) == 2
    assert hooks.store.queue_stats(Queue.WHATSAPP).waiting == 1


def test_a_message_older_than_the_window_gets_no_reply(hooks: Hooks) -> None:
    day_ago = time.time() - 86_400

    hooks.meta(messages=[meta_text("wamid.1", "ACCEPT ORD1", sender=STRANGERS_NUMBER, at=day_ago)])

    assert Market(hooks).jobs() == []


def test_what_is_no_phone_number_gets_no_reply_and_is_stored(hooks: Hooks) -> None:
    answer = hooks.meta(messages=[meta_text("wamid.1", "ACCEPT ORD1", sender="99912345")])

    assert answer.status_code == 200
    assert hooks.message().phone == "+99912345"
    assert Market(hooks).jobs() == []


def test_without_redis_the_answer_waits_in_the_outbox(market: Market, redis_server: RedisServer) -> None:
    market.vendor()
    market.offer("ORD1")
    redis_server.stop()

    market.write("ACCEPT ORD1")

    [job] = market.hooks.all(OutboxJob)
    assert (job.name, job.published_at) == ("vendor-response", None)
