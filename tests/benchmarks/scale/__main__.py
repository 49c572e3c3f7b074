"""Doko's business at full size: ``python -m tests.benchmarks.scale`` prints a table and writes ``scale.json``.

The first run makes the data in DATA_DIR (some minutes, 6 GB with the copies that are worked on); later ones use it
again. Exits with 1 when a figure misses its target.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from shared.settings import Settings
from tests.benchmarks.scale import credit, mixed, reminding, reports, routing
from tests.benchmarks.scale.data import SMALL, Platform, Size
from tests.benchmarks.scale.figures import Figure, table
from tests.benchmarks.scale.scene import Scene

SUITES: dict[str, Callable[[Scene], list[Figure]]] = {
    "routing": routing.measure,
    "credit": credit.measure,
    "reminding": reminding.measure,
    "reports": reports.measure,
    "mixed": mixed.measure,
}


def main() -> int:
    """Measure what the arguments choose."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SUITES), help="measure this only; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a small platform: checks the measuring, not the targets")
    arguments = parser.parse_args()
    folder = Settings.from_environment().data_dir.absolute() / "scale"
    path = folder / ("scale-quick.json" if arguments.quick else "scale.json")
    figures: list[Figure] = []
    with Platform(folder, SMALL if arguments.quick else Size()).running() as data:
        scene = Scene(data, folder)
        for name in arguments.only or SUITES:
            began, load = time.monotonic(), os.getloadavg()[0]
            found = SUITES[name](scene)
            figures += found
            _store(path, name, found, load)
            sys.stderr.write(f"{name}, {time.monotonic() - began:.0f} s, load before it {load:.1f}\n{table(found)}\n\n")
    sys.stdout.write(f"{table(figures)}\nwritten to {path}\n")
    return 0 if all(figure.holds for figure in figures) else 1


def _store(path: Path, suite: str, figures: list[Figure], load: float) -> None:
    """Keep the figures of other suites that an earlier run measured."""
    kept: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    kept[suite] = {
        "measuredAt": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": round(load, 2)},
        "figures": [figure.row() for figure in figures],
    }
    path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    sys.exit(main())
