"""How many jobs the HTTP gateway takes, and how soon it answers, next to Express + Bull with as many processes.

Ours checks a token, counts the token's limit, validates the whole message, and writes log lines and metrics; theirs
does none of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import orjson

from tests.benchmarks import paced
from tests.benchmarks.harness import EXAMPLE, Bench, Figure, Rule, Target, compare, percentile
from tests.benchmarks.http_sides import BULK, MESSAGES, Service, doko, express, wrk

EXPRESS = "Express + Bull"
ONE = Target("POST /whatsapp/messages, 1 process", "requests/s", EXPRESS, Rule.RATIO_AT_LEAST, 0.25, dream=0.4)
TWO = Target("POST /whatsapp/messages, 2 processes", "requests/s", EXPRESS, Rule.RATIO_AT_LEAST, 0.25, dream=0.4)
MANY = Target("bulk endpoint, 1 process", "jobs/s", f"{EXPRESS}, singly", Rule.RATIO_AT_LEAST, 2.0, dream=3.0)
SOON = Target("POST /whatsapp/messages, 300/s, p99", "ms", EXPRESS, Rule.OURS_AT_MOST, 15.0)
TARGETS = (ONE, TWO, MANY, SOON)

RATE = 300.0
JOBS_A_REQUEST = 500
SHARE_OF_WRK, SHARE_OF_PACED = 1 / 15, 1 / 6
"""What of the bench's seconds a turn takes."""

Start = Callable[[Bench, int], AbstractContextManager[Service]]


def measure(bench: Bench) -> list[Figure]:
    """Requests/s and jobs/s at 16 connections, and the latency of requests that come at their own pace."""
    if shutil.which("wrk") is None:
        return [Figure(target, reason="wrk is not on the PATH") for target in TARGETS]
    figures = []
    for target, count in ((ONE, 1), (TWO, 2)):
        peers = {EXPRESS: partial(_requests, bench, express, count)}
        figures += compare([target], bench.rounds, partial(_requests, bench, doko, count), peers)
    singly = {MANY.peer: partial(_requests, bench, express, 1)}
    figures += compare([MANY], bench.rounds, partial(_jobs_in_bulk, bench), singly)
    return [*figures, _paced(bench)]


def _requests(bench: Bench, start: Start, count: int) -> float:
    bench.empty()
    with start(bench, count) as service:
        return wrk(bench, service, MESSAGES, orjson.dumps(EXAMPLE), seconds=bench.seconds * SHARE_OF_WRK)


def _jobs_in_bulk(bench: Bench) -> float:
    bench.empty()
    body = orjson.dumps({"jobs": [{"name": "message", "data": EXAMPLE}] * JOBS_A_REQUEST})
    seconds = bench.seconds * SHARE_OF_WRK
    with doko(bench, 1) as service:
        return JOBS_A_REQUEST * wrk(bench, service, BULK, body, seconds=seconds, jobs=JOBS_A_REQUEST)


def _paced(bench: Bench) -> Figure:
    ours, theirs = _latencies(bench, doko), _latencies(bench, express)
    details = {
        "p50": round(percentile(ours, 0.5), 2),
        "max": round(max(ours), 2),
        "requests": len(ours),
        "theirP50": round(percentile(theirs, 0.5), 2),
        "theirMax": round(max(theirs), 2),
    }
    mine, other = percentile(ours, 0.99), percentile(theirs, 0.99)
    return Figure(SOON, mine, other, mine / other, details=details)


def _latencies(bench: Bench, start: Start) -> list[float]:
    """Two processes, the gateway's default; the first second warms up."""
    bench.empty()
    with start(bench, 2) as service:
        request = service.request(MESSAGES, orjson.dumps(EXAMPLE))
        paced.latencies_ms(service.port, request, rate=RATE, seconds=1)
        return paced.latencies_ms(service.port, request, rate=RATE, seconds=bench.seconds * SHARE_OF_PACED)
