"""Every report over all retailers in every format: how long, and how much memory."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from typing import Any

import orjson

from shared.messages.reports import ReportFormat, ReportType
from tests.benchmarks.processes import ROOT
from tests.benchmarks.scale.figures import Figure, at_most
from tests.benchmarks.scale.scene import Scene

TIME_S = 30
MEMORY_MB = 200
MEMORY_OF_PDF_MB = 1_000
MOST_S = 600


def measure(scene: Scene) -> list[Figure]:
    """One process each, its peak memory and that of its children taken together."""
    folder = scene.folder / "reports"
    try:
        with scene.platform.copy("reports") as url:
            told = {
                (report, made): _make(url, str(folder), report, made) for made in ReportFormat for report in ReportType
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [figure for made in ReportFormat for figure in _figures(told, made)]


def _figures(told: dict[tuple[ReportType, ReportFormat], dict[str, Any]], made: ReportFormat) -> list[Figure]:
    seconds = {report.value: round(told[report, made]["seconds"], 1) for report in ReportType}
    memory = {report.value: round(told[report, made]["ownMb"] + told[report, made]["childMb"]) for report in ReportType}
    most = MEMORY_OF_PDF_MB if made is ReportFormat.PDF else MEMORY_MB
    return [
        at_most(
            f"a report as {made}, median of the types", "s", statistics.median(seconds.values()), TIME_S, **seconds
        ),
        at_most(f"a report as {made}, the slowest type", "s", max(seconds.values()), TIME_S),
        at_most(f"peak memory of a report as {made}, the largest", "MB", max(memory.values()), most, **memory),
    ]


def _make(url: str, folder: str, report: ReportType, made: ReportFormat) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.scale.report_process", url, folder, report.value, made.value]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=MOST_S)
    if done.returncode:
        raise RuntimeError(f"{report} as {made}: {done.stderr[-2000:]}")
    told: dict[str, Any] = orjson.loads(done.stdout)
    sys.stderr.write(f"{report} {made}: {done.stdout}\n")
    return told
