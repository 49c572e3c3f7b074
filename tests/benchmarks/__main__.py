"""Doko next to its rivals: ``python -m tests.benchmarks`` prints a table and writes ``bench.json`` in the data folder.

Every comparison alternates the sides in one run on one server; only ratios mean something on a busy machine.
Exits with 1 when a figure misses its target.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from shared.settings import Settings
from tests.benchmarks import delayed, drain, enqueue, fetch_cost, gateway, harness, latency, memory
from tests.benchmarks.harness import Bench, Figure, Target, Unmeasurable


class Suite(Protocol):
    """What each module of figures has."""

    TARGETS: Sequence[Target]

    def measure(self, bench: Bench) -> list[Figure]:
        """Measure them all."""


SUITES: dict[str, Suite] = {
    module.__name__.rpartition(".")[2]: cast("Suite", module)
    for module in (drain, enqueue, latency, delayed, memory, gateway, fetch_cost)
}
QUICK_JOBS, QUICK_SECONDS = 3_000, 6.0


def main() -> int:
    """Measure what the arguments choose."""
    arguments = _arguments()
    data_dir = Settings.from_environment().data_dir
    with harness.server_for(data_dir) as server:
        bench = Bench(data_dir.absolute(), server)
        if arguments.quick:
            bench = replace(bench, jobs=QUICK_JOBS, seconds=QUICK_SECONDS)
        chosen = {name: getattr(arguments, name) for name in ("jobs", "seconds", "rounds")}
        bench = replace(bench, **{name: value for name, value in chosen.items() if value is not None})
        path = data_dir / "bench.json"
        figures = _measure(bench, arguments.only or list(SUITES), path)
        machine = harness.machine(bench)
    sys.stdout.write(f"{harness.table(figures)}\n\n{harness.described(machine)}\nwritten to {path}\n")
    return 0 if all(figure.holds for figure in figures) else 1


def _measure(bench: Bench, names: list[str], path: Path) -> list[Figure]:
    figures: list[Figure] = []
    known = [target for suite in SUITES.values() for target in suite.TARGETS]
    for name in names:
        sys.stderr.write(f"measuring {name} ...\n")
        began = time.monotonic()
        try:
            found = SUITES[name].measure(bench)
        except Unmeasurable as why:
            found = [Figure(target, reason=str(why)) for target in SUITES[name].TARGETS]
        # Whatever stops the run later, what was measured is kept.
        harness.store(path, found, known, harness.machine(bench))
        figures += found
        sys.stderr.write(f"{harness.table(found)}\n{time.monotonic() - began:.0f} s\n\n")
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SUITES), help="measure this only; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small counts: checks the harness, not the targets")
    parser.add_argument("--jobs", type=int, help="jobs a drain (default 20000)")
    parser.add_argument("--seconds", type=float, help="length of the timed figures (default 60)")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (default 3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
