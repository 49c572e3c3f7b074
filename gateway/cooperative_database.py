"""The database as the gateway's greenlets use it.

SQLite waits for its write lock inside a C call, which under gevent would stop every other request of the process,
the one that holds the lock included. So the gateway gives up after a moment and sleeps before it tries again,
which lets the others go on. PostgreSQL's driver waits cooperatively by itself.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from typing_extensions import override

from shared.database import Database
from shared.database.transaction import Transaction

LOCK_TIMEOUT_MS = 5_000
_SQLITE_WAIT_MS = 50
_PAUSE_S = 0.005
_LOCKED = "database is locked"


class CooperativeDatabase(Database):
    """A ``Database`` whose writers never keep the process's other greenlets waiting for a lock."""

    def __init__(self, url: str) -> None:
        wait_ms = _SQLITE_WAIT_MS if url.startswith("sqlite") else LOCK_TIMEOUT_MS
        super().__init__(url, application_name="doko-gateway", lock_timeout_ms=wait_ms)

    @override
    def session(self) -> AbstractContextManager[Session]:
        """As the base class's; on SQLite the write lock is taken within 5 s, or OperationalError."""
        return _Patient(self.engine) if self.is_sqlite else super().session()


class _Patient(Transaction):
    @override
    def _begin(self, session: Session) -> None:
        deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
        while True:
            try:
                session.connection()
            except OperationalError as error:
                session.rollback()
                if _LOCKED not in str(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return
