from __future__ import annotations

from typing import Any

import orjson
import pytest
from dramatiq.errors import DecodeError

from shared.broker.proxy import CurrentJob, JobProxy, read_job
from shared.errors import PermanentError
from shared.queues import POLICIES, Backoff, BackoffType, Queue

POLICY = POLICIES[Queue.REPORT_GENERATION]


def read(message: dict[str, Any], attempt: int = 1, stalls: int = 0) -> JobProxy:
    packed = b"1000|" + orjson.dumps(message)
    return read_job(POLICY.queue, POLICY, "token", 1_500, (b"reports-1", packed, attempt, stalls, 40))


def test_a_job_without_options_runs_under_its_queues_policy() -> None:
    proxy = read({"name": "report", "data": {"type": "X"}})
    assert (proxy.message_id, proxy.actor_name, proxy.kwargs, proxy.args) == ("reports-1", "report", {"type": "X"}, ())
    assert (proxy.attempts, proxy.timeout_ms, proxy.backoff) == (2, 300_000, Backoff())
    assert (proxy.keep_completed, proxy.keep_failed) == (100, 500)
    attempt = proxy.as_attempt()
    assert (attempt.number, attempt.attempts, attempt.age_ms, attempt.released_ms) == (1, 2, 500, 40)


def test_a_jobs_own_options_win() -> None:
    options = {
        "attempts": 9,
        "timeout": 5,
        "backoff": {"type": "fixed", "delay": 6},
        "removeOnComplete": 0,
        "removeOnFail": 8,
    }
    proxy = read({"name": "report", "data": {}, "v": 3, "options": options})
    assert (proxy.attempts, proxy.timeout_ms, proxy.backoff) == (9, 5, Backoff(BackoffType.FIXED, 6))
    assert (proxy.keep_completed, proxy.keep_failed, proxy.options["v"]) == (0, 8, 3)


def test_a_once_stalled_job_runs_alone() -> None:
    assert not read({"name": "report", "data": {}}).alone
    assert read({"name": "report", "data": {}}, stalls=1).alone


@pytest.mark.parametrize("packed", [b"", b"x", b"1|", b"1|{}", b"x|{}", b'1|{"name":"n"}', b"1|[]", b"1|\xff"])
def test_a_damaged_message_is_a_decode_error_that_names_the_job(packed: bytes) -> None:
    with pytest.raises(DecodeError, match="reports-1"):
        read_job(POLICY.queue, POLICY, "token", 1, (b"reports-1", packed, 1, 0, 0))


def test_printing_shows_no_data() -> None:
    proxy = read({"name": "report", "data": {"email": "sita@example.com"}})
    assert "sita" not in f"{proxy} {proxy!r}"
    assert "report(reports-1)" in str(proxy)


def test_the_running_job_knows_whether_an_error_would_end_it() -> None:
    first = CurrentJob(read({"name": "report", "data": {}}, attempt=1), lambda *_: True)
    last = CurrentJob(read({"name": "report", "data": {}}, attempt=2), lambda *_: True)
    assert [first.is_final(ValueError()), first.is_final(PermanentError()), last.is_final(ValueError())] == [
        False,
        True,
        True,
    ]
    assert (first.id, first.queue, first.name, first.enqueued_at_ms, first.released_ms) == (
        "reports-1",
        "report-generation",
        "report",
        1_000,
        40,
    )
