"""The credit scores that an import asks for: one for each retailer that it touched, through the outbox."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy.orm import Session

from shared import outbox
from shared.broker.options import NewJob
from shared.jobs.requests import new_job
from shared.messages.credit import ScoreRetailer, Trigger


class ScoreRequests:
    """What one run has asked for.

    A retailer's job is asked for with the batch that touches it first, so that a run that is killed leaves none out.
    It may run before the retailer is touched again: ``again`` names those that need another look at the end. The
    engine makes one calculation of both jobs as long as the first has not run.
    """

    def __init__(self, run_id: str) -> None:
        self._parent = f"import-{run_id}"
        self._asked: set[str] = set()
        self.again: set[str] = set()

    def ask(self, tx: Session, retailers: Iterable[str]) -> None:
        """Ask for those that this run hasn't asked for, in the transaction that touches them."""
        touched = set(retailers)
        self.again |= touched & self._asked
        self._add(tx, touched - self._asked, "credit-score")
        self._asked |= touched

    def ask_again(self, tx: Session, retailers: Iterable[str]) -> None:
        """Ask for those that were touched again, once all is stored."""
        self._add(tx, retailers, "credit-score-again")

    def __len__(self) -> int:
        """How many retailers there are."""
        return len(self._asked)

    def _add(self, tx: Session, retailers: Iterable[str], step: str) -> None:
        jobs = {f"{step}-{_name(code)}": _score(code) for code in sorted(retailers)}
        outbox.add_many(tx, self._parent, jobs)


def _score(code: str) -> NewJob:
    return new_job(ScoreRetailer(code, Trigger.MANUAL))


def _name(code: str) -> str:
    """The code, or its hash where a job's id can't hold it."""
    return code if code.isprintable() else hashlib.sha256(code.encode()).hexdigest()[:32]
