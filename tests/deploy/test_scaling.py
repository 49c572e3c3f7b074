"""The autoscaler's rules drain a burst in time, and the guide's formulas say about what a simulation shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from shared.queues import POLICIES, Queue
from tests.deploy.scaling import START_S, Rules, Simulation, drain_s, workers_needed
from tests.kit.manifests import ROOT, of_kind, overlay, rendered, worker_name

BURST_S = 120
SEEDS = (1, 2, 3)
LIMIT_S = 4_000

GUIDE = (ROOT / "deploy/README.md").read_text()
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([\d.]+) s \| ([\d.]+) \| (\d+) \| (\d+) s \|", re.MULTILINE)

every_queue = pytest.mark.parametrize("queue", list(Queue))


@dataclass(frozen=True)
class Line:
    """A line of the guide's table: a job's mean duration, the usual jobs a second, workers for them, a burst's end."""

    service_s: float
    rate: float
    workers: int
    drain_s: float


LINES = {
    key: Line(float(s), float(rate), int(workers), float(drain)) for key, s, rate, workers, drain in ROW.findall(GUIDE)
}


def rules(queue: Queue) -> Rules:
    spec: dict[str, Any] = of_kind(overlay("production"), "ScaledObject")[worker_name(queue)]["spec"]
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up = {policy["type"]: policy["value"] for policy in behaviour["scaleUp"]["policies"]}
    threshold = float(spec["triggers"][0]["metadata"]["threshold"])
    down_s = behaviour["scaleDown"]["stabilizationWindowSeconds"]
    return Rules(spec["minReplicaCount"], spec["maxReplicaCount"], threshold, up["Percent"], up["Pods"], down_s)


def test_the_guide_has_a_line_for_every_queue() -> None:
    assert set(LINES) == {queue.name for queue in Queue}


@every_queue
def test_the_guides_number_of_workers_is_what_its_formula_says_and_what_production_starts_with(queue: Queue) -> None:
    line = LINES[queue.name]

    assert line.workers == workers_needed(line.rate, line.service_s, POLICIES[queue].concurrency)
    assert rules(queue).least == 0 or rules(queue).least >= line.workers


@every_queue
def test_the_usual_load_waits_for_nobody_for_long(queue: Queue) -> None:
    line = LINES[queue.name]
    for seed in SEEDS:
        usual = Simulation(line.service_s, POLICIES[queue].concurrency, line.workers, seed=seed)
        usual.run_until(1_800, line.rate)
        assert usual.longest_wait_s < _target_s(queue)


@every_queue
def test_ten_times_the_usual_load_is_drained_within_the_guides_time(queue: Queue) -> None:
    line = LINES[queue.name]
    for seed in SEEDS:
        burst = Simulation(
            line.service_s, POLICIES[queue].concurrency, rules(queue).least, rules=rules(queue), seed=seed
        )
        burst.run_until(600, line.rate)
        burst.run_until(600 + BURST_S, 10 * line.rate)
        assert burst.drained_at(600 + BURST_S + LIMIT_S, line.rate) - (600 + BURST_S) <= line.drain_s
        assert burst.most_workers <= rules(queue).most
        assert burst.longest_wait_s <= _target_s(queue), "no alert fires meanwhile"


@pytest.mark.parametrize("queue", [queue for queue in Queue if rules(queue).most > 1])
def test_without_autoscaling_the_same_burst_takes_longer_than_that(queue: Queue) -> None:
    line = LINES[queue.name]
    fixed = Simulation(line.service_s, POLICIES[queue].concurrency, line.workers, seed=1)
    fixed.run_until(600, line.rate)
    fixed.run_until(600 + BURST_S, 10 * line.rate)

    assert fixed.drained_at(600 + BURST_S + LIMIT_S, line.rate) - (600 + BURST_S) > line.drain_s


@every_queue
@pytest.mark.parametrize("minutes", [5, 20])
def test_the_formula_for_a_backlog_is_within_a_fifth_of_the_simulation(queue: Queue, minutes: int) -> None:
    line, threads = LINES[queue.name], POLICIES[queue].concurrency
    workers = line.workers
    capacity = workers * threads / line.service_s
    backlog = max(30, round(minutes * 60 * (capacity - line.rate)))
    expected = drain_s(backlog, line.rate, line.service_s, threads, workers)

    shown = [
        Simulation(line.service_s, threads, workers, seed=seed, backlog=backlog).drained_at(20 * expected, line.rate)
        for seed in range(1, 6)
    ]

    assert expected == pytest.approx(sum(shown) / len(shown), rel=0.2)


def test_a_worker_that_is_asked_for_takes_its_time_to_start() -> None:
    quick = Simulation(1.0, 1, 0, rules=Rules(0, 1, 1, 100, 4, 300), backlog=1)

    quick.run_until(START_S, 0)
    assert quick.waiting == 1
    quick.run_until(START_S + 16, 0)
    assert quick.waiting == 0


def test_a_queue_at_rest_goes_back_to_its_least_after_the_window() -> None:
    resting = Simulation(0.1, 2, 1, rules=Rules(1, 5, 10, 100, 4, 300), backlog=500)

    resting.run_until(60, 0)
    assert resting.workers == 5
    resting.run_until(500, 0)
    assert resting.workers == 1


def _target_s(queue: Queue) -> float:
    groups = of_kind(rendered("monitoring"), "PrometheusRule")["doko"]["spec"]["groups"]
    (target,) = (
        rule["expr"] for group in groups for rule in group["rules"] if rule.get("labels", {}).get("queue") == queue.name
    )
    return float(re.findall(r"\d+", target)[0])
