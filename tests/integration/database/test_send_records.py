"""Send records: a message moves forward, never back, in whatever order the news arrives."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select

from shared.database import Database, send_records
from shared.database.models import MessageState, WhatsAppMessage, WhatsAppReceipt
from shared.database.send_records import Outgoing, Receipt

JOB = "whatsapp-1"
WAMID = "wamid.1"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
STATES = (MessageState.SENT, MessageState.DELIVERED, MessageState.READ)


def an_outgoing(job_id: str = JOB) -> Outgoing:
    return Outgoing(job_id, "+9779800000000", "meta", "GENERIC_MESSAGE", body="hello")


def a_receipt(state: MessageState, *, provider_id: str = WAMID, job_id: str | None = None) -> Receipt:
    minutes = list(MessageState).index(state)
    return Receipt("meta", provider_id, state, NOON + timedelta(minutes=minutes), job_id=job_id)


def begin(database: Database, job_id: str = JOB) -> None:
    with database.session() as tx:
        assert send_records.begin(tx, an_outgoing(job_id), now=NOON)[1]


def note_sent(database: Database, provider_id: str = WAMID) -> None:
    with database.session() as tx:
        record = send_records.find(tx, JOB)
        assert record is not None
        send_records.record_sent(tx, record, provider_id, now=NOON)


def receive(database: Database, receipt: Receipt) -> bool:
    with database.session() as tx:
        return send_records.record_receipt(tx, receipt)


def message_of(database: Database) -> WhatsAppMessage:
    with database.reader() as tx:
        return tx.scalars(select(WhatsAppMessage).where(WhatsAppMessage.job_id == JOB)).one()


def test_a_message_is_sending_before_it_is_sent(database: Database) -> None:
    begin(database)

    record = message_of(database)
    assert (record.state, record.sending_at, record.provider_id) == (MessageState.SENDING, NOON, None)


def test_of_two_runs_of_a_job_one_may_send(database: Database) -> None:
    def run(_: int) -> bool:
        with database.session() as tx:
            return send_records.begin(tx, an_outgoing())[1]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [False, False, False, True]


@pytest.mark.parametrize("order", list(permutations(STATES)))
def test_receipts_in_any_order_end_in_read(database: Database, order: tuple[MessageState, ...]) -> None:
    begin(database)
    note_sent(database)
    for state in order:
        receive(database, a_receipt(state))

    record = message_of(database)
    assert record.state is MessageState.READ
    assert record.delivered_at == a_receipt(MessageState.DELIVERED).at
    assert record.read_at == a_receipt(MessageState.READ).at


def test_receipts_that_come_before_the_send_is_recorded_are_applied_with_it(database: Database) -> None:
    begin(database)
    receive(database, a_receipt(MessageState.READ))
    receive(database, a_receipt(MessageState.DELIVERED))
    assert message_of(database).state is MessageState.SENDING

    note_sent(database)

    assert message_of(database).state is MessageState.READ


def test_a_receipt_for_a_message_that_nobody_knows_is_kept(database: Database) -> None:
    assert receive(database, a_receipt(MessageState.DELIVERED))

    with database.reader() as tx:
        assert tx.scalars(select(func.count()).select_from(WhatsAppReceipt)).one() == 1


def test_a_receipt_that_comes_again_is_a_no_op(database: Database) -> None:
    begin(database)
    note_sent(database)

    assert receive(database, a_receipt(MessageState.DELIVERED)) is True
    assert receive(database, a_receipt(MessageState.DELIVERED)) is False


def test_a_receipt_that_names_the_job_proves_a_send_whose_answer_got_lost(database: Database) -> None:
    begin(database)

    receive(database, a_receipt(MessageState.DELIVERED, job_id=JOB))

    record = message_of(database)
    assert (record.state, record.provider_id) == (MessageState.DELIVERED, WAMID)
    with database.reader() as tx:
        assert [receipt.provider_id for receipt in send_records.receipts_of_job(tx, JOB)] == [WAMID]


def test_a_delivered_message_does_not_fail(database: Database) -> None:
    begin(database)
    note_sent(database)
    receive(database, a_receipt(MessageState.DELIVERED))
    receive(database, a_receipt(MessageState.FAILED))

    assert message_of(database).state is MessageState.DELIVERED


def test_a_message_that_the_provider_failed_says_why(database: Database) -> None:
    begin(database)
    note_sent(database)
    with database.session() as tx:
        receipt = Receipt("meta", WAMID, MessageState.FAILED, NOON, error_code="131026")
        send_records.record_receipt(tx, receipt)

    record = message_of(database)
    assert (record.state, record.error_code, record.failed_at) == (MessageState.FAILED, "131026", NOON)


def test_a_message_in_doubt_is_sent_again_as_a_possible_duplicate(database: Database) -> None:
    begin(database)
    with database.session() as tx:
        record = send_records.find(tx, JOB)
        assert record is not None
        send_records.send_again(record, possible_duplicate=True, now=NOON + timedelta(minutes=1))

    record = message_of(database)
    assert (record.state, record.possible_duplicate) == (MessageState.SENDING, True)
    assert record.sending_at == NOON + timedelta(minutes=1)


def test_a_message_that_went_out_is_not_sent_again(database: Database) -> None:
    begin(database)
    note_sent(database)

    with pytest.raises(ValueError, match="is not sent again"):
        send_records.send_again(message_of(database), possible_duplicate=True)


@pytest.mark.parametrize("named", [None, JOB])
def test_a_receipt_that_arrives_while_its_send_is_recorded_is_never_missed(
    database: Database, named: str | None
) -> None:
    begin(database)
    start = threading.Barrier(2, timeout=10)

    def send() -> None:
        start.wait()
        note_sent(database)

    def hear() -> None:
        start.wait()
        receive(database, a_receipt(MessageState.READ, job_id=named))

    with ThreadPoolExecutor(2) as pool:
        for outcome in [pool.submit(send), pool.submit(hear)]:
            outcome.result()

    assert message_of(database).state is MessageState.READ


def test_a_receipt_waits_for_the_send_that_is_being_recorded(postgres_url: str) -> None:
    database = Database(postgres_url)
    begin(database)
    heard = threading.Event()

    def hear() -> None:
        receive(database, a_receipt(MessageState.DELIVERED))
        heard.set()

    thread = threading.Thread(target=hear)
    with database.session() as tx:
        record = send_records.find(tx, JOB)
        assert record is not None
        send_records.record_sent(tx, record, WAMID, now=NOON)
        thread.start()
        assert not heard.wait(0.2)
    thread.join()

    assert message_of(database).state is MessageState.DELIVERED
    database.dispose()
