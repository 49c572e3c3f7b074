from __future__ import annotations

import pytest

from shared.fingerprints import fingerprint, shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no answer after 30.5 s", "no answer after 2 s"),
        ("order ORD-2026-001 is CONFIRMED", "order ORD-2026-999 is CONFIRMED"),
        ("no WhatsApp on +9779800000000", "no WhatsApp on +9779811111111"),
        ("retailer 'RET001' is unknown", "retailer 'Sita Stores' is unknown"),
        ("lost connection to 10.0.0.1:5432", "lost  connection to\n10.1.2.3:6543"),
    ],
)
def test_errors_that_differ_in_values_only_have_one_fingerprint(one: str, other: str) -> None:
    assert fingerprint({"type": "E", "message": one}) == fingerprint({"type": "E", "message": other})


@pytest.mark.parametrize(
    "other", [{"type": "F", "message": "no answer"}, {"type": "E", "message": "no"}, {"message": "no answer"}, {}]
)
def test_errors_of_another_type_or_with_other_words_have_another(other: dict[str, str]) -> None:
    assert fingerprint({"type": "E", "message": "no answer"}) != fingerprint(other)


def test_a_shape_holds_no_personal_data() -> None:
    assert shape("write to sita@example.com or 9800000000 about 'Sita'") == "write to # or # about #"
