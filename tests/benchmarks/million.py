"""Lists and filters over a million jobs: ``python -m tests.benchmarks.million``, with ``--database sqlite`` on SQLite.

Fills one queue in Redis and the index behind it, fails a share of the jobs, and asks the gateway's own application
each question several times. Prints the slowest and the median answer of each, what index and archive take on disk,
and how fast the archiver was. Exits with 1 when a question takes longer than it may.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text

from deploy.local.postgres import PostgresServer
from gateway.app import create_app
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker import NewJob
from shared.broker.broker import DokoBroker
from shared.broker.connection import connect
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.migrate import migrate
from shared.queues import Queue
from shared.settings import Settings
from tests.benchmarks.harness import server_for
from tests.kit.engine import RawWorker

A_CALL = 1_000
RETAILERS = 20_000
FAILED_SHARE = 100
"""One job of so many fails."""
ROUNDS = 15
LIST_MS, SUBJECT_MS = 200.0, 50.0

QUESTIONS: tuple[tuple[str, str, float], ...] = (
    ("stats", "/queues/stats", LIST_MS),
    ("first page of the queue", "/jobs?queue=CREDIT_SCORE&limit=100", LIST_MS),
    ("waiting jobs", "/jobs?queue=CREDIT_SCORE&state=waiting&limit=100", LIST_MS),
    ("newest of all", "/jobs?filter=since:2000-01-01", LIST_MS),
    ("of the queue", "/jobs?filter=queue:credit", LIST_MS),
    ("failed", "/jobs?filter=state:failed", LIST_MS),
    ("failed in an hour", "/jobs?filter=state:failed%20since:1h", LIST_MS),
    ("an error", "/jobs?filter=error:Timeout", LIST_MS),
    ("a name", "/jobs?filter=name:credit-score-calculation", LIST_MS),
    ("attempts, a scan in pages", "/jobs?filter=attempt%3E2", LIST_MS),
    ("an order", "/jobs?filter=order:ORD-500000", SUBJECT_MS),
    ("a retailer", "/jobs?filter=retailer:RET07777", SUBJECT_MS),
    ("a retailer's failed jobs", "/jobs?filter=retailer:RET07777%20state:failed", SUBJECT_MS),
    ("a retailer without jobs", "/jobs?filter=retailer:RET99999", SUBJECT_MS),
    ("histogram of all", "/jobs/histogram", LIST_MS),
    ("histogram of failures", "/jobs/histogram?filter=state:failed", LIST_MS),
    ("histogram of a retailer", "/jobs/histogram?filter=retailer:RET07777", LIST_MS),
    ("histogram of a name", "/jobs/histogram?filter=name:credit-score-calculation", LIST_MS),
    ("failures by fingerprint", "/failures", LIST_MS),
    ("suggestions", "/jobs/suggestions?prefix=error:", LIST_MS),
    ("story of a retailer", "/subjects/retailer/RET07777", LIST_MS),
    ("activity", "/queues/activity", LIST_MS),
)
PAGES = (
    *("", "/jobs", "/jobs?filter=state:failed", "/jobs?filter=retailer:RET07777", "/failures"),
    *("/subjects/retailer/RET07777", "/workers", "/schedules", "/flows", "/limits", "/audit", "/bulk"),
)
"""Screens of the dashboard."""


def main() -> int:
    """Fill, ask, print."""
    arguments = _arguments()
    with (
        TemporaryDirectory(prefix="doko-million-") as folder,
        server_for(Path(folder)) as redis_server,
        _database(arguments.database, Path(folder)) as database_url,
    ):
        migrate(database_url)
        settings = Settings.from_environment(
            {
                "REDIS_URL": redis_server.url,
                "DATABASE_URL": database_url,
                "DATA_DIR": folder,
                "CLIENT_RATE_LIMIT": "1000000",
                "EVENTS_MAX": "5000000",
            }
        )
        database = Database(database_url)
        _fill(settings, database, arguments.jobs)
        _tell_sizes(database, arguments.jobs)
        slow = _ask(settings, database)
        database.dispose()
    return 1 if slow else 0


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'doko.db'}"
        return
    with PostgresServer() as server:
        yield server.url


def _fill(settings: Settings, database: Database, jobs: int) -> None:
    client = connect(settings.redis_url)
    broker = DokoBroker(client)
    archiver = Archiver(database, client)
    archiving_s = enqueueing_s = 0.0
    for start in range(0, jobs, A_CALL * 20):
        began = time.monotonic()
        for first in range(start, min(start + A_CALL * 20, jobs), A_CALL):
            broker.add_many([_job(number) for number in range(first, min(first + A_CALL, jobs))])
        enqueueing_s += time.monotonic() - began
        began = time.monotonic()
        archiver.run_once()
        archiving_s += time.monotonic() - began
    _say(f"{jobs:,} jobs enqueued at {jobs / enqueueing_s:,.0f}/s, archived at {jobs / archiving_s:,.0f} events/s")
    failed = _fail(broker, jobs // FAILED_SHARE)
    began = time.monotonic()
    archived = archiver.run_once()
    rate = archived / (time.monotonic() - began)
    used: Any = client.info("memory")
    held = used["used_memory"] / jobs
    _say(f"{failed:,} failed, archived at {rate:,.0f} events/s; Redis holds {held:,.0f} bytes a job")
    broker.close()


def _job(number: int) -> NewJob:
    data = {
        "retailerId": f"RET{number % RETAILERS:05}",
        "orderId": f"ORD-{number:06}",
        "trigger": "manual",
    }
    return NewJob(Queue.CREDIT_SCORE, "credit-score-calculation", data)


def _fail(broker: DokoBroker, count: int) -> int:
    worker = RawWorker(broker.scripts, Queue.CREDIT_SCORE.value, "million")
    for start in range(0, count, 100):
        jobs = worker.fetch(min(100, count - start))
        error = b'{"type":"Timeout","message":"no answer after 30 s","attempt":1}'
        worker.held.clear()
        worker.advance(0, [(job.id, job.token, "failed", error, 0, 30_000, 500) for job in jobs])
    return count


_SIZES = {
    True: "select name, sum(pgsize) from dbstat where name like '%job_index%' group by name",
    False: """
        select relname, pg_relation_size(oid) from pg_class where relname like '%job_index%' and relkind in ('r', 'i')
    """,
}


def _tell_sizes(database: Database, jobs: int) -> None:
    with database.reader() as tx:
        sizes = dict(map(tuple, tx.execute(text(_SIZES[database.is_sqlite])).all()))
    _say(f"the index takes {sum(sizes.values()) / jobs:,.0f} bytes a job in the database: {sizes}")


def _ask(settings: Settings, database: Database) -> list[str]:
    app = create_app(settings)
    with database.session() as tx:
        token = create_token(tx, user="bench", role=Role.OPERATOR, actor=Actor("bench")).secret
    caller: Any = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    _log_in(caller, token)
    questions = [(name, f"/api/v1{path}", most_ms) for name, path, most_ms in QUESTIONS]
    questions += [(f"page {path or '/'}"[:28], f"/dashboard{path}", LIST_MS) for path in PAGES]
    slow = []
    _say(f"\n{'question':<28}{'median ms':>10}{'slowest':>10}{'at most':>9}")
    for name, path, most_ms in questions:
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answer = caller.get(path, headers=headers)
            took.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        median = statistics.median(took)
        mark = "" if median <= most_ms else "  TOO SLOW"
        slow += [name] if mark else []
        _say(f"{name:<28}{median:>10.1f}{max(took):>10.1f}{most_ms:>9.0f}{mark}")
    app.extensions["doko-pulse"].close()
    app.extensions["doko"].database.dispose()
    return slow


def _log_in(caller: Any, token: str) -> None:
    form = re.search(r'name="csrf" value="([^"]+)"', caller.get("/dashboard/login").text)
    answer = caller.post("/dashboard/login", data={"csrf": form[1] if form else "", "token": token})
    if answer.status_code != 303:
        raise RuntimeError(f"the dashboard's login answered {answer.status_code}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
