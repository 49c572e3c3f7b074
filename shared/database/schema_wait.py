"""Wait until the database has the tables that this code needs: ``python -m shared.database.schema_wait [command…]``.

Processes of a deployment start in any order, the migration among them. A worker that begins before its tables are there
would fail jobs. With a command, this process becomes it afterwards; without one it ends (an init container).
It needs no Alembic, which only the gateway's image has.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.database.session import Database
from shared.errors import DokoError
from shared.settings import Settings

POLL_S = 1.0
SAY_EVERY_S = 30.0

_VERSIONS = Path(__file__).with_name("migrations") / "versions"
_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


def known_revisions() -> tuple[str, frozenset[str]]:
    """The revision that this code needs, and all that lie before it: as the files name themselves and each other."""
    texts = [file.read_text(encoding="utf-8") for file in _VERSIONS.glob("[0-9]*_*.py")]
    revisions = {found for text in texts for found in _REVISION.findall(text)}
    earlier = frozenset(found for text in texts for found in _DOWN_REVISION.findall(text))
    (newest,) = revisions - earlier
    return newest, earlier


def what_is_missing(database: Database) -> str | None:
    """Why this code can't work on the database yet, or None.

    A revision that it doesn't know is a newer one: each release works on the schema of the next, so that a
    roll-out can go on and back.
    """
    newest, earlier = known_revisions()
    try:
        with database.reader() as tx:
            revision = tx.execute(text("select version_num from alembic_version")).scalar_one_or_none()
    except SQLAlchemyError as error:
        return f"no answer from the database, or it has no tables yet ({type(error).__name__})"
    if revision is None or revision in earlier:
        return f"the database is at revision {revision}, {newest} is needed"
    return None


def wait_for_schema(database: Database, say: Callable[[str], object], *, poll_s: float = POLL_S) -> None:
    """Return when the schema is there; ``say`` gets what is missing at first, when it changes, and every 30 s."""
    said, said_at = "", 0.0
    while (missing := what_is_missing(database)) is not None:
        if missing != said or time.monotonic() - said_at >= SAY_EVERY_S:
            said, said_at = missing, time.monotonic()
            say(f"Waiting for the migration: {missing}")
        time.sleep(poll_s)


def main(command: Sequence[str]) -> int:
    """Wait, then become ``command``, if there is one; 2 and one line on the error output for a wrong setting."""
    try:
        settings = Settings.from_environment()
        database = Database(settings.database_url, application_name="doko-schema-wait", pool_size=1)
    except DokoError as error:
        sys.stderr.write(f"Could not wait for the migration: {error}\n")
        return 2
    wait_for_schema(database, _say)
    database.dispose()
    if command:
        os.execvp(command[0], list(command))  # noqa: S606 - what the container was told to run
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
