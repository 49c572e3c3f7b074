"""Figures and how they are taken: sides alternate in one run, and only ratios of neighbours count."""

from __future__ import annotations

import math
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import redis

from deploy.local.redis_server import RedisServer

ROUNDS = 3

EXAMPLE: dict[str, Any] = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+9779800000000",
    "data": {
        "orderNumber": "ORD-2026-001",
        "total": 1500.00,
        "items": [{"productName": "Rice 1kg", "quantity": 10, "unitPrice": 150.0}],
    },
}
"""The requirement's order confirmation."""


class Unmeasurable(Exception):
    """A side can't be measured on this machine; the message is the row's reason."""


class Rule(StrEnum):
    """What a target bounds."""

    RATIO_AT_LEAST = "ratio >="
    RATIO_AT_MOST = "ratio <="
    OURS_AT_MOST = "ours <="


@dataclass(frozen=True, slots=True)
class Target:
    """One figure to reach: its name, unit, the side it is compared with, and the bound (None: no bound).

    ``dream`` is the bound that was hoped for before a trial showed what can be reached.
    """

    name: str
    unit: str
    peer: str
    rule: Rule
    bound: float | None
    dream: float | None = None

    @property
    def rule_in_words(self) -> str:
        """The rule, and the dream where there is one."""
        return str(self.rule) if self.dream is None else f"{self.rule} target (dream {self.dream:g})"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``ratio`` is ours over theirs, the median over pairs of neighbours in time."""

    target: Target
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the bound is kept; never when a side could not be measured."""
        bound, rule = self.target.bound, self.target.rule
        value = self.ours if rule is Rule.OURS_AT_MOST else self.ratio
        if self.reason is not None or value is None:
            return False
        if bound is None:
            return True
        return value >= bound if rule is Rule.RATIO_AT_LEAST else value <= bound

    def row(self) -> dict[str, Any]:
        """The figure as ``bench.json`` holds it; ``reason`` only where a side could not be measured."""
        row: dict[str, Any] = {
            "name": self.target.name,
            "unit": self.target.unit,
            "peer": self.target.peer,
            "ours": _rounded(self.ours),
            "theirs": _rounded(self.theirs),
            "ratio": _rounded(self.ratio),
            "target": self.target.bound,
            "rule": self.target.rule_in_words,
            "holds": self.holds,
        }
        if self.reason is not None:
            row["reason"] = self.reason
        return row | self.details


@dataclass(slots=True)
class Bench:
    """What one run is given: the server both sides use, the folder for state, and how much to measure."""

    data_dir: Path
    server: RedisServer
    jobs: int = 20_000
    seconds: float = 60.0
    rounds: int = ROUNDS

    @property
    def folder(self) -> Path:
        """Where logs and the peers' packages live."""
        return self.data_dir / "bench"

    def client(self) -> redis.Redis:
        """A plain client of the server."""
        return redis.Redis.from_url(self.server.url)

    def empty(self) -> None:
        """Forget everything before the next side runs."""
        with self.client() as client:
            client.flushall()


@contextmanager
def server_for(folder: Path) -> Iterator[RedisServer]:
    """A server of the benchmark's own without persistence, the same for all sides."""
    server = RedisServer(folder / "bench" / "redis", options=("appendonly no",))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def compare(
    targets: Sequence[Target], rounds: int, ours: Callable[[], float], peers: Mapping[str, Callable[[], float]]
) -> list[Figure]:
    """Measure in turns, ours first in each round; one figure per target, whose peer names the other side.

    A side that raises ``Unmeasurable`` once is left out from then on and its figures say why.
    """
    own: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in peers}
    reasons: dict[str, str] = {}
    for _ in range(rounds):
        try:
            own.append(ours())
        except Unmeasurable as why:
            return [Figure(target, reason=f"ours: {why}") for target in targets]
        for name, measure in peers.items():
            if name in reasons:
                continue
            try:
                theirs[name].append(measure())
            except Unmeasurable as why:
                reasons[name] = str(why)
    return [_compared(target, own, theirs[target.peer], reasons.get(target.peer)) for target in targets]


def _compared(target: Target, own: list[float], theirs: list[float], reason: str | None) -> Figure:
    rounds = {"rounds": {"ours": [_rounded(value) for value in own], "theirs": [_rounded(value) for value in theirs]}}
    if reason is not None:
        return Figure(target, statistics.median(own), reason=reason, details=rounds)
    ratio = statistics.median(a / b for a, b in zip(own, theirs, strict=True))
    return Figure(target, statistics.median(own), statistics.median(theirs), ratio, details=rounds)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of all values don't exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def table(figures: Sequence[Figure]) -> str:
    """The figures for people, a line each."""
    lines = [f"{'figure':<58}{'peer':<26}{'ours':>11}{'theirs':>11}{'ratio':>8}  {'target':<24} holds"]
    for figure in figures:
        target = figure.target
        bound = "-" if target.bound is None else f"{target.rule} {target.bound:g}"
        bound += "" if target.dream is None else f" (dream {target.dream:g})"
        lines.append(
            f"{target.name + ', ' + target.unit:<58}{target.peer:<26}{_shown(figure.ours):>11}"
            f"{_shown(figure.theirs):>11}{_shown(figure.ratio):>8}  {bound:<24} "
            + ("yes" if figure.holds else f"NO: {figure.reason}" if figure.reason else "NO")
        )
    return "\n".join(lines)


def store(path: Path, figures: Sequence[Figure], known: Sequence[Target], machine: dict[str, Any]) -> None:
    """Write the rows to ``path``; earlier rows of ``known`` targets that this run did not measure stay as they are."""
    measured_at = datetime.now(tz=UTC).isoformat(timespec="seconds")
    fresh = [{**figure.row(), "measuredAt": measured_at, "machine": machine} for figure in figures]
    names = {(row["name"], row["peer"]) for row in fresh}
    others = {(target.name, target.peer) for target in known} - names
    before = orjson.loads(path.read_bytes()) if path.exists() else []
    kept = [row for row in before if (row["name"], row["peer"]) in others]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(kept + fresh, option=orjson.OPT_INDENT_2))


def machine(bench: Bench) -> dict[str, Any]:
    """What the figures were taken on."""
    with bench.client() as client:
        server: dict[str, Any] = client.info("server")
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "redis": f"{server.get('server_name', 'redis')} {server.get('valkey_version', server['redis_version'])}",
        "node": node_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def described(machine: dict[str, Any]) -> str:
    """The machine in one line."""
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def node_version() -> str | None:
    """The version of the node on the PATH."""
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def _cpu_model() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        for line in cpus.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
