"""Every refusal of a known caller is in the audit: who, what, why not, from where. A flood of them is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from gateway.context import Gateway
from gateway.refusals import EACH_A_MINUTE, Refusal, RefusalLog
from gateway.tokens import list_tokens, revoke_token
from shared.audit import Actor, OperatorAction, actions
from shared.database import Database
from shared.database.models import OperatorLogEntry
from tests.integration.gateway.conftest import Api, admin, anonymous, app, operator, parts, settings, viewer

__all__ = ["admin", "anonymous", "app", "operator", "parts", "settings", "viewer"]


def refusals(database: Database) -> list[OperatorLogEntry]:
    """Entries of refusals, oldest first."""
    with database.reader() as tx:
        found = actions(tx, limit=500)
    return [entry for entry in reversed(found) if entry.action.endswith(".refused")]


def test_a_viewer_who_wants_to_act_leaves_an_entry(viewer: Api, parts: Gateway) -> None:
    assert viewer.post("/queues/WHATSAPP/pause", headers={"X-Request-Id": "r-42"}).status_code == 403

    (entry,) = refusals(parts.database)
    assert (entry.action, entry.actor, entry.role, entry.target) == (
        "access.refused",
        "the viewer",
        "viewer",
        "WHATSAPP",
    )
    assert "queues:operate" in entry.why
    assert (entry.remote_address, entry.request_id) == ("127.0.0.1", "r-42")
    assert entry.details == {"status": 403, "method": "POST", "route": "/api/v1/queues/<key>/pause"}
    assert entry.chain_seq is not None


def test_an_action_that_the_state_forbids_leaves_an_entry_with_its_outcome(operator: Api, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]  # type: ignore[index]  # the body is an object

    assert operator.post(f"/queues/WHATSAPP/jobs/{job_id}/retry").status_code == 409
    assert operator.post("/queues/WHATSAPP/pause", {"until": "yesterday"}).status_code == 422
    assert operator.delete("/jobs/whatsapp-nobody").status_code == 404

    found = [(entry.action, entry.target, entry.details["status"]) for entry in refusals(parts.database)]
    assert found == [
        ("action.refused", job_id, 409),
        ("action.refused", "WHATSAPP", 422),
        ("action.refused", "whatsapp-nobody", 404),
    ]


def test_a_revoked_token_leaves_an_entry_and_an_unknown_one_none(operator: Api, anonymous: Api, parts: Gateway) -> None:
    with parts.database.session() as tx:
        (token,) = [row for row in list_tokens(tx) if row.user_name == "the operator"]
        revoke_token(tx, token.id, actor=Actor("test"))

    assert operator.get("/queues/stats").status_code == 401
    assert anonymous.get("/queues/stats").status_code == 401

    (entry,) = refusals(parts.database)
    assert (entry.action, entry.actor, entry.token_id) == ("access.refused", "the operator", str(token.id))


def test_what_the_platform_sends_wrongly_is_no_operators_action(operator: Api, parts: Gateway) -> None:
    assert operator.post("/whatsapp/messages", {}).status_code == 422
    assert operator.get("/jobs/whatsapp-nobody").status_code == 404

    assert refusals(parts.database) == []


def test_a_refusal_is_answered_though_the_database_is_away(viewer: Api, app: Flask, parts: Gateway) -> None:
    assert viewer.get("/queues/stats").status_code == 200
    broken: Any = parts.database
    broken.session = unreachable

    assert viewer.post("/queues/WHATSAPP/pause").status_code == 403


def unreachable() -> Any:
    raise OperationalError("insert", {}, Exception("away"))


class Away:
    """A database that can be away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False

    def session(self) -> Any:
        return unreachable() if self.is_away else self._database.session()


@pytest.fixture
def away(sqlite_url: str) -> Iterator[Away]:
    database = Database(sqlite_url)
    yield Away(database)
    database.dispose()


def refusal(number: str = "7", why: str = "no") -> Refusal:
    actor = Actor("mallory", token_id=number, role="viewer")
    return Refusal(actor, OperatorAction.ACCESS_REFUSED, "WHATSAPP", why, {"status": 403})


def eventually(away: Away, count: int, seconds: float = 20) -> list[OperatorLogEntry]:
    """The entries once there are so many."""
    deadline = time.monotonic() + seconds
    while len(found := refusals(away._database)) < count:
        assert time.monotonic() < deadline, [entry.why for entry in found]
        time.sleep(0.05)
    return found


def a_log(away: Away, window_s: float) -> RefusalLog:
    database: Any = away
    return RefusalLog(database, window_s=window_s)


def test_a_flood_of_refusals_is_counted_and_its_number_kept(away: Away) -> None:
    log = a_log(away, 2)

    def flood() -> None:
        for _ in range(50):
            log.note(refusal())

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # On a busy machine the flood may last several of these windows, each with its own entries and number.
    deadline = time.monotonic() + 30
    while (told := sum(entry.details.get("count", 1) for entry in refusals(away._database))) < 200:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)

    assert told == 200


def test_each_token_has_a_limit_of_its_own(away: Away) -> None:
    log = a_log(away, 60)

    for _ in range(EACH_A_MINUTE + 5):
        log.note(refusal("7"))
    log.note(refusal("8"))

    assert [entry.token_id for entry in refusals(away._database)] == ["7"] * EACH_A_MINUTE + ["8"]


def test_the_next_minute_has_entries_again(away: Away) -> None:
    now = [0.0]
    database: Any = away
    log = RefusalLog(database, monotonic=lambda: now[0])

    for _ in range(EACH_A_MINUTE + 1):
        log.note(refusal())
    now[0] = 60.0
    log.note(refusal(why="later"))

    assert [entry.why for entry in refusals(away._database)][-1] == "later"


def test_what_could_not_be_written_is_told_when_the_database_is_back(away: Away) -> None:
    log = a_log(away, 0.3)
    away.is_away = True
    for _ in range(3):
        log.note(refusal())
    time.sleep(0.7)
    away.is_away = False

    (entry,) = eventually(away, 1)

    assert entry.details["count"] == 3
