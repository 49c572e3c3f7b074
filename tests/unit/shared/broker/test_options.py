from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.options import DeduplicationMode, JobOptions, backoff_from_json, new_job_id, qualified_job_id
from shared.errors import InvalidOption
from shared.queues import Backoff, BackoffType, Queue, queue_of

FULL = {
    "delay": 5_000,
    "attempts": 5,
    "backoff": {"type": "fixed", "delay": 5_000, "jitter": 0.5},
    "timeout": 60_000,
    "priority": 1,
    "deduplicationKey": "k",
    "deduplicationMode": "replace",
    "deduplicationWindow": 1_000,
    "removeOnComplete": 7,
    "removeOnFail": 8,
    "jobId": "mine",
}


def test_every_option_is_read_and_written_back() -> None:
    options = JobOptions.from_json(FULL)
    assert options.backoff == Backoff(BackoffType.FIXED, 5_000, 0.5)
    assert options.deduplication_mode is DeduplicationMode.REPLACE
    assert options.to_json() == FULL


def test_no_options_are_the_queues_policy() -> None:
    assert JobOptions.from_json({}) == JobOptions()
    assert JobOptions.from_json(dict.fromkeys(FULL)) == JobOptions()
    assert JobOptions().to_json() == {}


@pytest.mark.parametrize(
    ("option", "low", "high"),
    [
        ("delay", 0, 31_622_400_000),
        ("attempts", 1, 1_000),
        ("timeout", 1, 86_400_000),
        ("priority", 1, 100),
        ("removeOnComplete", 0, 1_000_000),
        ("removeOnFail", 0, 1_000_000),
        ("deduplicationWindow", 1, 31_622_400_000),
    ],
)
def test_numbers_have_their_range(option: str, low: int, high: int) -> None:
    for value in (low, high):
        JobOptions.from_json({option: value})
    outside: list[object] = [low - 1, high + 1, 1.5, "5", [], float("nan")]
    for wrong in outside:
        with pytest.raises(InvalidOption, match=f"from {low} to {high}") as refused:
            JobOptions.from_json({option: wrong})
        assert refused.value.field == option


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(InvalidOption):
        JobOptions.from_json({"attempts": True})


@pytest.mark.parametrize(("value", "keep"), [(True, 0), (False, 1_000_000), (3, 3)])
def test_remove_on_complete_speaks_bull(value: object, keep: int) -> None:
    assert JobOptions.from_json({"removeOnComplete": value}).keep_completed == keep


@pytest.mark.parametrize(
    ("name", "nearest"), [("attemps", "attempts"), ("Delay", "delay"), ("jobid", "jobId"), ("dedupKey", None)]
)
def test_an_unknown_option_names_the_nearest_known_one(name: str, nearest: str | None) -> None:
    with pytest.raises(InvalidOption) as refused:
        JobOptions.from_json({name: 1})
    assert refused.value.field == name
    assert (f"did you mean '{nearest}'?" in str(refused.value)) == (nearest is not None)
    assert "known: delay, attempts" in str(refused.value)


@pytest.mark.parametrize("option", ["deduplicationKey", "jobId"])
@pytest.mark.parametrize("value", ["", "a\nb", "x" * 257, 5, "\ud800"])
def test_texts_are_short_and_printable(option: str, value: object) -> None:
    with pytest.raises(InvalidOption, match="printable"):
        JobOptions.from_json({option: value})


def test_ttl_needs_its_window() -> None:
    with pytest.raises(InvalidOption, match="needs a window"):
        JobOptions.from_json({"deduplicationKey": "k", "deduplicationMode": "ttl"})


def test_a_wrong_mode_names_the_nearest() -> None:
    with pytest.raises(InvalidOption, match="did you mean 'until_finished'"):
        JobOptions.from_json({"deduplicationMode": "untilfinished"})


@pytest.mark.parametrize(
    ("value", "backoff"),
    [
        (5_000, Backoff(BackoffType.FIXED, 5_000)),
        ({}, Backoff()),
        ({"type": "exponential", "delay": 10}, Backoff(BackoffType.EXPONENTIAL, 10)),
        ({"type": "fixed"}, Backoff(BackoffType.FIXED, 2_000)),
        (Backoff(BackoffType.FIXED, 1), Backoff(BackoffType.FIXED, 1)),
    ],
)
def test_backoffs(value: object, backoff: Backoff) -> None:
    assert backoff_from_json(value) == backoff


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("fixed", "backoff"),
        (True, "backoff"),
        (-1, "backoff.delay"),
        ({"delay": "5"}, "backoff.delay"),
        ({"delay": -1}, "backoff.delay"),
        ({"type": "linear"}, "backoff.type"),
        ({"jitter": 1.1}, "backoff.jitter"),
        ({"jitter": True}, "backoff.jitter"),
        ({"dely": 1}, "backoff.dely"),
    ],
)
def test_a_wrong_backoff_names_its_field(value: Any, field: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        JobOptions(backoff=backoff_from_json(value))
    assert refused.value.field == field


def test_ids_carry_their_queue_and_never_repeat() -> None:
    ids = {new_job_id(Queue.WHATSAPP) for _ in range(1_000)}
    assert len(ids) == 1_000
    assert {queue_of(job_id) for job_id in ids} == {Queue.WHATSAPP}


@pytest.mark.parametrize(("given_id", "expected"), [("order-1", "orders-order-1"), ("orders-1", "orders-1")])
def test_a_callers_id_gets_its_queues_prefix_once(given_id: str, expected: str) -> None:
    assert qualified_job_id(Queue.ORDER_PROCESSING, given_id) == expected


@given(
    st.dictionaries(st.sampled_from([*FULL, "nonsense"]), st.one_of(st.integers(), st.text(), st.none(), st.booleans()))
)
def test_whatever_comes_is_read_or_refused_by_name(options: dict[str, Any]) -> None:
    try:
        read = JobOptions.from_json(options)
    except InvalidOption as refusal:
        field = refusal.field.partition(".")[0]
    else:
        assert JobOptions.from_json(read.to_json()) == read
        return
    assert field in {*FULL, "nonsense"}
