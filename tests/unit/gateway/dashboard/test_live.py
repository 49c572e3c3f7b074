"""One look for all who watch; what a stream writes and when it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import orjson
import pytest

from gateway.dashboard.live import Pulse, stream
from shared.errors import RedisUnavailable

PATIENCE_S = 20


class World:
    """What a pulse looks at."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {"row:A": "1"}
        self.is_away = False
        self.looks = 0
        self.jobs: frozenset[str] = frozenset()
        self.looked = threading.Condition()

    def look(self, jobs: frozenset[str]) -> Mapping[str, str]:
        with self.looked:
            self.looks += 1
            self.jobs = jobs
            self.looked.notify_all()
        if self.is_away:
            raise RedisUnavailable("gone")
        return dict(self.texts)

    def await_looks(self, more: int) -> None:
        with self.looked:
            wanted = self.looks + more
            assert self.looked.wait_for(lambda: self.looks >= wanted, PATIENCE_S)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pulse(world: World) -> Iterator[Pulse]:
    pulse = Pulse(world.look, every_s=0.02)
    yield pulse
    pulse.close()
    for thread in threading.enumerate():
        if thread.name == "dashboard-pulse":
            thread.join(PATIENCE_S)


def event(stream_: Iterator[bytes]) -> tuple[str, dict[str, object]]:
    """The next event that isn't only a sign of life."""
    for chunk in stream_:
        if chunk.startswith(b"event: "):
            name, _, data = chunk.removeprefix(b"event: ").partition(b"\ndata: ")
            return name.decode(), orjson.loads(data)
    raise AssertionError("the stream ended")


def everything(_name: str) -> bool:
    return True


def test_nobody_looks_while_nobody_watches(world: World, pulse: Pulse) -> None:
    with pulse.watching():
        world.await_looks(2)
    looks = world.looks
    with pulse.watching():
        world.await_looks(1)

    assert pulse.beat_after(10**9, 0.01) is None
    assert looks >= 2


def test_many_viewers_cost_one_look(world: World, pulse: Pulse) -> None:
    streams = [stream(pulse, lambda: True, wants=everything) for _ in range(50)]
    for each in streams:
        next(each)
    told = [event(each) for each in streams]

    assert all(texts == ("live", {"away": False, "texts": {"row:A": "1"}}) for texts in told)
    assert sum(thread.name == "dashboard-pulse" for thread in threading.enumerate()) == 1
    for each in streams:
        each.close()  # type: ignore[attr-defined]  # a generator


def test_a_viewer_gets_only_what_changed(world: World, pulse: Pulse) -> None:
    world.texts["row:B"] = "1"
    watched = stream(pulse, lambda: True, wants=everything)
    next(watched)
    event(watched)

    world.texts["row:B"] = "2"

    assert event(watched) == ("live", {"away": False, "texts": {"row:B": "2"}})


def test_a_viewer_gets_only_what_it_wants(world: World, pulse: Pulse) -> None:
    world.texts["job:x"] = "1"
    watched = stream(pulse, lambda: True, wants=lambda name: name.startswith("job:"), job_id="x")
    next(watched)

    assert event(watched) == ("live", {"away": False, "texts": {"job:x": "1"}})
    assert world.jobs == frozenset({"x"})


def test_redis_away_is_told_and_so_is_its_return(world: World, pulse: Pulse) -> None:
    watched = stream(pulse, lambda: True, wants=everything)
    next(watched)
    event(watched)
    world.is_away = True
    assert event(watched) == ("live", {"away": True, "texts": {}})
    world.is_away = False
    assert event(watched) == ("live", {"away": False, "texts": {}})


def test_a_look_that_breaks_does_not_end_the_looking(world: World, pulse: Pulse) -> None:
    def broken(_jobs: frozenset[str]) -> Mapping[str, str]:
        world.look(frozenset())
        raise ValueError("a defect")

    pulse._look = broken
    watched = stream(pulse, lambda: True, wants=everything)
    next(watched)
    assert event(watched)[1]["away"] is True

    pulse._look = world.look

    assert event(watched) == ("live", {"away": False, "texts": {"row:A": "1"}})


def test_a_session_that_is_over_ends_its_stream(world: World, pulse: Pulse) -> None:
    welcome = [True]
    watched = stream(pulse, lambda: welcome[0], wants=everything)
    next(watched)
    event(watched)
    welcome[0] = False
    world.texts["row:A"] = "2"

    assert event(watched) == ("ended", {})
    assert list(watched) == []


def test_a_process_that_ends_ends_its_streams(pulse: Pulse) -> None:
    watched = stream(pulse, lambda: True, wants=everything)
    next(watched)
    event(watched)

    pulse.close()

    assert list(watched) == []
