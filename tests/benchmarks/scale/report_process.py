"""Makes one report as the worker does, in a process of its own, and tells what that took.

Run with the database's URL, a folder, a report type and a format. Prints JSON: seconds, peak memory in MB (its own and
that of its largest child), rows, bytes.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import orjson

from services.reports.making import ReportMaker
from shared.clock import Clock
from shared.database import Database
from shared.messages.reports import FILTER_SCHEMAS, GenerateReport, ReportFormat, ReportType
from shared.storage import FolderStorage
from tests.benchmarks.scale.data import offset

KB_OF_A_MB = 1024


def main() -> None:
    """Make it."""
    url, folder, kind, file_format = sys.argv[1:]
    report = ReportType(kind)
    job = GenerateReport(report, ReportFormat(file_format), "scale", FILTER_SCHEMAS[report]().read({}))
    maker = ReportMaker(Database(url), FolderStorage(Path(folder)), Clock(offset()))
    began = time.perf_counter()
    made = maker.make(f"reports-{kind}-{file_format}-{time.time_ns()}", job, lambda _percent: None)
    seconds = time.perf_counter() - began
    own, children = (
        resource.getrusage(who).ru_maxrss / KB_OF_A_MB for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    told = {"seconds": seconds, "ownMb": own, "childMb": children, "rows": made["rowCount"], "bytes": made["sizeBytes"]}
    sys.stdout.write(orjson.dumps(told).decode())


if __name__ == "__main__":
    main()
