"""The plan of a flow: what fits together, in which order it is written, and each job's place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import errors_of
from shared.broker.flow import FlowPlace
from shared.flows import MAX_JOBS, FlowStep, InvalidFlow, OnFailure, chained, check
from shared.flows.plan import placed
from shared.queues import POLICIES, Queue
from tests.kit.flows import step

QUEUES = list(Queue)


def wrong(*steps: FlowStep) -> dict[str, list[str]]:
    with pytest.raises(InvalidFlow) as refused:
        check(steps)
    return errors_of(refused.value)


def of(key: str, *depends_on: str, **options: Any) -> FlowStep:
    return step(key, Queue.CREDIT_SCORE, *depends_on, **options)


def test_a_chain_is_numbered_and_each_job_waits_for_the_one_before() -> None:
    steps = chained([of("x").job, of("y").job, of("z").job])

    assert [(each.key, each.depends_on) for each in steps] == [("1", ()), ("2", ("1",)), ("3", ("2",))]


@pytest.mark.parametrize("key", ["", "a b", "-a", "a" * 41, "é", "a/b"])
def test_a_key_is_short_and_plain(key: str) -> None:
    assert list(wrong(of(key))) == ["jobs.0.key"]


def test_no_two_jobs_share_a_key() -> None:
    assert wrong(of("a"), of("b"), of("a")) == {"jobs.2.key": ["is the key of jobs.0 already: each job needs its own"]}


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    assert wrong(of("score"), of("b", "scores")) == {
        "jobs.1.dependsOn": ["names 'scores', which no job of the flow has as its key; did you mean 'score'?"]
    }


def test_a_circle_is_shown() -> None:
    (message,) = wrong(of("a", "c"), of("b", "a"), of("c", "b")).values()
    assert message[0].startswith("goes round in a circle: ")
    assert {"a", "b", "c"} == set(message[0].removeprefix("goes round in a circle: ").split(" -> "))


@pytest.mark.parametrize(("depends_on", "rule"), [(("a",), "the job itself"), (("b", "b"), "a job twice")])
def test_a_job_waits_for_others_and_for_each_once(depends_on: tuple[str, ...], rule: str) -> None:
    assert rule in wrong(of("a", *depends_on), of("b"))["jobs.0.dependsOn"][0]


def test_a_flow_gives_its_jobs_their_ids_and_takes_no_keys() -> None:
    assert list(wrong(of("a", job_id="mine"), of("b", deduplication_key="k"))) == [
        "jobs.0.options.jobId",
        "jobs.1.options.deduplicationKey",
    ]


@pytest.mark.parametrize("count", [0, MAX_JOBS + 1])
def test_a_flow_has_one_to_a_thousand_jobs(count: int) -> None:
    assert list(wrong(*[of(str(number)) for number in range(count)])) == ["jobs"]


@st.composite
def graphs(draw: st.DrawFn) -> list[FlowStep]:
    count = draw(st.integers(1, 12))
    steps = []
    for number in range(count):
        depends_on = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        queue = draw(st.sampled_from(QUEUES))
        keys = [str(each) for each in sorted(depends_on)]
        steps.append(step(str(number), queue, *keys, on_failure=draw(st.sampled_from(OnFailure))))
    return draw(st.permutations(steps))


@given(graphs())
def test_those_that_wait_are_written_first_and_both_ends_of_an_edge_know_it(steps: list[FlowStep]) -> None:
    check(steps)
    jobs = placed("flow-1", steps)
    places = {key: job.flow for key, job in jobs.items() if job.flow is not None}
    order = list(jobs)
    assert set(order) == {each.key for each in steps}
    for each in steps:
        assert tuple(places[each.key].depends_on.values()) == each.depends_on
        for key in each.depends_on:
            assert order.index(each.key) < order.index(key)
            (own_id,) = [one for one in places[key].dependents if one.endswith(f"-{each.key}")]
            assert own_id.startswith(tuple(policy.folder for policy in POLICIES.values()))
    assert sum(len(place.dependents) for place in places.values()) == sum(len(each.depends_on) for each in steps)


@given(graphs())
def test_a_place_is_read_back_as_it_was_stored(steps: list[FlowStep]) -> None:
    for job in placed("flow-1", steps).values():
        assert job.flow is not None
        assert FlowPlace.from_json(job.flow.to_json()) == job.flow
