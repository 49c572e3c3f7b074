from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from services.whatsapp.templates import BODY_LIMIT, CATEGORY, TEMPLATES, Template, template_of
from shared.messages.whatsapp import Language, MessageType, OrderConfirmation
from tests.unit.services.whatsapp.builders import DATA, RICE, a_message

README = Path("services/whatsapp/README.md")
FORBIDDEN = re.compile(r"[\n\t]| {5,}")
WITH_TEMPLATE = [kind for kind in MessageType if kind is not MessageType.GENERIC_MESSAGE]
ALL = [pytest.param(template, id=f"{template.name}-{template.language}") for template in TEMPLATES.values()]


def test_the_readme_lists_exactly_the_templates_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\w+) \| (.+?) \| (.+) \|$", README.read_text(), re.MULTILINE)

    assert rows == [
        (
            template.name,
            template.language.value,
            CATEGORY,
            ", ".join(f"{number} {name}" for number, name in enumerate(template.parameters, 1)),
            template.body,
        )
        for template in TEMPLATES.values()
    ]


@pytest.mark.parametrize("template", ALL)
def test_a_template_keeps_the_rules_of_meta(template: Template) -> None:
    numbers = re.findall(r"\{\{(\d+)\}\}", template.body)

    assert re.fullmatch(r"[a-z0-9_]{1,512}", template.name)
    assert numbers == [str(number) for number in range(1, len(template.parameters) + 1)]
    assert not template.body.startswith("{{")
    assert not template.body.rstrip(".।)").endswith("}}")
    assert "}}{{" not in template.body.replace(" ", "")
    assert not FORBIDDEN.search(template.body)


def test_every_template_exists_in_both_languages_with_the_same_parameters() -> None:
    english = {name: TEMPLATES[name, Language.ENGLISH].parameters for name, _ in TEMPLATES}
    nepali = {name: TEMPLATES[name, Language.NEPALI].parameters for name, _ in TEMPLATES}

    assert english == nepali


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", WITH_TEMPLATE)
def test_a_message_fills_every_parameter(kind: MessageType, language: Language) -> None:
    filled = template_of(a_message(kind).data, language)

    assert filled is not None
    assert filled.template.language is language
    assert len(filled.values) == len(filled.template.parameters)
    assert all(filled.values)
    assert "{{" not in filled.text


def test_free_text_has_no_template() -> None:
    assert template_of(a_message("GENERIC_MESSAGE").data, Language.ENGLISH) is None


def test_the_parameters_stand_in_the_order_of_the_table() -> None:
    filled = template_of(a_message("VENDOR_NOTIFICATION").data, Language.ENGLISH)

    assert filled is not None
    assert dict(zip(filled.template.parameters, filled.values, strict=True)) == {
        "orderNumber": "ORD2611000001",
        "retailerName": "Shrestha Kirana",
        "items": "Basmati rice 25 kg: 10 × Rs. 1,450.00",
        "total": "Rs. 14,500.00",
        "acceptReply": "ACCEPT ORD2611000001",
        "declineReply": "DECLINE ORD2611000001",
    }


@pytest.mark.parametrize(
    ("reminder", "name"),
    [("DUE_SOON", "payment_due_soon"), ("OVERDUE", "payment_overdue"), ("FINAL_NOTICE", "payment_final_notice")],
)
def test_each_kind_of_reminder_has_its_template(reminder: str, name: str) -> None:
    filled = template_of(a_message("PAYMENT_REMINDER", reminderType=reminder).data, Language.NEPALI)

    assert filled is not None
    assert filled.template.name == name


def test_what_is_missing_is_said_in_words_since_a_parameter_may_not_be_empty() -> None:
    update = template_of(a_message("DELIVERY_UPDATE", notes=None, expectedDelivery=None).data, Language.ENGLISH)
    reminder = template_of(a_message("PAYMENT_REMINDER", paymentLink=None).data, Language.ENGLISH)

    assert update is not None
    assert reminder is not None
    assert update.values[2:] == ("none", "none")
    assert reminder.values[3] == "please reply to this message"


def test_values_are_put_on_one_line() -> None:
    order = OrderConfirmation(order_number="A\n\tB", total=a_message().data.total, items=())  # type: ignore[union-attr]

    filled = template_of(order, Language.ENGLISH)

    assert filled is not None
    assert filled.values[0] == "A B"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", WITH_TEMPLATE)
def test_the_longest_message_fits_into_a_template(kind: MessageType, language: Language) -> None:
    long: dict[str, Any] = {
        "orderNumber": "9" * 64,
        "retailerName": "n" * 200,
        "shopName": "n" * 200,
        "notes": "n" * 500,
        "paymentLink": "https://pay.example/" + "x" * 180,
        "items": [RICE | {"productName": "p" * 200} for _ in range(200)],
        "orders": [{"orderNumber": "9" * 64, "dueAmount": "9999999.99", "dueDate": "2026-11-20"} for _ in range(200)],
    }
    changes = {key: value for key, value in long.items() if key in DATA[kind]}

    filled = template_of(a_message(kind, **changes).data, language)

    assert filled is not None
    assert len(filled.text) <= BODY_LIMIT
    assert not any(FORBIDDEN.search(value) for value in filled.values)
