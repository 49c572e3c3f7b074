"""The story of one order, retailer or phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.context import Gateway
from shared.broker.connection import connect
from shared.database.archive import Archiver
from shared.database.models import Direction, MessageState, WhatsAppMessage
from tests.integration.database import business_rows

PHONE = "+9779800000000"


@pytest.fixture
def _an_order(parts: Gateway) -> None:
    """An order of a retailer with that phone, confirmed yesterday; and what the retailer wrote an hour ago."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    written_at = datetime.now(UTC) - timedelta(hours=1)
    with parts.database.session() as tx:
        tx.add(business_rows.a_retailer(id=1, code="RET001", phone=PHONE))
        tx.flush()
        tx.add(business_rows.an_order(id=1, number="ORD-2026-001", retailer_id=1))
        tx.flush()
        tx.add(business_rows.an_event(order_id=1, at=yesterday, notes="call 9800000000"))
        tx.add(
            WhatsAppMessage(
                direction=Direction.INBOUND,
                phone=PHONE,
                provider="meta",
                provider_id="m1",
                type="text",
                body="where is my order?",
                state=MessageState.RECEIVED,
                received_at=written_at,
            )
        )


def archive(parts: Gateway) -> None:
    Archiver(parts.database, connect(parts.settings.redis_url)).run_once()


def kinds(body: Any) -> list[str]:
    return [moment["kind"] for moment in body["moments"]]


@pytest.mark.usefixtures("_an_order")
@pytest.mark.parametrize("is_archived", [False, True])
def test_an_order_is_told_over_all_queues_with_its_events(
    viewer: Any, operator: Any, parts: Gateway, *, is_archived: bool
) -> None:
    message = operator.send().json["jobId"]
    confirm = operator.post("/orders/ORD-2026-001/confirm").json["jobId"]
    operator.post("/orders/ORD-2026-002/confirm")
    if is_archived:
        archive(parts)

    body = viewer.get("/subjects/order/ORD-2026-001").json

    assert kinds(body) == ["job", "job", "event"]
    assert {moment["job"]["id"] for moment in body["moments"][:2]} == {message, confirm}
    assert body["moments"][2]["event"]["order"] == "ORD-2026-001"
    assert body["cursor"] is None


@pytest.mark.usefixtures("_an_order")
def test_a_phone_is_told_with_what_it_wrote_and_nothing_personal(viewer: Any, operator: Any) -> None:
    operator.send()
    operator.send(recipient="9811111111")

    body = viewer.get("/subjects/phone/9800000000").json

    assert kinds(body) == ["job", "message"]
    assert body["value"] == "***00"
    assert body["moments"][1]["message"]["direction"] == "in"
    assert "9800000000" not in str(body)
    assert "where is" not in str(body)


@pytest.mark.usefixtures("_an_order")
def test_a_retailer_is_told_with_its_orders_and_its_phone(viewer: Any, operator: Any) -> None:
    score = operator.post("/credit/scores", {"retailerId": "RET001", "trigger": "manual"}).json["jobId"]
    message = operator.send(data={"orderNumber": "X", "total": 1, "items": []}).json.get("jobId")
    confirm = operator.post("/orders/ORD-2026-001/confirm").json["jobId"]
    operator.post("/credit/scores", {"retailerId": "RET002", "trigger": "manual"})

    body = viewer.get("/subjects/retailer/RET001").json

    told = {moment["job"]["id"] for moment in body["moments"] if moment["kind"] == "job"}
    assert told == {score, confirm} | ({message} if message else set())
    assert kinds(body)[-2:] == ["message", "event"]


@pytest.mark.usefixtures("_an_order")
def test_pages_of_a_story_tell_each_moment_once(viewer: Any, operator: Any, parts: Gateway) -> None:
    sent = [operator.send().json["jobId"] for _ in range(6)]
    archive(parts)

    told: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = viewer.get(f"/subjects/order/ORD-2026-001?limit=2{cursor and f'&cursor={cursor}'}").json
        told += [moment.get("job", {}).get("id", moment["kind"]) for moment in page["moments"]]
        cursor = page["cursor"]

    assert sorted(told) == sorted([*sent, "event"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("phone/12", 422),
        ("vendor/V1", 404),
        ("order/O1?cursor=x", 422),
        ("order/O1?cursor=1-x", 422),
        ("order/O1", 200),
    ],
)
def test_what_is_no_subject_is_refused(viewer: Any, path: str, status: int) -> None:
    assert viewer.get(f"/subjects/{path}").status_code == status
