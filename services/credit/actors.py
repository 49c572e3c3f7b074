"""The one job of the queue: calculate a retailer's credit score."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.credit import domain, repository
from services.credit.domain import Band
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.clock import Clock, business_day
from shared.messages.credit import ScoreRetailer
from shared.queues import Queue


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a retailer's score."""

    retailer_id: str
    score: int
    previous_score: int | None
    band: Band


def declare(clock: Clock) -> ActorRegistry:
    """The actors of the queue; ``clock`` gives the business day."""
    actors = ActorRegistry(Queue.CREDIT_SCORE)

    @actors.actor(ScoreRetailer)
    def score_retailer(job: ScoreRetailer, tx: Session) -> Result:
        """Recalculate and store one retailer's credit score."""
        current = current_job()
        if current is None:
            raise RuntimeError("a score is calculated as a job only: it is stored under the job's id")
        account = repository.lock_account(tx, job.retailer_id)
        # One look at the clock, under the lock: day and time of the score agree, and scores stand in their order.
        now = clock.now()
        today = business_day(now)
        score = domain.score(repository.history(tx, account, today), today)
        repository.save(tx, account, score, trigger=job.trigger, job_id=current.id, now=now)
        return Result(job.retailer_id, score.points, account.score, score.band)

    return actors
