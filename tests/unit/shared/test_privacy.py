"""What is hidden as personal data, and what must stay readable."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy import PERSONAL_KEYS, mask, mask_field, mask_text


@pytest.mark.parametrize(
    "phone",
    [
        "+9779800000000",
        "+977-9800000000",
        "+977 980-000-0000",
        "+977 (980) 0000000",
        "9779800000000",
        "9800000000",
        "980-0000000",
        "+14155238886",
        "whatsapp:+14155238886",
        "%2B9779800000000",
    ],
)
def test_a_phone_in_a_text_keeps_at_most_its_last_two_digits(phone: str) -> None:
    masked = mask_text(f"The number {phone}, please")

    assert masked.endswith(f"***{phone[-2:]}, please")
    assert sum(character.isdigit() for character in masked) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Job whatsapp-0m5k3v8q2z7h4d9x completed in queue whatsapp-messages",
        "ORD2611000001",
        "2026-11-24T05:43:00.120Z",
        "1763962980120",
        "1763962980120-0",
        "Rs. 1,500.00",
        "wamid.HBgNOTc3OTgwMDAwMDAwMBUC",
        "SM12345678901234567890123456789012",
        "123e4567-e89b-12d3-a456-426614174000",
        "10.0.0.1:6379",
        "4 + 123",
    ],
)
def test_ids_times_and_amounts_stay(text: str) -> None:
    assert mask_text(text) == text


def test_an_email_address_in_a_text_is_hidden() -> None:
    assert mask_text("mail ram.thapa+x@shop.com.np now") == "mail *** now"


@pytest.mark.parametrize("key", sorted(PERSONAL_KEYS))
def test_the_value_of_a_personal_key_is_hidden_at_any_depth(key: str) -> None:
    assert mask({"data": [{key: "Ram Thapa"}]}) == {"data": [{key: "***"}]}
    assert mask_field(key, {"nested": "Ram Thapa"}) == "***"


def test_a_phone_under_its_key_keeps_its_last_two_digits() -> None:
    assert mask({"recipient": "+9779812345678"}) == {"recipient": "***78"}


def test_an_absent_value_stays_absent() -> None:
    assert mask({"email": None, "notes": ""}) == {"email": None, "notes": ""}


def test_from_and_to_are_hidden_only_when_they_are_phones() -> None:
    assert mask({"from": "DRAFT", "to": "CONFIRMED"}) == {"from": "DRAFT", "to": "CONFIRMED"}
    assert mask({"from": "14155238886", "to": "9779800000000"}) == {"from": "***", "to": "***00"}


def test_the_message_of_an_error_stays_readable_without_phones() -> None:
    error = {"type": "ValueError", "message": "no route to +9779800000000", "traceback": "in send"}

    assert mask({"error": error}) == {"error": {**error, "message": "no route to ***00"}}
    assert mask({"errors": [error]})["errors"][0]["message"] == "no route to ***00"


def test_a_phone_written_as_a_number_is_hidden_and_other_numbers_stay() -> None:
    assert mask([9_800_000_000, 1_763_962_980_120, 1500.5, True, 0]) == ["***00", 1_763_962_980_120, 1500.5, True, 0]


def test_dataclasses_are_masked_field_by_field_and_other_objects_as_text() -> None:
    @dataclass
    class Shop:
        code: str
        owner_name: str

    assert mask(Shop("RET001", "Ram Thapa")) == {"code": "RET001", "owner_name": "***"}
    assert mask([Decimal("1500.00"), ValueError("call 9800000000")]) == ["1500.00", "call ***00"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(PERSONAL_KEYS)), inner),
    max_leaves=20,
)


@given(JSON)
def test_masking_leaves_the_original_alone_and_is_stable(value: object) -> None:
    before = copy.deepcopy(value)

    masked = mask(value)

    assert value == before
    assert mask(masked) == masked


@given(st.text(), st.text())
def test_no_surroundings_uncover_an_international_number_set_apart(left: str, right: str) -> None:
    assert "9812345678" not in mask_text(f"{left} +9779812345678 {right}")
