"""The operator log: an action and its entry commit together, and are found again."""

from __future__ import annotations

import pytest

from shared.audit import Actor, OperatorAction, actions, record_action
from shared.database import Database

SITA = Actor("sita", token_id="7", role="operator", request_id="r-1", remote_address="127.0.0.1")


def record(database: Database, action: OperatorAction, target: str, actor: Actor = SITA) -> int:
    with database.session() as tx:
        return record_action(tx, action, actor=actor, target=target, why="test", details={"n": 1}).id


def test_an_entry_says_who_what_and_why(database: Database) -> None:
    record(database, OperatorAction.QUEUE_PAUSED, "WHATSAPP")

    with database.reader() as tx:
        [entry] = actions(tx)
    assert (entry.actor, entry.token_id, entry.role) == ("sita", "7", "operator")
    assert (entry.action, entry.target, entry.why) == ("queue.paused", "WHATSAPP", "test")
    assert (entry.request_id, entry.remote_address, entry.details) == ("r-1", "127.0.0.1", {"n": 1})


def test_an_action_that_rolls_back_leaves_no_entry(database: Database) -> None:
    def act_and_fail() -> None:
        with database.session() as tx:
            record_action(tx, OperatorAction.TOKEN_CREATED, actor=SITA, target="7")
            raise RuntimeError("the action fails")

    with pytest.raises(RuntimeError):
        act_and_fail()

    with database.reader() as tx:
        assert list(actions(tx)) == []


def test_entries_come_newest_first_in_pages(database: Database) -> None:
    ids = [record(database, OperatorAction.JOB_RETRIED, f"whatsapp-{number}") for number in range(5)]

    with database.reader() as tx:
        first = actions(tx, limit=3)
        second = actions(tx, limit=3, before_id=first[-1].id)
    assert [entry.id for entry in [*first, *second]] == ids[::-1]


def test_entries_are_found_by_action_actor_and_target(database: Database) -> None:
    record(database, OperatorAction.QUEUE_PAUSED, "WHATSAPP")
    record(database, OperatorAction.QUEUE_RESUMED, "WHATSAPP", Actor("keeper"))
    record(database, OperatorAction.QUEUE_PAUSED, "ORDER_ROUTING")

    with database.reader() as tx:
        assert [entry.target for entry in actions(tx, action=OperatorAction.QUEUE_RESUMED)] == ["WHATSAPP"]
        assert [entry.action for entry in actions(tx, actor="keeper")] == ["queue.resumed"]
        assert len(actions(tx, target="WHATSAPP")) == 2


def test_every_action_is_a_noun_and_what_happened_to_it() -> None:
    assert all(action.count(".") == 1 and action.endswith(("ed", "rerun", "undone")) for action in OperatorAction)
