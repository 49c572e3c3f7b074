"""What may come next in a filter, for whoever is typing one."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.search_requests import now_ms
from shared.broker.states import State
from shared.database.failures import error_types
from shared.job_filter import SINGLE, Key
from shared.queues import POLICIES, Queue

MOST = 20
ERRORS_OF_MS = 7 * 86_400_000

_ABOUT = {
    Key.QUEUE: "of a queue",
    Key.STATE: "in a state",
    Key.NAME: "of a name",
    Key.ID: "with an id",
    Key.ORDER: "about an order",
    Key.RETAILER: "about a retailer",
    Key.PHONE: "to a phone",
    Key.USER: "asked for by a user",
    Key.ERROR: "whose last error has this type or words",
    Key.FINGERPRINT: "whose last error is like others",
    Key.ATTEMPT: "by attempts used, such as attempt>2",
    Key.SINCE: "from then on: 1h, 7d, a day",
    Key.UNTIL: "until then: 1h, 7d, a day",
}
_SPANS = {"15m": "15 minutes", "1h": "an hour", "24h": "a day", "7d": "a week"}


def suggestions(typed: str) -> list[Json]:
    """What may stand in place of the last term of ``typed`` (``text``), and what that asks for (``description``)."""
    last = "" if typed == "" or typed[-1].isspace() else typed.rsplit(maxsplit=1)[-1]
    sign = "-" if last.startswith("-") else ""
    begun, colon, value = last.removeprefix("-").partition(":")
    if not colon:
        found = _keys(sign, begun.lower())
    elif begun.lower() in set(Key):
        found = _values(sign, Key(begun.lower()), value)
    else:
        found = iter(())
    return [each for each, _ in zip(found, range(MOST), strict=False)]


def _keys(sign: str, begun: str) -> Iterator[Json]:
    for key in Key:
        if key.startswith(begun) and not (sign and key in SINGLE):
            yield {"text": f"{sign}{key}:", "description": f"jobs {_ABOUT[key]}"}


def _values(sign: str, key: Key, value: str) -> Iterator[Json]:
    before, comma, begun = value.rpartition(",")
    for known, description in _known(key):
        if known.casefold().startswith(begun.casefold().lstrip('"')):
            shown = f'"{known}"' if " " in known or "," in known else known
            yield {"text": f"{sign}{key}:{before}{comma}{shown}", "description": description}


def _known(key: Key) -> Iterator[tuple[str, str]]:
    if key is Key.QUEUE:
        yield from ((queue.name, queue.value) for queue in Queue)
    elif key is Key.STATE:
        yield from ((state.value, f"jobs that are {state}") for state in State)
    elif key is Key.NAME:
        yield from ((name, f"in {queue.name}") for queue, policy in POLICIES.items() for name in policy.job_names)
    elif key in SINGLE:
        yield from ((span, f"{words} ago") for span, words in _SPANS.items())
    elif key is Key.ERROR:
        with current_gateway().database.reader() as tx:
            yield from ((kind, "failed with it this week") for kind in error_types(tx, now_ms() - ERRORS_OF_MS, MOST))
