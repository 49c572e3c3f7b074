"""A transaction's statements in a thread of their own, while the caller makes ready what comes after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session
from typing_extensions import override

from shared.database.base import Base
from shared.database.bulk import Values, inserting, inserting_missing, updating

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Behind(AbstractContextManager["Behind"]):
    """Runs what touches ``tx`` in order, behind the caller, who leaves ``tx`` alone until the block ends.

    ``is_ahead`` says whether the caller gains from it: PostgreSQL works in a process of its own. SQLite works in the
    caller's, so there each call runs at once. After an error nothing more runs; it is raised by every later result,
    and by the end of the block.
    """

    def __init__(self, tx: Session) -> None:
        self.is_ahead = tx.get_bind().dialect.name == "postgresql"
        self._tx = tx
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="behind") if self.is_ahead else None
        self._error: BaseException | None = None

    def run(self, work: Callable[Concatenate[Session, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call ``work`` with the transaction and the other arguments, once all that was asked for before is done."""
        call = partial(work, self._tx, *args, **kwargs)
        if self._thread is not None:
            return self._thread.submit(self._after_the_others, call)
        done: Future[_T] = Future()
        done.set_result(call())
        return done

    def insert(self, model: type[Base], rows: Sequence[Values]) -> None:
        """``insert_many``, its statement made ready in the caller: nothing but the database is waited for behind."""
        self.run(inserting(self._tx, model, rows))

    def insert_missing(
        self, model: type[Base], rows: Sequence[Values], returning: Sequence[str]
    ) -> Future[list[tuple[Any, ...]]]:
        """``insert_missing``, its statement made ready in the caller."""
        return self.run(inserting_missing(self._tx, model, rows, returning))

    def update(self, model: type[Base], key: Sequence[str], rows: Sequence[Values]) -> None:
        """``update_many``, its statement made ready in the caller."""
        self.run(updating(self._tx, model, key, rows))

    def _after_the_others(self, call: Callable[[], _T]) -> _T:
        if self._error is not None:
            raise self._error
        try:
            return call()
        except BaseException as error:
            self._error = error
            raise

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        # Whoever rolls back must find the connection idle.
        self._thread.shutdown(wait=True, cancel_futures=error is not None)
        if error is None and self._error is not None:
            raise self._error
