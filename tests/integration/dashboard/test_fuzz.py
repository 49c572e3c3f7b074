"""Whatever is typed into a page: an answer that says what is wrong, never a 500, and never markup of the sender's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.context import Gateway
from gateway.roles import Role
from tests.integration.dashboard.conftest import Browser
from tests.kit.dashboard import a_failed_message

MARK = "<script>alert(1)</script>"
EXPECTED = {200, 303, 404, 422}
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    database=None,
)
words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [MARK, f'"{MARK}"', "'\"><img src=x onerror=alert(1)>", "{{7*7}}", "{% raw %}", "\x00", "a\nb", "💥"]
    ),
)
terms = st.builds(
    lambda key, sign, value: f"{key}{sign}{value}",
    st.sampled_from(
        [
            "queue",
            "state",
            "name",
            "id",
            "order",
            "retailer",
            "phone",
            "error",
            "attempt",
            "since",
            "until",
            "fingerprint",
            "nope",
            "-state",
        ]
    ),
    st.sampled_from([":", ">", "<=", "=", ""]),
    words,
)
filters = st.lists(st.one_of(terms, words), max_size=5).map(" ".join)


def is_clean(page: str) -> bool:
    """No script but the page's own, no handler in an attribute, no template that was carried out."""
    scripts = re.findall(r"<script\b[^>]*>", page)
    ours = all('src="/dashboard/static/' in each or 'id="commands"' in each for each in scripts)
    return ours and "<img" not in page and not re.search(r"<[^>]*\son\w+=[^>]*>", re.sub(r'"[^"]*"', '""', page))


@pytest.fixture
def admin(person: Callable[[Role], Browser], parts: Gateway) -> Browser:
    a_failed_message(parts)
    return person(Role.ADMIN)


@FEW
@given(text=filters, cursor=words, span=words)
def test_the_filter_bar_takes_anything(admin: Browser, text: str, cursor: str, span: str) -> None:
    for query in ({"filter": text}, {"filter": "state:failed", "cursor": cursor}, {"filter": text, "span": span}):
        response = admin.get(f"/dashboard/jobs?{urlencode(query)}")
        assert response.status_code in EXPECTED, query
        assert is_clean(response.text), query
    assert admin.get(f"/dashboard/jobs/suggestions?{urlencode({'prefix': text})}").status_code in EXPECTED


@FEW
@given(word=words.filter(lambda word: "/" not in word and word not in {".", ".."}), other=words)
def test_addresses_take_anything(admin: Browser, word: str, other: str) -> None:
    path = quote(word, safe="")
    for address in (
        f"/dashboard/jobs/{path}x",
        f"/dashboard/subjects/order/{path}x",
        f"/dashboard/subjects/{path}x/1",
        f"/dashboard/flows/{path}x",
        f"/dashboard/limits/{path}x",
        f"/dashboard/schedules/{path}x/edit",
        f"/dashboard/{path}x",
        f"/dashboard/failures?{urlencode({'since': word, 'queue': other})}",
        f"/dashboard/audit?{urlencode({'actor': word, 'since': other})}",
        f"/dashboard/bulk?{urlencode({'before': word})}",
        f"/dashboard/bulk/new?{urlencode({'action': 'retry', 'filter': word, 'perMinute': other})}",
        f"/dashboard/flows?{urlencode({'cursor': word or 'x'})}",
    ):
        response = admin.get(address)
        assert response.status_code in EXPECTED, address
        assert is_clean(response.text), address


@FEW
@given(
    fields=st.dictionaries(
        st.sampled_from(["reason", "for", "hours", "id", "data", "name", "cron", "interval", "queue"]), words
    )
)
def test_forms_take_anything(admin: Browser, parts: Gateway, fields: dict[str, Any]) -> None:
    job_id = parts.store.jobs().jobs[0].id
    for path in (
        *("/dashboard/queues/WHATSAPP/pause", "/dashboard/queues/WHATSAPP/resume", "/dashboard/queues/WHATSAPP/clean"),
        *(f"/dashboard/jobs/{job_id}/rerun", f"/dashboard/jobs/{job_id}/promote", "/dashboard/jobs/act"),
        *("/dashboard/schedules/new", "/dashboard/limits/WHATSAPP", "/dashboard/bulk/new", "/dashboard/theme"),
    ):
        response = admin.post(
            path, {key: value for key, value in fields.items() if path != "x" and (key, path) != KEPT}
        )
        assert response.status_code in EXPECTED, path
        assert is_clean(response.text), path
    assert is_clean(admin.get("/dashboard").text)


KEPT = ("hours", "/dashboard/queues/WHATSAPP/clean")
"""The failed job stays for the next example."""
