"""The daily sweep of payment reminders over everything that is owed."""

from __future__ import annotations

import time

from gateway.housekeeping.reminders import remind_retailers
from tests.benchmarks.scale.figures import Figure, at_most
from tests.benchmarks.scale.scene import Scene, housekeeping, opened


def measure(scene: Scene) -> list[Figure]:
    """A sweep that nobody was reminded before: the most jobs that there can be."""
    with (
        scene.redis() as server,
        opened(scene.platform.url) as database,
        housekeeping(database, server.url) as parts,
    ):
        began = time.perf_counter()
        outcome = remind_retailers(parts)
        took = time.perf_counter() - began
    return [at_most("the daily reminder sweep", "s", took, 60, outcome=outcome)]
