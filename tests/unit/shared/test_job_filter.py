from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.states import State
from shared.job_filter import SINGLE, InvalidFilter, JobFilter, Key, Term, parse_filter
from shared.job_filter_values import first_ms, last_ms
from shared.queues import POLICIES, Queue

NOW_MS = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp() * 1000)

_free_text = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12
).filter(str.isprintable)
_spans = st.builds("{}{}".format, st.integers(0, 99), st.sampled_from("smhd"))
_days = st.dates(datetime(2001, 1, 1).date(), datetime(2100, 1, 1).date()).map(str)  # noqa: DTZ001 - only the date counts
_values: dict[Key, st.SearchStrategy[str]] = {
    Key.QUEUE: st.sampled_from(list(Queue.__members__)),
    Key.STATE: st.sampled_from([state.value for state in State]),
    Key.NAME: st.sampled_from([name for policy in POLICIES.values() for name in policy.job_names]),
    Key.PHONE: st.sampled_from(["+9779800000000", "+9779841234567"]),
    Key.FINGERPRINT: st.text("0123456789abcdef", min_size=16, max_size=16),
    Key.ATTEMPT: st.integers(0, 1000).map(str),
    Key.SINCE: _spans | _days,
    Key.UNTIL: _spans | _days,
}


@st.composite
def terms(draw: st.DrawFn) -> Term:
    key = draw(st.sampled_from(list(Key)))
    operator = draw(st.sampled_from([":", ">", ">=", "<", "<="])) if key is Key.ATTEMPT else ":"
    most = 1 if key in SINGLE or operator != ":" else 3
    values = draw(st.lists(_values.get(key, _free_text), min_size=1, max_size=most, unique=True))
    return Term(key, tuple(values), operator, is_negated=key not in SINGLE and draw(st.booleans()))


filters = st.lists(terms(), max_size=6, unique_by=lambda term: term.key if term.key in SINGLE else object()).map(
    lambda listed: JobFilter(tuple(listed))
)


@given(filters)
def test_a_written_filter_reads_as_the_same_filter(wanted: JobFilter) -> None:
    assert parse_filter(str(wanted)) == wanted


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*map("{}:".format, Key), '"', "\\", ",", " ", ">", "-", "1h", "x"])).map("".join)
)
def test_whatever_is_typed_is_read_or_refused_as_a_filter(text: str) -> None:
    try:
        wanted = parse_filter(text)
    except InvalidFilter:
        return
    assert parse_filter(str(wanted)) == wanted


def test_every_form_of_a_value_becomes_the_one_that_is_stored() -> None:
    wanted = parse_filter('Queue:whatsapp,credit STATE:Failed phone:980-0000000 order:"A B" attempt=2 since:1H')

    assert str(wanted) == 'queue:WHATSAPP,CREDIT_SCORE state:failed phone:+9779800000000 order:"A B" attempt:2 since:1h'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stat:failed", "'stat' is no key of a filter; did you mean state:?"),
        ("state:faild", "'faild' is no state; did you mean failed?"),
        ("queue:wattsapp", "did you mean WHATSAPP?"),
        ("name:ordr", "did you mean order?"),
        (
            "ORD-2026-001",
            "'ORD-2026-001' is not a term: a term is a key, a colon and a value, such as order:ORD-2026-001",
        ),
        ("state", "such as state:failed"),
        ("name:", "name: needs a value right behind it, such as name:order"),
        ('order:"x', "order: its quote is not closed"),
        ('order:a"b"', "order: put the whole value in quotes"),
        ("order:\\b", "a backslash only stands in quotes"),
        ("phone:12", "'12' is not a phone number"),
        ("attempt>two", "'two' must be a whole number from 0 to 1000"),
        ("attempt>1,2", "attempt> takes one value, not 2"),
        ("order>1", "only attempt can be compared, write order:"),
        ("fingerprint:abc", "'abc' must be the 16 hexadecimal digits"),
        ("since:yesterday", "'yesterday' is no time: give a span before now"),
        ("since:2026-02-30", "is no time"),
        ("until:99999d", "must be at most 3660d"),
        ("since:1h since:2h", "since: stands twice; give it once"),
        ("-since:1h", "-since: has no opposite; use until:"),
        ("order:" + "x" * 300, "must have 1 to 256 characters"),
        ("order:\x07", "must not have control characters"),
        ("x" * 1001, "the filter is 1001 characters long, of at most 1000"),
        ("id:a " * 31, "more than 30 terms"),
        ("id:" + ",".join("abcdefghij" * 6), "more than 50 values"),
    ],
)
def test_a_filter_that_cannot_be_read_says_why_and_what_is_near(text: str, words: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse_filter(text)

    assert words in str(refused.value)


def test_a_day_is_a_day_in_kathmandu_and_until_includes_it() -> None:
    first = first_ms("2026-11-28", NOW_MS)
    last = last_ms("2026-11-28", NOW_MS)

    assert datetime.fromtimestamp(first / 1000, UTC) == datetime(2026, 11, 27, 18, 15, tzinfo=UTC)
    assert last - first == 24 * 3_600_000 - 1


def test_a_span_counts_back_from_now() -> None:
    assert first_ms("90s", NOW_MS) == last_ms("90s", NOW_MS) == NOW_MS - 90_000


def test_an_instant_without_a_zone_is_meant_in_kathmandu() -> None:
    (term,) = parse_filter("since:2026-11-28T10:00").terms

    assert first_ms(term.values[0], NOW_MS) == int(datetime(2026, 11, 28, 4, 15, tzinfo=UTC).timestamp() * 1000)
