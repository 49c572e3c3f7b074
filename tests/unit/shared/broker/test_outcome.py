from __future__ import annotations

import orjson
import pytest
from dramatiq.errors import ActorNotFound

from shared.broker.encoding import encode_result
from shared.broker.outcome import (
    Attempt,
    JobCancelled,
    JobTimedOut,
    Kind,
    LeaseLost,
    Outcome,
    WorkerStopping,
    backoff_delay_ms,
    decide,
    describe_error,
)
from shared.errors import PermanentError, Refused, Released, TransientError, UnsupportedVersion
from shared.queues import Backoff, BackoffType

DAY_MS = 86_400_000


def an_attempt(
    number: int = 1, attempts: int = 3, backoff: Backoff | None = None, age_ms: int = 0, released_ms: int = 0
) -> Attempt:
    return Attempt(number, attempts, backoff or Backoff(), age_ms, released_ms)


def test_returning_completes() -> None:
    assert decide(None, an_attempt()) == Outcome(Kind.COMPLETED)


@pytest.mark.parametrize(("number", "delay_ms"), [(1, 2_000), (2, 4_000), (3, 8_000)])
def test_the_default_backoff_is_two_four_eight_seconds(number: int, delay_ms: int) -> None:
    assert decide(ValueError(), an_attempt(number, attempts=9)) == Outcome(Kind.DELAYED, delay_ms, final=False)


def test_a_fixed_backoff_stays() -> None:
    backoff = Backoff(BackoffType.FIXED, 5_000)
    assert [backoff_delay_ms(backoff, number) for number in (1, 2, 3, 999)] == [5_000] * 4


def test_an_exponential_backoff_never_exceeds_a_day() -> None:
    assert [backoff_delay_ms(Backoff(), number) for number in (16, 17, 1_000)] == [65_536_000, DAY_MS, DAY_MS]


@pytest.mark.parametrize(("share", "delay_ms"), [(0.0, 4_000), (0.5, 3_500), (1.0, 3_000)])
def test_jitter_takes_off_up_to_its_share(share: float, delay_ms: int) -> None:
    assert backoff_delay_ms(Backoff(jitter=0.25), 2, share) == delay_ms


def test_drawn_jitter_stays_in_its_range() -> None:
    delays = {backoff_delay_ms(Backoff(jitter=0.5), 1) for _ in range(200)}
    assert all(1_000 <= delay <= 2_000 for delay in delays)
    assert len(delays) > 10


@pytest.mark.parametrize(("number", "kind"), [(1, Kind.DELAYED), (2, Kind.DELAYED), (3, Kind.FAILED), (4, Kind.FAILED)])
def test_the_last_attempt_fails(number: int, kind: Kind) -> None:
    assert decide(ValueError(), an_attempt(number)).kind is kind


@pytest.mark.parametrize("error", [PermanentError(), Refused()])
def test_a_permanent_error_fails_at_once(error: Exception) -> None:
    assert decide(error, an_attempt(1)) == Outcome(Kind.FAILED)


UNDECLARED = ActorNotFound("x")  # type: ignore[no-untyped-call]  # Dramatiq gives it no types


@pytest.mark.parametrize("error", [JobTimedOut(), OSError(), SystemExit(1)])
def test_everything_else_is_retried(error: BaseException) -> None:
    assert decide(error, an_attempt()).kind is Kind.DELAYED


@pytest.mark.parametrize(("retry_after_ms", "delay_ms"), [(0, 0), (1, 1), (77, 77), (-5, 0), (None, 2_000)])
def test_a_transient_error_chooses_its_delay(retry_after_ms: int | None, delay_ms: int) -> None:
    assert decide(TransientError(retry_after_ms=retry_after_ms), an_attempt()).delay_ms == delay_ms


def test_a_transient_error_of_the_last_attempt_fails() -> None:
    assert decide(TransientError(retry_after_ms=5), an_attempt(3)).kind is Kind.FAILED


@pytest.mark.parametrize(
    ("released_ms", "kind"), [(0, Kind.RELEASED), (900, Kind.RELEASED), (901, Kind.FAILED), (5_000, Kind.FAILED)]
)
def test_releases_are_bounded_in_all(released_ms: int, kind: Kind) -> None:
    error = Released(delay_ms=100, max_total_ms=1_000)
    assert decide(error, an_attempt(3, released_ms=released_ms)).kind is kind


def test_a_release_without_a_delay_still_leaves_its_place() -> None:
    assert decide(Released(delay_ms=0), an_attempt()) == Outcome(Kind.RELEASED, 1, final=False)


@pytest.mark.parametrize("error", [UNDECLARED, UnsupportedVersion("v9")])
@pytest.mark.parametrize(
    ("age_ms", "outcome"),
    [
        (0, Outcome(Kind.PARKED, 30_000, final=False)),
        (DAY_MS - 1, Outcome(Kind.PARKED, 30_000, final=False)),
        (DAY_MS, Outcome(Kind.FAILED)),
    ],
)
def test_what_this_worker_does_not_know_is_parked_for_a_day(error: Exception, age_ms: int, outcome: Outcome) -> None:
    assert decide(error, an_attempt(3, age_ms=age_ms)) == outcome


def test_interrupts_of_the_engine() -> None:
    assert decide(JobCancelled(), an_attempt()) == Outcome(Kind.CANCELLED)
    assert decide(LeaseLost(), an_attempt()) == Outcome(Kind.LOST)
    assert decide(WorkerStopping(), an_attempt(3)) == Outcome(Kind.RELEASED, 0, final=False)


def test_an_error_is_described_with_its_context_and_without_personal_data() -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("can't reach +9779800000000")
    described = orjson.loads(describe_error(raised.value, attempt=2, worker="w", duration_ms=7, at_ms=9))
    assert (described["type"], described["attempt"], described["worker"]) == ("ValueError", 2, "w")
    assert (described["durationMs"], described["at"]) == (7, 9)
    assert "9800000000" not in described["message"] + described["traceback"]
    assert "test_outcome.py" in described["traceback"]


def test_a_long_error_is_cut() -> None:
    described = orjson.loads(describe_error(ValueError("x" * 99_999), attempt=1, worker="w", duration_ms=1, at_ms=1))
    assert len(described["message"]) == 1_000
    assert len(described["traceback"]) <= 4_000


class Mute:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "result", [2**70, {"n": 2**70}, "\ud800", Mute(), {"x": Mute()}, [object()], {1: 2}, float("nan")]
)
def test_every_result_becomes_json(result: object) -> None:
    orjson.loads(encode_result(result))
