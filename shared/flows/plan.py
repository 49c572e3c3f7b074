"""The plan of a flow: its steps, whether they fit together, and each job's place among the others; pure."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from marshmallow import ValidationError

from shared.broker.flow import FlowPlace, OnFailure
from shared.broker.options import NewJob
from shared.outbox import derived_job_id

MAX_JOBS = 1_000
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", re.ASCII)
KEY_RULE = "must be 1 to 40 letters, digits, '-', '_' or '.', beginning with a letter or digit"


class InvalidFlow(ValidationError):
    """Steps that don't fit together; the messages stand at ``jobs.<index>.<field>``."""


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One job of a flow under a key of its own; ``depends_on`` are keys of others."""

    key: str
    job: NewJob
    depends_on: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.FAIL


def chained(jobs: Sequence[NewJob], on_failure: OnFailure = OnFailure.FAIL) -> list[FlowStep]:
    """Steps ``1``, ``2``, …, each of which waits for the one before."""
    return [
        FlowStep(str(number), job, () if number == 1 else (str(number - 1),), on_failure)
        for number, job in enumerate(jobs, 1)
    ]


def check(steps: Sequence[FlowStep]) -> None:
    """Raises ``InvalidFlow`` that names every wrong step: its key, its dependencies, its options, a cycle."""
    if not 1 <= len(steps) <= MAX_JOBS:
        raise InvalidFlow({"jobs": [f"must be a list of 1 to {MAX_JOBS} jobs"]})
    wrong: dict[int, dict[str, object]] = {}
    places: dict[str, int] = {}
    for index, step in enumerate(steps):
        problems = _wrong_in(step, places)
        if problems:
            wrong[index] = problems
        places.setdefault(step.key, index)
    for index, step in enumerate(steps):
        unknown = [key for key in step.depends_on if key not in places]
        if unknown:
            wrong.setdefault(index, {})["dependsOn"] = [_unknown(unknown[0], list(places))]
    if not wrong:
        wrong = _cycle(steps, places)
    if wrong:
        raise InvalidFlow({"jobs": wrong})


def new_flow_id() -> str:
    """A fresh id that sorts by time: ``flow-019ab3c4d5e6f7a8b9c0``."""
    return f"flow-{int(time.time() * 1000):011x}{os.urandom(5).hex()}"


def placed(flow_id: str, steps: Sequence[FlowStep]) -> dict[str, NewJob]:
    """The jobs by their keys, each with its place, those that wait before those they wait for."""
    ids = {step.key: derived_job_id(step.job.queue, flow_id, step.key) for step in steps}
    dependents: dict[str, list[str]] = {step.key: [] for step in steps}
    for step in steps:
        for key in step.depends_on:
            dependents[key].append(ids[step.key])
    jobs = {
        step.key: replace(
            step.job,
            flow=FlowPlace(
                flow_id,
                step.key,
                {ids[key]: key for key in step.depends_on},
                tuple(dependents[step.key]),
                step.on_failure,
            ),
        )
        for step in steps
    }
    order = TopologicalSorter({step.key: step.depends_on for step in steps}).static_order()
    return {key: jobs[key] for key in reversed(list(order))}


def _wrong_in(step: FlowStep, earlier: Mapping[str, int]) -> dict[str, object]:
    problems: dict[str, object] = {}
    if not KEY.fullmatch(step.key):
        problems["key"] = [KEY_RULE]
    elif step.key in earlier:
        problems["key"] = [f"is the key of jobs.{earlier[step.key]} already: each job needs its own"]
    if step.key in step.depends_on:
        problems["dependsOn"] = ["must not name the job itself"]
    elif len(set(step.depends_on)) < len(step.depends_on):
        problems["dependsOn"] = ["must not name a job twice"]
    options = step.job.options
    if options.deduplication_key is not None:
        problems["options"] = {"deduplicationKey": ["can't be given in a flow: another job would stand for this one"]}
    elif options.job_id is not None:
        problems["options"] = {"jobId": ["can't be given in a flow: it gives its jobs their ids"]}
    return problems


def _unknown(key: str, known: Sequence[str]) -> str:
    nearest = get_close_matches(key, known, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"names {key[:40]!r}, which no job of the flow has as its key{hint}"


def _cycle(steps: Sequence[FlowStep], places: Mapping[str, int]) -> dict[int, dict[str, object]]:
    try:
        TopologicalSorter({step.key: step.depends_on for step in steps}).prepare()
    except CycleError as error:
        keys = [str(key) for key in error.args[1]]
        words = " -> ".join(keys[:6]) + (" …" if len(keys) > 6 else "")  # noqa: PLR2004 - enough to see it
        return {places[keys[0]]: {"dependsOn": [f"goes round in a circle: {words}"]}}
    return {}
