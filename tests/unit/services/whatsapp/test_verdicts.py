"""The error table of the specification, row by row."""

from __future__ import annotations

import pytest

from services.whatsapp.clients.protocol import Verdict
from services.whatsapp.clients.verdicts import META, TWILIO, Judgement, judge


@pytest.mark.parametrize(
    ("table", "code", "status", "verdict"),
    [
        (META, 1, 400, Verdict.RETRY),
        (META, 2, 503, Verdict.RETRY),
        (META, 130429, 429, Verdict.SLOW_DOWN),
        (META, 131056, 400, Verdict.SLOW_DOWN),
        (TWILIO, 63018, 429, Verdict.SLOW_DOWN),
        (META, 131047, 400, Verdict.WINDOW_CLOSED),
        (TWILIO, 63016, 400, Verdict.WINDOW_CLOSED),
        (META, 131026, 400, Verdict.PERMANENT),
        (META, 100, 400, Verdict.PERMANENT),
        (META, 131009, 400, Verdict.PERMANENT),
        (TWILIO, 63007, 400, Verdict.PERMANENT),
        (TWILIO, 21608, 400, Verdict.PERMANENT),
        (META, 190, 401, Verdict.ACCOUNT),
        (META, 131031, 403, Verdict.ACCOUNT),
        (META, 368, 403, Verdict.ACCOUNT),
        (TWILIO, 20003, 401, Verdict.ACCOUNT),
    ],
)
def test_a_known_code_decides(table: dict[int, Judgement], code: int, status: int, verdict: Verdict) -> None:
    assert judge(table, status=status, code=code).verdict is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, Verdict.PERMANENT),
        (401, Verdict.ACCOUNT),
        (404, Verdict.PERMANENT),
        (302, Verdict.PERMANENT),
        (408, Verdict.RETRY),
        (429, Verdict.SLOW_DOWN),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
    ],
)
@pytest.mark.parametrize("code", [None, 999_999])
def test_without_a_known_code_the_status_decides(code: int | None, status: int, verdict: Verdict) -> None:
    assert judge(META, status=status, code=code).verdict is verdict
    assert judge(TWILIO, status=status, code=code).verdict is verdict


def test_an_unknown_error_that_meta_calls_transient_is_retried() -> None:
    assert judge(META, status=400, code=999_999, is_transient=True).verdict is Verdict.RETRY


def test_a_known_code_outweighs_the_transient_hint() -> None:
    assert judge(META, status=400, code=131026, is_transient=True).verdict is Verdict.PERMANENT


def test_one_recipient_may_be_written_to_every_six_seconds() -> None:
    assert judge(META, status=400, code=131056).delay_ms == 6_000
