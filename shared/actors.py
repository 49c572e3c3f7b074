"""ActorRegistry: actors are declared where they stand and bound to a broker where the worker starts.

The registry is the one home of what every actor needs: it reads the job's data into its message, gives the
actor a transaction, lets the job take effect once (``claims``), enqueues what the actor asked for right after
the commit (``outbox``) and turns what it returns into the job's result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, overload

import dramatiq
from marshmallow import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared import claims, outbox
from shared.broker.proxy import CurrentJob, current_job
from shared.database.session import Database
from shared.errors import PermanentError, QueueError
from shared.messages import Message, flat_errors, load
from shared.messages.results import as_result
from shared.queues import Queue

M = TypeVar("M", bound=Message)
R = TypeVar("R")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Declared:
    message: type[Message]
    function: Callable[[Any, Any], object]
    transaction: bool


class ActorRegistry:
    """The actors of one queue. Declaring has no side effect; ``bind`` makes them Dramatiq's."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._declared: dict[str, _Declared] = {}

    @overload
    def actor(
        self, message: type[M], *, transaction: Literal[True] = True
    ) -> Callable[[Callable[[M, Session], R]], Callable[[M, Session], R]]: ...

    @overload
    def actor(
        self, message: type[M], *, transaction: Literal[False]
    ) -> Callable[[Callable[[M, Database], R]], Callable[[M, Database], R]]: ...

    def actor(self, message: type[Message], *, transaction: bool = True) -> Any:
        """Declare the function that performs ``message``; it stays an ordinary function.

        It gets the message and an open transaction: its effects, the jobs it adds to the outbox and the claim of
        the job commit together, and a redelivered job gets the stored result. With ``transaction=False`` it gets
        the message and the database, and sees to all that itself.

        It returns None, a mapping or a dataclass (see ``as_result``). ValueError for a message of another queue,
        or one that has its actor.
        """
        if message.QUEUE is not self.queue:
            raise ValueError(f"{message.__name__} is a message of {message.QUEUE.name}, not of {self.queue.name}")
        if message.JOB_NAME in self._declared:
            raise ValueError(f"{message.__name__} has an actor already")

        def declare(function: Callable[[Any, Any], object]) -> Callable[[Any, Any], object]:
            self._declared[message.JOB_NAME] = _Declared(message, function, transaction)
            return function

        return declare

    def bind(self, broker: dramatiq.Broker, database: Database, *, producer: outbox.Enqueues | None = None) -> None:
        """Declare the actors to Dramatiq's ``broker``; ``producer`` (default: it) enqueues their outbox jobs."""
        publisher = producer if producer is not None else cast("outbox.Enqueues", broker)
        for name, declared in self._declared.items():
            declare = dramatiq.actor(broker=broker, queue_name=self.queue.value, actor_name=name, store_results=True)
            declare(_Performer(self.queue, declared, database, publisher))


class _Performer:
    """What Dramatiq calls: the data of the job it runs comes as keywords."""

    def __init__(self, queue: Queue, declared: _Declared, database: Database, producer: outbox.Enqueues) -> None:
        self._queue = queue
        self._declared = declared
        self._database = database
        self._producer = producer
        self.__name__ = declared.function.__name__
        self.__doc__ = declared.function.__doc__
        self.__module__ = declared.function.__module__

    def __call__(self, /, *arguments: object, **data: object) -> dict[str, Any]:
        job = current_job()
        if job is None:
            raise RuntimeError(f"{self.__name__} runs as a job only: call the declared function itself in tests")
        if arguments:
            raise PermanentError("a job's data is an object: enqueue it with named values, not with positional ones")
        message = self._message(data, job)
        if self._declared.transaction:
            return self._in_transaction(message, job)
        return as_result(self._declared.function(message, self._database))

    def _message(self, data: dict[str, Any], job: CurrentJob) -> Message:
        try:
            return load(self._queue, self._declared.message.JOB_NAME, data, job.version)
        except ValidationError as error:
            raise PermanentError("the job's data is wrong: " + "; ".join(flat_errors(error.messages))) from error

    def _in_transaction(self, message: Message, job: CurrentJob) -> dict[str, Any]:
        asked_for: list[str] = []

        def effect(tx: Session) -> dict[str, Any]:
            result = as_result(self._declared.function(message, tx))
            asked_for.extend(outbox.added(tx))
            return result

        result = claims.run_once(self._database, job.id, self._queue, effect)
        self._publish(asked_for, job)
        return result

    def _publish(self, job_ids: list[str], job: CurrentJob) -> None:
        try:
            outbox.publish(self._database, self._producer, job_ids)
        except (QueueError, SQLAlchemyError) as error:
            # The job took effect: failing it now would tell a lie. Its jobs are rows, the relay enqueues them.
            logger.warning("job %s leaves %d outbox jobs to the relay: %s", job.id, len(job_ids), error)
