"""Signals reach who listens, in Dramatiq's order and under its error rules."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from dramatiq.middleware import Middleware, MiddlewareError

from shared.broker.signals import SignallingBroker


class _Listener(Middleware):
    def __init__(self, name: str, heard: list[str], error: Exception | None = None) -> None:
        self.name, self.heard, self.error = name, heard, error

    def before_ack(self, broker: Any, message: Any) -> None:  # noqa: ARG002 - Dramatiq's signature
        self._hear("before", message)

    def after_ack(self, broker: Any, message: Any) -> None:  # noqa: ARG002 - the same
        self._hear("after", message)

    def _hear(self, when: str, message: Any) -> None:
        self.heard.append(f"{when} {self.name} {message}")
        if self.error is not None:
            raise self.error


class _Deaf(Middleware):
    pass


class _Other(_Listener):
    pass


class _Third(_Listener):
    pass


def test_before_goes_in_order_and_after_in_reverse() -> None:
    heard: list[str] = []
    broker = SignallingBroker(middleware=[_Listener("a", heard), _Deaf(), _Other("b", heard)])
    broker.emit_before("ack", "m")
    broker.emit_after("ack", "m")
    assert heard == ["before a m", "before b m", "after b m", "after a m"]


def test_a_middleware_that_is_added_later_hears_at_its_place() -> None:
    heard: list[str] = []
    broker = SignallingBroker(middleware=[_Listener("a", heard), _Third("c", heard)])
    broker.emit_before("ack", 1)
    heard.clear()
    broker.add_middleware(_Other("b", heard), before=_Third)
    broker.emit_before("ack", 2)
    assert heard == ["before a 2", "before b 2", "before c 2"]


def test_only_a_middleware_error_before_reaches_the_caller() -> None:
    heard: list[str] = []
    broker = SignallingBroker(middleware=[_Listener("a", heard, MiddlewareError("no")), _Other("b", heard)])
    with pytest.raises(MiddlewareError):
        broker.emit_before("ack", 1)
    assert heard == ["before a 1"]
    broker.emit_after("ack", 1)
    assert heard[1:] == ["after b 1", "after a 1"]


def test_any_other_error_is_logged_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    broker = SignallingBroker(middleware=[_Listener("a", heard, ValueError("x")), _Other("b", heard)])
    with caplog.at_level(logging.CRITICAL):
        broker.emit_before("ack", 1)
        broker.emit_after("ack", 1)
    assert heard == ["before a 1", "before b 1", "after b 1", "after a 1"]
    assert [record.getMessage().split(" of ")[0] for record in caplog.records] == [
        "Unexpected failure in before_ack",
        "Unexpected failure in after_ack",
    ]


def test_a_signal_that_nobody_knows_is_no_error() -> None:
    broker = SignallingBroker(middleware=[_Deaf()])
    broker.emit_before("unheard_of")
    broker.emit_after("unheard_of")
