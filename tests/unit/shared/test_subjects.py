from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.subjects import SubjectKind, index_entry, phone_hash, read_index_entry, subjects_of

ORDER, RETAILER, PHONE, USER = SubjectKind


@pytest.mark.parametrize(
    ("data", "subjects"),
    [
        ({"orderId": "O1", "action": "CONFIRM", "data": {}}, {ORDER: ("O1",)}),
        ({"retailerId": "R1", "orderId": "O1"}, {ORDER: ("O1",), RETAILER: ("R1",)}),
        ({"orderId": "O1", "orderData": {"retailerId": "R1", "items": []}}, {ORDER: ("O1",), RETAILER: ("R1",)}),
        ({"type": "CREDIT_SUMMARY", "filters": {"retailerId": "R1"}, "userId": "u"}, {RETAILER: ("R1",), USER: ("u",)}),
        (
            {"recipient": "+9779800000000", "data": {"orders": [{"orderNumber": "O1"}, {"orderNumber": "O2"}]}},
            {ORDER: ("O1", "O2"), PHONE: (phone_hash("+9779800000000"),)},
        ),
        ({"orderId": 7, "retailerId": "x" * 65, "filters": [], "recipient": "nobody"}, {}),
        ({}, {}),
    ],
)
def test_a_payload_names_whom_and_what_it_is_about(data: dict[str, Any], subjects: dict[SubjectKind, Any]) -> None:
    assert subjects_of(data) == subjects


def test_the_index_entry_carries_a_phone_only_as_its_hash() -> None:
    entry = index_entry("message", {"recipient": "+9779800000000", "data": {"orderNumber": "O1"}})

    assert b"9800000000" not in entry
    assert read_index_entry(orjson.loads(entry)) == ("message", {ORDER: ("O1",), PHONE: (phone_hash("9779800000000"),)})


@pytest.mark.parametrize("entry", [None, [], {}, {"n": 1}, {"o": ["O1"]}])
def test_what_is_no_index_entry_is_read_as_none(entry: Any) -> None:
    assert read_index_entry(entry) is None
