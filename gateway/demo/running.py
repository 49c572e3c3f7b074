"""What ``doko demo`` and ``make up`` do: load the demo, or write its files, and say what came of it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import monotonic

from gateway.demo import files, loading
from gateway.demo.cast import STORY_RETAILER, STORY_VENDOR
from gateway.demo.data import Demo
from gateway.tokens import ADMIN_TOKEN_FILE
from shared.database import Database
from shared.errors import ConfigurationError, Refused
from shared.settings import Settings

MOST_RETAILERS = 50_000
MOST_MONTHS = 60
_STATEMENT_TIMEOUT_MS = 120_000


@dataclass(frozen=True, slots=True)
class Size:
    """How large a demo is, which one, and the business day at whose beginning it ends (None: today)."""

    retailers: int = 30
    months: int = 6
    seed: int = 1
    as_of: date | None = None


def load(settings: Settings, size: Size) -> str:
    """Load the demo, and what to say of it. Refused with a real provider, or if the database isn't empty."""
    loading.refuse_real_provider(settings)
    database = Database(
        settings.database_url, application_name="doko-demo", pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS
    )
    try:
        return _load(database, settings, size)
    finally:
        database.dispose()


def load_at_first_start(database: Database, settings: Settings) -> str | None:
    """Load the demo of the usual size into an empty database; None where it isn't wanted or possible."""
    wanted = settings.demo and not settings.is_production and settings.whatsapp.provider == loading.CONSOLE
    if not wanted:
        return None
    with database.reader() as tx:
        if not loading.is_empty(tx):
            return None
    try:
        return _load(database, settings, Size())
    except ConfigurationError as error:
        return f"Started without demo data: {error}"
    except Refused:
        # Another copy that shares the database loaded it between our look and our lock.
        return None


def write(settings: Settings, size: Size, folder: Path) -> str:
    """Write the demo's files into ``folder``, and what to say of it."""
    number = files.write(_demo(settings, size), folder)
    return f"Wrote the import's seven files into {folder}; {_told(number)}"


def _load(database: Database, settings: Settings, size: Size) -> str:
    started = monotonic()
    loaded = loading.load(database, _demo(settings, size), now=settings.clock().now())
    seconds = max(0.01, monotonic() - started)
    amounts = f"{loaded.retailers:,} retailers with {loaded.orders:,} orders ({loaded.rows:,} rows)"
    return "\n".join(
        [
            f"Loaded the demo: {amounts} in {seconds:.1f} s, {loaded.rows / seconds:,.0f} rows/s.",
            f"{_told(loaded.story_number)}",
            f"Confirm it, let {STORY_VENDOR} accept it, and look at what became of it:",
            "",
            *_curls(settings, loaded.story_number),
        ]
    )


def _demo(settings: Settings, size: Size) -> Demo:
    today = settings.clock().today()
    as_of = size.as_of or today
    if as_of > today:
        raise Refused(f"the demo can't end on {as_of}, which is yet to come: today is {today}")
    return Demo(retailers=size.retailers, months=size.months, seed=size.seed, as_of=as_of)


def _told(number: str) -> str:
    return f"{number} is a draft of {STORY_RETAILER} that waits to be confirmed."


def _curls(settings: Settings, number: str) -> list[str]:
    token = "YOUR_TOKEN" if settings.admin_token else f"$(cat {shlex.quote(str(settings.data_dir / ADMIN_TOKEN_FILE))})"
    url = f"{settings.api_url}/api/v1/orders/{number}"
    head = f'-H "Authorization: Bearer {token}"'
    accepts = json.dumps({"vendorId": STORY_VENDOR, "response": "ACCEPT"})
    return [
        f"  curl -X POST {head} {url}/confirm",
        f"  curl -X POST {head} -H 'Content-Type: application/json' --data '{accepts}' {url}/vendor-response",
        f"  curl {head} {url}",
    ]
