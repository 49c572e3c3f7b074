"""The report of one attempt, taken at the moment its thread lets go of the job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.broker.connection import Argument
from shared.broker.encoding import encode_result
from shared.broker.outcome import Kind, Outcome, decide, describe_error
from shared.broker.proxy import NOT_CALLED, JobProxy
from shared.queues import Breaker


@dataclass(slots=True)
class Finish:
    """An attempt's outcome with everything that the finish script and the log need of it."""

    proxy: JobProxy
    outcome: Outcome
    payload: bytes
    duration_ms: int
    error: BaseException | None

    def arguments(self) -> tuple[Argument, ...]:
        """The seven arguments of ``advance.lua``."""
        kind = self.outcome.kind
        proxy = self.proxy
        keep = proxy.keep_completed if kind is Kind.COMPLETED else proxy.keep_failed
        return (
            proxy.message_id,
            proxy.token,
            kind.value,
            self.payload,
            self.outcome.delay_ms,
            self.duration_ms,
            keep,
        )


def finish_of(proxy: JobProxy, worker: str) -> Finish:
    """Copy an attempt's outcome: Dramatiq forgets the exception right after."""
    exception = proxy.exception
    outcome = decide(exception, proxy.as_attempt())
    duration_ms = proxy.duration_ms
    if exception is None:
        payload = b"" if proxy.result is None else encode_result(proxy.result)
    elif outcome.kind in _WITHOUT_ERROR:
        payload = b""
    else:
        payload = describe_error(
            exception,
            attempt=proxy.attempt,
            worker=worker,
            duration_ms=duration_ms,
            at_ms=int(time.time() * 1000),
        )
    return Finish(proxy, outcome, payload, duration_ms, exception)


def report_of(batch: Sequence[Finish], breaker: Breaker | None) -> list[Argument]:
    """What ``advance.lua`` is told of these attempts: how many, each one, and what they tell the circuit breaker."""
    arguments: list[Argument] = [len(batch)]
    for finish in batch:
        arguments.extend(finish.arguments())
    if breaker is not None:
        calls = "".join(finish.proxy.provider_call for finish in batch)
        if calls.strip(NOT_CALLED):
            arguments += (settings_of(breaker), calls)
    return arguments


def settings_of(breaker: Breaker) -> str:
    """The breaker's settings as ``breaking.lua`` reads them."""
    numbers = (
        *(breaker.calls, breaker.percent, breaker.window_ms),
        *(breaker.cooldown_ms, breaker.longest_cooldown_ms),
    )
    return ",".join(map(str, numbers))


# A release is no error of the job, and nobody reads what a lost or cancelled attempt says.
_WITHOUT_ERROR = frozenset({Kind.RELEASED, Kind.PARKED, Kind.LOST, Kind.CANCELLED})


@dataclass(slots=True)
class Call:
    """One step under way: what it reports, its token, and what went wrong with sending it."""

    batch: list[Finish] = field(default_factory=list)
    token: str = ""
    error: Exception | None = None
