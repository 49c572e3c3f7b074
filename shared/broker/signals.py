"""Dramatiq's signals, sent only to the middleware that listens.

Dramatiq calls every middleware for every signal, also where the method is the empty one of
``Middleware``: four signals a job and six middlewares make 24 calls, most of them to nothing. Sending those took an
eighth of a busy worker's time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dramatiq.broker import Broker
from dramatiq.middleware import Middleware, MiddlewareError

Listener = Callable[..., Any]


class SignallingBroker(Broker):
    """A broker that remembers who listens to which signal; order and error rules are Dramatiq's."""

    def add_middleware(
        self,
        middleware: Middleware,
        *,
        before: type[Middleware] | None = None,
        after: type[Middleware] | None = None,
    ) -> None:
        """Add a middleware at the end, or beside the first of a class. ValueError if there is none of that class."""
        self._listeners: dict[str, tuple[Listener, ...]] = {}
        super().add_middleware(middleware, before=before, after=after)

    def emit_before(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """Call the listeners in order; ``MiddlewareError`` goes on to the caller, any other is logged."""
        for listener in self._listening("before_" + signal):
            try:
                listener(self, *args, **kwargs)
            except MiddlewareError:
                raise
            except Exception as error:  # noqa: BLE001 - Dramatiq's rule: a middleware that fails stops nothing
                self._log_failure("before_" + signal, listener, error)

    def emit_after(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """Call the listeners in reverse order; what they raise is logged."""
        for listener in self._listening("after_" + signal)[::-1]:
            try:
                listener(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the same
                self._log_failure("after_" + signal, listener, error)

    def _log_failure(self, signal: str, listener: Listener, error: Exception) -> None:
        middleware = getattr(listener, "__self__", listener)
        self.logger.critical("Unexpected failure in %s of %r.", signal, middleware, exc_info=error)

    def _listening(self, name: str) -> tuple[Listener, ...]:
        found = self._listeners.get(name)
        if found is None:
            nothing = getattr(Middleware, name, None)
            every = [getattr(middleware, name, None) for middleware in self.middleware]
            found = tuple(one for one in every if one and getattr(one, "__func__", one) is not nothing)
            self._listeners[name] = found
        return found
