"""The benchmark's own arithmetic, and what becomes of a side that can't run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.local.redis_server import RedisServer
from tests.benchmarks import harness, processes
from tests.benchmarks.harness import Bench, Figure, Rule, Target, Unmeasurable

KEYS = {"name", "unit", "peer", "ours", "theirs", "ratio", "target", "holds"}
TWICE = Target("drain", "jobs/s", "rival", Rule.RATIO_AT_LEAST, 2.0)


def test_the_sides_take_turns_and_the_ratio_is_the_median_of_the_pairs() -> None:
    turns: list[str] = []

    def side(name: str, rates: list[float]) -> float:
        turns.append(name)
        return rates[turns.count(name) - 1]

    (figure,) = harness.compare(
        [TWICE], 3, lambda: side("ours", [30.0, 20.0, 10.0]), {"rival": lambda: side("rival", [10.0, 10.0, 1.0])}
    )

    assert turns == ["ours", "rival"] * 3
    assert (figure.ours, figure.theirs, figure.ratio) == (20.0, 10.0, 3.0)
    assert figure.holds


def test_a_peer_that_cannot_run_gives_a_row_that_does_not_hold_and_says_why() -> None:
    def missing() -> float:
        raise Unmeasurable("node and npm are not on the PATH")

    (figure,) = harness.compare([TWICE], 3, lambda: 30.0, {"rival": missing})

    row = figure.row()
    assert (row["ours"], row["theirs"], row["ratio"]) == (30.0, None, None)
    assert row["holds"] is False
    assert row["reason"] == "node and npm are not on the PATH"


def test_without_node_no_peer_command_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bench = Bench(tmp_path, RedisServer(tmp_path, binary=tmp_path / "unused"))

    with pytest.raises(Unmeasurable, match="node"):
        processes.node_command(bench, "peer_bull.js", "bullmq", "work", "1")


@pytest.mark.parametrize(
    ("rule", "ours", "ratio", "holds"),
    [
        (Rule.RATIO_AT_LEAST, 10.0, 2.0, True),
        (Rule.RATIO_AT_LEAST, 10.0, 1.99, False),
        (Rule.RATIO_AT_MOST, 10.0, 2.0, True),
        (Rule.RATIO_AT_MOST, 10.0, 2.01, False),
        (Rule.OURS_AT_MOST, 2.0, None, True),
        (Rule.OURS_AT_MOST, 2.01, None, False),
    ],
)
def test_a_target_bounds_the_ratio_or_our_own_figure(
    rule: Rule,
    ours: float,
    ratio: float | None,
    holds: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert Figure(Target("f", "ms", "none", rule, 2.0), ours, None, ratio).holds is holds


def test_a_figure_that_was_never_measured_does_not_hold() -> None:
    assert not Figure(TWICE).holds


def test_the_percentile_is_a_measured_value() -> None:
    values = [float(value) for value in range(1, 101)]

    assert harness.percentile(values, 0.99) == 99.0
    assert harness.percentile(values, 0.5) == 50.0
    assert harness.percentile([7.0], 0.99) == 7.0


def test_the_file_is_a_list_with_one_row_a_figure_and_keeps_what_was_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    other = Target("memory", "bytes", "none", Rule.OURS_AT_MOST, 1300.0)

    harness.store(path, [Figure(TWICE, 10.0, 10.0, 1.0), Figure(other, 700.0)], [TWICE, other], {"cores": 2})
    harness.store(path, [Figure(TWICE, 30.0, 10.0, 3.0)], [TWICE, other], {"cores": 2})

    rows: list[dict[str, Any]] = orjson.loads(path.read_bytes())
    assert [(row["name"], row["ours"]) for row in rows] == [("memory", 700.0), ("drain", 30.0)]
    assert all(row.keys() >= KEYS for row in rows)
    assert rows[0]["machine"] == {"cores": 2}


def test_the_table_shows_a_miss_and_its_reason() -> None:
    lines = harness.table([Figure(TWICE, 10.0, 10.0, 1.0), Figure(TWICE, 10.0, reason="no node")]).splitlines()

    assert lines[1].endswith("NO")
    assert lines[2].endswith("NO: no node")
