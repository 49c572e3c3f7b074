"""An archive with a chain, and somebody with every right who changes it behind everybody's back."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import text

from shared.audit import Actor, OperatorAction, record_action
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.base import JsonObject
from shared.database.chain_check import ChainReport, Finding, check_chains
from shared.database.chains import OPERATOR_LOG, Link
from tests.integration.database.streams import QUEUE, Stream

ALICE = Actor("alice", token_id="7", role="operator", request_id="r-1", remote_address="10.0.0.1")


class Trail:
    """The audit of one database."""

    def __init__(self, database: Database, client: redis.Redis) -> None:
        self.database = database
        self.stream = Stream(client)
        self.archiver = Archiver(database, client)

    def archive(self, jobs: int = 3, prefix: str = "whatsapp") -> None:
        """Archive the three events of each of some jobs."""
        self.stream.run_many([f"{prefix}-{number}" for number in range(jobs)])
        self.archiver.run_once()

    def act(self, count: int = 5, details: JsonObject | None = None) -> None:
        """Let an operator do something so many times."""
        for number in range(count):
            with self.database.session() as tx:
                record_action(
                    tx,
                    OperatorAction.JOB_RETRIED,
                    actor=ALICE,
                    target=f"whatsapp-{number}",
                    why="again",
                    details=details or {"number": number},
                )

    def reports(self, last: int | None = None, kept: dict[str, Link] | None = None) -> dict[str, ChainReport]:
        """What the check finds, by chain."""
        return {report.name: report for report in check_chains(self.database, last=last, kept=kept)}

    def finding(self, name: str = QUEUE, last: int | None = None) -> Finding | None:
        """The first wrong row of a chain; no other chain may have any."""
        reports = self.reports(last)
        assert all(report.finding is None for report in reports.values() if report.name != name)
        return reports[name].finding

    def place(self, seq: int) -> str:
        """How people name an event."""
        with self.database.reader() as tx:
            query = text("select at_ms, seq from job_events where queue = :queue and chain_seq = :seq")
            row = tx.execute(query, {"queue": QUEUE.value, "seq": seq}).one()
        return f"event {row.at_ms}-{row.seq}"

    def tamper(self, *statements: str) -> None:
        """Change rows as the owner of the database can: the triggers are put aside."""
        with self.database.session() as tx:
            if self.database.is_sqlite:
                for trigger in ("job_events_no_update", "operator_log_no_update", "operator_log_no_delete"):
                    tx.execute(text(f"drop trigger if exists {trigger}"))
            else:
                tx.execute(text("set local session_replication_role = replica"))
            for statement in statements:
                tx.execute(text(statement))


@pytest.fixture
def trail(database: Database, redis_client: redis.Redis) -> Trail:
    return Trail(database, redis_client)


CHAINS = (QUEUE.value, OPERATOR_LOG)
