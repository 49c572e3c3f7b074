"""Reading typed values out of the environment, with errors that name the rule and the nearest valid value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from shared.errors import ConfigurationError

TYPO_SIMILARITY = 0.75
"""How alike (0 to 1) an unknown name in ``.env`` must be to a known one to count as its misspelling."""

_KUBERNETES_SERVICE_LINK = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)$")
_SPAN = re.compile(r"([+-]?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")


class EnvironmentReader:
    """Reads variables by name and remembers each name asked for, so that unknown ones can be refused.

    An empty value counts as not set, since ``REDIS_PASSWORD=`` in a file means "none".
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._known: dict[str, None] = {}

    @property
    def known(self) -> tuple[str, ...]:
        """Every variable that was asked for, in order."""
        return tuple(self._known)

    def raw(self, name: str) -> str | None:
        """The value as it stands, the empty text included, or None if the variable is absent."""
        self._known[name] = None
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """The value without surrounding blanks, or None."""
        return (self.raw(name) or "").strip() or None

    def text_or(self, name: str, default: str) -> str:
        """The value without surrounding blanks, or the default."""
        return self.text(name) or default

    def secret(self, name: str, *, minimum_length: int = 1) -> str | None:
        """A secret, never repeated in an error."""
        value = self.text(name)
        if value is not None and len(value) < minimum_length:
            message = f"{name} must have at least {minimum_length} characters, it has {len(value)}"
            raise ConfigurationError(message)
        return value

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number in [minimum, maximum]."""
        value = self.optional_integer(name, minimum=minimum, maximum=maximum, example=default)
        return default if value is None else value

    def optional_integer(self, name: str, *, minimum: int, maximum: int, example: int) -> int | None:
        """A whole number in [minimum, maximum], or None; ``example`` is offered when nothing is near."""
        value = self.text(name)
        if value is None:
            return None
        if re.fullmatch(r"[+-]?\d+", value) and minimum <= int(value) <= maximum:
            return int(value)
        rule = f"a whole number from {minimum} to {maximum}"
        raise wrong_value(name, value, rule, str(_nearest_integer(value, minimum, maximum, example)))

    def choice(self, name: str, options: Iterable[str], default: str) -> str:
        """One of the options."""
        value = self.text_or(name, default)
        valid = list(options)
        if value in valid:
            return value
        nearest = nearest_of(value, valid, similarity=0.0) or default
        raise wrong_value(name, value, f"one of {', '.join(valid)}", nearest)

    def url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        """A URL with one of the schemes; it may hold a password, so errors repeat its scheme only."""
        value = self.text(name)
        if value is None:
            return None
        scheme = value.partition(":")[0] if ":" in value else ""
        if scheme in schemes and (urlsplit(value).netloc or value.startswith(f"{scheme}:///")):
            return value
        nearest = nearest_of(scheme, schemes, similarity=0.0) or schemes[0]
        rule = f"a URL that starts with {' or '.join(f'{known}://' for known in schemes)}"
        raise wrong_value(name, f"{scheme}:…" if scheme else "…", rule, f"{nearest}://…")

    def url_or(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """A URL with one of the schemes, or the default."""
        return self.url(name, schemes) or default

    def span(self, name: str) -> timedelta:
        """A signed span of days, hours and minutes such as ``+2d`` or ``-3h30m``; zero when not set."""
        value = self.text(name)
        if value is None:
            return timedelta()
        match = _SPAN.fullmatch(value)
        if match is None or not any(match.group(2, 3, 4)):
            raise wrong_value(name, value, "a span such as +2d, -3h30m or 45m", "+1d")
        days, hours, minutes = (int(part or 0) for part in match.group(2, 3, 4))
        span = timedelta(days=days, hours=hours, minutes=minutes)
        return -span if match.group(1) == "-" else span

    def refuse_unknown(self, prefixes: tuple[str, ...], own_file: Iterable[str] = ()) -> None:
        """Raise for a variable that looks like ours and isn't.

        Those are the names under one of our prefixes, and in our own file also near misses (``PROT`` for ``PORT``).
        """
        for name in self._values:
            if name not in self._known and name.startswith(prefixes) and not _KUBERNETES_SERVICE_LINK.search(name):
                raise self._unknown(name, similarity=0.0)
        for name in own_file:
            if name not in self._known and nearest_of(name, self._known, similarity=TYPO_SIMILARITY):
                raise self._unknown(name, similarity=TYPO_SIMILARITY)

    def _unknown(self, name: str, *, similarity: float) -> ConfigurationError:
        nearest = nearest_of(name, self._known, similarity=similarity)
        return ConfigurationError(f"{name} is not a setting of Doko; the nearest one is {nearest} (see .env.example)")


def nearest_of(value: str, options: Iterable[str], *, similarity: float) -> str | None:
    """The option most like the value, whatever the case, or None if none reaches the similarity (0 to 1)."""
    by_folded = {option.casefold(): option for option in options}
    matches = difflib.get_close_matches(value.casefold(), list(by_folded), n=1, cutoff=similarity)
    return by_folded[matches[0]] if matches else None


def wrong_value(name: str, value: str, rule: str, nearest: str) -> ConfigurationError:
    """The error for a value that breaks a rule."""
    hint = ""
    if value.startswith("tcp:"):
        hint = "; Kubernetes set it for a service of that name: say enableServiceLinks: false in the pod"
    return ConfigurationError(f"{name}={value} is wrong: it must be {rule}; the nearest valid value is {nearest}{hint}")


def _nearest_integer(value: str, minimum: int, maximum: int, example: int) -> int:
    number = re.search(r"-?\d+", value)
    return example if number is None else max(minimum, min(maximum, int(number.group())))
