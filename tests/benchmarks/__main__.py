"""Doko next to its rivals: ``python -m tests.benchmarks`` prints a table and writes ``bench.json`` in the data folder.

Every comparison alternates the sides in one run on one server; only ratios mean something on a busy machine.
Exits with 1 when a figure misses its target.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace

from shared.settings import Settings
from tests.benchmarks import delayed, drain, enqueue, fetch_cost, harness, latency, memory
from tests.benchmarks.harness import Bench, Figure

SUITES: dict[str, Callable[[Bench], list[Figure]]] = {
    "drain": drain.measure,
    "enqueue": enqueue.measure,
    "latency": latency.measure,
    "delayed": delayed.measure,
    "memory": memory.measure,
    "fetch_cost": fetch_cost.measure,
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
        figures = _measure(bench, arguments.only or list(SUITES))
        machine = harness.machine(bench)
    path = data_dir / "bench.json"
    harness.store(path, figures, machine)
    sys.stdout.write(f"{harness.table(figures)}\n\n{harness.described(machine)}\nwritten to {path}\n")
    return 0 if all(figure.holds for figure in figures) else 1


def _measure(bench: Bench, names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        sys.stderr.write(f"measuring {name} ...\n")
        figures += SUITES[name](bench)
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
