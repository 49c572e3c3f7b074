"""Whatever somebody does to the archived events or to the operator log is found, on both databases."""
# ruff: noqa: S608 - the statements are this file's own

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database import chain_check, retention
from shared.database.base import utc_now
from shared.database.chain_check import Wrong, heads
from shared.database.chains import OPERATOR_LOG, Link
from shared.database.retention import remove_archive_older_than
from tests.integration.audit.conftest import Trail
from tests.integration.database.streams import QUEUE

MINE = f"queue = '{QUEUE.value}'"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_check, "BATCH", 4)


def shift(start: int, by: int) -> list[str]:
    """Move the numbers of all later rows; in two steps, since each number may be there once."""
    return [
        f"update job_events set chain_seq = -chain_seq where {MINE} and chain_seq >= {start}",
        f"update job_events set chain_seq = {by} - chain_seq where {MINE} and chain_seq < 0",
        f"update audit_chains set seq = seq + {by} where name = '{QUEUE.value}'",
    ]


def copy(seq: int, *, chain_seq: str, chain_hash: str = "chain_hash", at_ms: str = "at_ms + 1") -> str:
    """An event that never was, made after one that was."""
    return (
        "insert into job_events (queue, at_ms, seq, job_id, event, fields, chain_seq, chain_hash)"
        f" select queue, {at_ms}, 77, job_id, event, fields, {chain_seq}, {chain_hash}"
        f" from job_events where {MINE} and chain_seq = {seq}"
    )


def test_an_untouched_audit_is_whole_and_every_row_of_it_was_looked_at(trail: Trail) -> None:
    trail.archive(4)
    trail.archive(4, "again")
    trail.act(5)

    reports = trail.reports()

    assert all(report.finding is None for report in reports.values())
    assert (reports[QUEUE].checked, reports[QUEUE].head.seq) == (24, 24)
    assert (reports[OPERATOR_LOG].checked, reports[OPERATOR_LOG].head.seq) == (5, 5)


@pytest.mark.parametrize(
    "change",
    [
        "event = 'failed'",
        "job_id = 'whatsapp-other'",
        "fields = '{\"attempt\": 2}'",
        "at_ms = at_ms - 1",
        "chain_hash = (select hash from audit_chains where name = 'operator-log')",
    ],
)
def test_a_changed_event_is_found(trail: Trail, change: str) -> None:
    trail.archive(4)
    trail.act(1)
    trail.tamper(f"update job_events set {change} where {MINE} and chain_seq = 5")

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.place, finding.seq) == (Wrong.CHANGED, trail.place(5), 5)


@pytest.mark.parametrize(
    "change",
    ["actor = 'bob'", "why = 'for fun'", "details = '{}'", "target = 'x'", "token_id = null", "role = 'admin'"],
)
def test_a_changed_entry_of_the_operator_log_is_found(trail: Trail, change: str) -> None:
    trail.act(6)
    trail.tamper(f"update operator_log set {change} where chain_seq = 3")

    finding = trail.finding(OPERATOR_LOG)

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.CHANGED, 3)
    assert finding.place.startswith("entry ")


def test_a_removed_row_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.act(6)
    before, after = trail.place(6), trail.place(8)
    trail.tamper(f"delete from job_events where {MINE} and chain_seq = 7")

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.place, finding.seq) == (Wrong.MISSING, f"between {before} and {after}", 7)


def test_a_removed_entry_of_the_operator_log_is_found(trail: Trail) -> None:
    trail.act(6)
    trail.tamper("delete from operator_log where chain_seq = 2")

    finding = trail.finding(OPERATOR_LOG)

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.MISSING, 2)


def test_a_removed_row_whose_gap_was_closed_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(f"delete from job_events where {MINE} and chain_seq = 5", *shift(6, -1))

    finding = trail.finding()

    assert finding is not None
    assert finding.seq == 5


def test_an_inserted_row_without_a_place_in_the_chain_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(copy(3, chain_seq="null", chain_hash="null"))

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.place.endswith("-77")) == (Wrong.INSERTED, True)


def test_a_row_that_was_pushed_into_the_chain_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(*shift(6, 1), copy(5, chain_seq="6"))

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.place, finding.seq) == (Wrong.INSERTED, trail.place(6), 6)


def test_a_row_behind_the_head_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(copy(5, chain_seq="13"))

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.INSERTED, 13)


def test_rows_whose_contents_were_swapped_are_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(
        f"update job_events set chain_seq = 1000 where {MINE} and chain_seq = 4",
        f"update job_events set chain_seq = 4 where {MINE} and chain_seq = 6",
        f"update job_events set chain_seq = 6 where {MINE} and chain_seq = 1000",
    )

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.place, finding.seq) == (Wrong.OUT_OF_ORDER, trail.place(4), 4)


def test_neighbours_that_were_swapped_are_out_of_order_and_not_inserted(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(
        f"update job_events set chain_seq = 1000 where {MINE} and chain_seq = 5",
        f"update job_events set chain_seq = 5 where {MINE} and chain_seq = 6",
        f"update job_events set chain_seq = 6 where {MINE} and chain_seq = 1000",
    )

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.OUT_OF_ORDER, 5)


def test_a_cut_off_end_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.tamper(f"delete from job_events where {MINE} and chain_seq > 9")

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.MISSING, 10)


CUT_WITH_HEAD = [
    f"update audit_chains set seq = 9 where name = '{QUEUE.value}'",
    "update audit_chains set hash = (select chain_hash from job_events where chain_seq = 9) where seq = 9",
    f"delete from job_events where {MINE} and chain_seq > 9",
]


def test_an_end_that_was_cut_off_with_its_head_is_found_with_a_head_that_was_kept(trail: Trail) -> None:
    trail.archive(4)
    kept = heads(trail.database)
    trail.tamper(*CUT_WITH_HEAD)
    assert trail.finding() is None

    finding = trail.reports(kept=kept)[QUEUE].finding

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.MISSING, 10)
    assert "cut off" in finding.detail


def test_a_chain_that_was_written_anew_is_found_with_a_head_that_was_kept(trail: Trail) -> None:
    trail.archive(4)
    kept = heads(trail.database)
    trail.tamper(*CUT_WITH_HEAD)
    trail.archive(2, "others")
    assert trail.finding() is None

    finding = trail.reports(kept=kept)[QUEUE].finding

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.CHANGED, 12)
    assert "written anew" in finding.detail


def test_an_older_head_fits_a_chain_that_went_on(trail: Trail) -> None:
    trail.archive(2)
    trail.act(1)
    kept = heads(trail.database)
    trail.archive(3, "more")

    reports = trail.reports(kept=kept)

    assert all(report.finding is None for report in reports.values())
    assert trail.reports(kept={QUEUE: Link(6, b"x" * 32)})[QUEUE].finding is not None


def test_a_changed_head_is_found(trail: Trail) -> None:
    trail.archive(4)
    trail.act(1)
    trail.tamper(
        "update audit_chains set hash = (select hash from audit_chains where name = 'operator-log')"
        f" where name = '{QUEUE.value}'"
    )

    finding = trail.finding()

    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.CHANGED, 12)


def test_a_lost_head_is_found(trail: Trail) -> None:
    trail.archive(2)
    trail.tamper(f"delete from audit_chains where name = '{QUEUE.value}'")

    finding = trail.finding()

    assert finding is not None
    assert finding.what is Wrong.INSERTED


def test_the_last_rows_alone_can_be_checked(trail: Trail) -> None:
    trail.archive(4)
    trail.act(6)
    trail.tamper(f"update job_events set event = 'failed' where {MINE} and chain_seq = 5")

    assert trail.finding(last=5) is None
    assert trail.reports(last=5)[QUEUE].checked == 5
    finding = trail.finding(last=8)
    assert finding is not None
    assert finding.seq == 5


def test_what_retention_left_can_still_be_checked(trail: Trail) -> None:
    trail.archive(4)
    trail.archive(3, "younger")
    kept = heads(trail.database)
    with trail.database.reader() as tx:
        at_ms = tx.scalar(text(f"select at_ms from job_events where {MINE} and chain_seq = 13"))
    removed = remove_archive_older_than(trail.database, 1, now=utc_now() + timedelta(days=1, minutes=-5))
    assert removed.job_events == 0
    shortened = shorten(trail, at_ms)

    reports = trail.reports(kept=kept)
    assert shortened == 12
    assert reports[QUEUE].finding is None
    assert (reports[QUEUE].after, reports[QUEUE].checked) == (12, 9)
    assert trail.reports(kept={QUEUE: Link(3, b"x" * 32)})[QUEUE].note.endswith("which retention has removed")
    trail.tamper(f"update job_events set event = 'failed' where {MINE} and chain_seq = 13")
    finding = trail.finding()
    assert finding is not None
    assert (finding.what, finding.seq) == (Wrong.CHANGED, 13)


def shorten(trail: Trail, before_ms: Any) -> int:
    """Remove the events that are older."""
    return retention._remove_events(trail.database, QUEUE, before_ms)


def test_rows_older_than_the_chain_are_counted_and_not_checked(trail: Trail) -> None:
    trail.archive(2)
    trail.tamper(
        f"update job_events set chain_seq = null, chain_hash = null where {MINE}",
        f"update audit_chains set seq = 0, hash = anchor_hash, rows_before = 6 where name = '{QUEUE.value}'",
    )
    trail.archive(2, "chained")

    report = trail.reports()[QUEUE]

    assert (report.finding, report.rows_before, report.checked) == (None, 6, 6)


def test_the_check_tells_how_far_it_is(trail: Trail) -> None:
    trail.archive(4)
    told: list[tuple[str, int]] = []

    chain_check.check_chains(trail.database, progress=lambda name, count: told.append((name, count)))

    assert told == [(QUEUE, 4), (QUEUE, 8), (QUEUE, 12)]


@pytest.mark.parametrize(
    "details",
    [
        {"float": 1.0, "negative zero": -0.0, "large": 1e300, "small": 1.5e-7, "sum": 0.1 + 0.2},
        {"integer": 2**63 - 1, "whole float": 1e18, "odd": 9223372036854777856.0, "hundred": 1e2},
        {"z": 1, "a": {"bb": 2, "a": [True, None, "é", "नमस्ते", "\U0001f600"]}, "": ""},
        {"nul": "a\x00b", "line": 'a\nb\t"c"\\', "like a number": "12345678901234567890 1.5e3"},
    ],
)
def test_what_the_databases_write_in_their_own_way_is_still_the_same(trail: Trail, details: dict[str, Any]) -> None:
    trail.act(1, details)
    trail.stream.add("progress", "whatsapp-1", progress=json.dumps(details))
    trail.archiver.run_once()

    reports = trail.reports()

    assert (reports[OPERATOR_LOG].finding, reports[OPERATOR_LOG].checked) == (None, 1)
    assert (reports[QUEUE].finding, reports[QUEUE].checked) == (None, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "update job_events set event = 'failed'",
        "update operator_log set actor = 'bob'",
        "delete from operator_log",
    ],
)
def test_the_databases_themselves_refuse_to_change_the_audit(trail: Trail, statement: str) -> None:
    trail.archive(1)
    trail.act(1)

    with pytest.raises(DBAPIError, match="keeps what was written"), trail.database.session() as tx:
        tx.execute(text(statement))
