"""What the pages draw: the way a job took, its attempts and time line, charts, flows, words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.dashboard.charts import HEIGHT, bars, spark_line
from gateway.dashboard.diagram import diagram, states_of
from gateway.dashboard.flow_picture import picture
from gateway.dashboard.formatting import count, duration, relative, share, with_times
from gateway.dashboard.job_story import BAND, attempts_of, band_of, steps_of
from gateway.dashboard.pages import own_path

Event = dict[str, Any]


def at(second: float) -> str:
    return datetime.fromtimestamp(1_790_000_000 + second, UTC).isoformat()


RETRIED: list[Event] = [
    {"event": "waiting", "at": at(0)},
    {"event": "active", "at": at(1), "attempt": 1, "worker": "w-1"},
    {"event": "delayed", "at": at(3), "attempt": 1, "worker": "w-1", "delay": 2000, "error": {"type": "Timeout"}},
    {"event": "waiting", "at": at(5)},
    {"event": "active", "at": at(5), "attempt": 2, "worker": "w-2"},
    {"event": "completed", "at": at(6), "attempt": 2, "worker": "w-2", "duration": 1000},
]


def test_the_states_of_a_job_are_those_its_events_name_each_change_once() -> None:
    assert states_of(RETRIED) == ["waiting", "active", "delayed", "waiting", "active", "completed"]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"event": "promoted"}, "waiting"),
        ({"event": "retried"}, "waiting"),
        ({"event": "stalled"}, "waiting"),
        ({"event": "released", "delay": 0}, "waiting"),
        ({"event": "released", "delay": 500}, "delayed"),
    ],
)
def test_an_operators_or_workers_event_leads_to_a_state(event: Event, state: str) -> None:
    assert states_of([{"event": "active"}, event]) == ["active", state]


def test_the_diagram_marks_what_was_taken_and_where_the_job_is() -> None:
    found = diagram(RETRIED, "completed")

    assert [node.state for node in found.nodes if node.is_here] == ["completed"]
    assert {node.state: node.visits for node in found.nodes if node.visits} == {
        "waiting": 2,
        "active": 2,
        "delayed": 1,
        "completed": 1,
    }
    assert sorted(way.times for way in found.ways if way.times) == [1, 1, 1, 1, 2]
    assert found.words == "waiting → active → delayed → waiting → active → completed"


def test_a_job_whose_events_are_gone_still_stands_in_its_state() -> None:
    assert diagram([], "failed").words == "failed"


def test_each_attempt_has_its_worker_duration_and_error() -> None:
    errors = [{"type": "Timeout", "message": "no answer", "traceback": "Traceback …", "durationMs": 2000}]

    newest, first = attempts_of(RETRIED, errors)

    assert (newest.number, newest.outcome, newest.duration_ms, newest.error) == (2, "completed", 1000, None)
    assert (first.number, first.outcome, first.worker, first.duration_ms) == (1, "failed", "w-1", 2000)
    assert first.error is not None
    assert first.error["traceback"] == "Traceback …"


def test_a_running_attempt_has_no_end() -> None:
    (attempt,) = attempts_of(RETRIED[:2], [])

    assert (attempt.outcome, attempt.duration_ms) == ("active", None)


def test_the_time_line_says_how_long_each_step_took_newest_first() -> None:
    steps = steps_of(RETRIED)

    assert [step.until_next_ms for step in steps] == [None, 1000, 0, 2000, 2000, 1000]
    assert steps[-1].event == "waiting"


def test_the_band_shares_its_width_by_time_in_each_state() -> None:
    found = band_of(RETRIED, is_finished=True)

    assert [(stretch.state, stretch.duration_ms) for stretch in found] == [
        ("waiting", 1000),
        ("active", 2000),
        ("delayed", 2000),
        ("active", 1000),
    ]
    assert sum(stretch.width for stretch in found) == pytest.approx(BAND, abs=1)


def test_a_spark_line_is_flat_without_jobs_and_reaches_the_top_with_the_most() -> None:
    assert spark_line([0, 0], 10, 26) == "M0.0 25.0 L10.0 25.0"
    assert spark_line([0, 5], 10, 26) == "M0.0 25.0 L10.0 2.0"
    assert spark_line([], 10, 26) == "M0 26"


def test_a_bar_that_counts_anything_can_be_seen_and_leads_to_its_jobs() -> None:
    found = bars(
        {
            "from": at(0),
            "bucketMs": 60_000,
            "buckets": [{"at": at(0), "count": 0}, {"at": at(60), "count": 1}, {"at": at(120), "count": 10_000}],
            "count": 10_001,
            "isComplete": True,
        },
        lambda begin, end: f"{begin}/{end}",
    )

    assert [bar.height for bar in found.bars] == [0, 2.0, HEIGHT - 4]
    assert found.bars[0].link == ""
    assert found.bars[1].link.startswith(at(60))


def test_a_flows_job_stands_right_of_all_that_it_waits_for() -> None:
    def job(key: str, *needed: str) -> Event:
        return {"key": key, "id": key, "queue": "WHATSAPP", "state": None, "dependsOn": list(needed)}

    jobs = [job("last", "left", "right"), job("left", "first"), job("right"), job("first")]
    edges = [{"from": each, "to": one["key"]} for one in jobs for each in one["dependsOn"]]

    found = picture({"jobs": jobs, "edges": edges})

    assert found is not None
    x = {box.key: box.x for box in found.boxes}
    assert x["first"] == x["right"] < x["left"] < x["last"]
    assert len({(box.x, box.y) for box in found.boxes}) == 4
    assert picture({"jobs": [job(str(number)) for number in range(121)], "edges": []}) is None


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 ms"),
        (340, "340 ms"),
        (2_400, "2.4 s"),
        (42_000, "42 s"),
        (200_000, "3 min 20 s"),
        (187_200_000, "2 d 4 h"),
    ],
)
def test_a_duration_reads_in_two_units_at_most(milliseconds: float, words: str) -> None:
    assert duration(milliseconds) == words


def test_numbers_stay_short() -> None:
    assert [count(value) for value in (None, 0, 1_234, 12_345, 1_234_567)] == ["–", "0", "1,234", "12.3k", "1.2M"]
    assert [share(value) for value in (None, 0, 0.004, 0.25, 1)] == ["–", "0 %", "0.4 %", "25 %", "100 %"]


def test_the_instants_of_a_sentence_become_times_and_its_markup_text() -> None:
    told = with_times("It failed at 2026-11-28T12:00:00.120Z with <b>")

    assert told.startswith('It failed at <time class="clock" datetime="2026-11-28T12:00:00.120Z"')
    assert told.endswith(">17:45:00 on 28 Nov</time> with &lt;b&gt;")


def test_an_instant_reads_as_how_long_ago_it_was_or_will_be() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)

    assert relative(datetime(2026, 11, 28, 11, 57, tzinfo=UTC), now) == "3 min ago"
    assert relative(datetime(2026, 11, 28, 12, 0, 20, tzinfo=UTC), now) == "in 20 s"
    assert relative(now, now) == "now"


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/jobs?filter=state:failed", "/dashboard/subjects/order/A"])
def test_a_page_of_ours_is_gone_back_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path", [None, "", "//x", "https://x/dashboard", "/dashboardx", "/dashboard\\x", "/dashboard\n"]
)
def test_nothing_else_is_gone_to(path: str | None) -> None:
    assert own_path(path) == "/dashboard"
