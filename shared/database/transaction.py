"""One transaction, which leaves no lock behind wherever an interrupt hits it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from typing_extensions import override

from shared.shield import closed, opened, shielded


class Transaction(AbstractContextManager[Session]):
    """Begins at once, commits at the end, rolls back on an error; an interrupted connection is thrown away.

    Beginning and ending are shielded; what an interrupt leaves open all the same is closed when the job is left.
    """

    def __init__(self, engine: Engine) -> None:
        self._session = Session(engine, expire_on_commit=False)

    @override
    def __enter__(self) -> Session:
        session = self._session
        with shielded():
            opened(session, partial(_throw_away, session))
            try:
                self._begin(session)
            except BaseException:
                closed(session)
                session.close()
                raise
        return session

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        with shielded():
            try:
                if kind is None:
                    session.commit()
                elif not issubclass(kind, Exception):
                    # It hit between any two instructions: nobody knows what state the connection is in.
                    session.invalidate()
            finally:
                session.close()
                closed(session)

    def _begin(self, session: Session) -> None:
        session.connection()


def _throw_away(session: Session) -> None:
    try:
        session.invalidate()
    except SQLAlchemyError:
        # It was cut in the middle of something; the pool gets the connection back when Python forgets it.
        session.close()
