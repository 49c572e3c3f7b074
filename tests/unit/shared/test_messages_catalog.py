from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.messages import MESSAGES, Message, dump, flat_errors, load, queue_of_key, schema_of, validate_data
from shared.queues import POLICIES, Queue
from tests.unit.shared.message_strategies import json_values, messages

ALL_MESSAGES = [pytest.param(message, id=message.__name__) for message in MESSAGES]


def test_every_job_name_of_every_queue_has_a_message() -> None:
    named = {(policy.queue, name) for policy in POLICIES.values() for name in policy.job_names}

    assert {(message.QUEUE, message.JOB_NAME) for message in MESSAGES} == named


@pytest.mark.parametrize("message", ALL_MESSAGES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_message_writes_it_reads_again(message: type[Message], data: st.DataObject) -> None:
    value = data.draw(messages[message])
    payload = dump(value)

    assert load(message.QUEUE, message.JOB_NAME, payload, message.VERSION) == value
    assert dump(load(message.QUEUE, message.JOB_NAME, payload, message.VERSION)) == payload
    # Both JSON libraries on the way (the gateway's and the engine's) keep every value.
    assert orjson.loads(orjson.dumps(payload)) == payload
    assert json.loads(json.dumps(payload)) == payload


@pytest.mark.parametrize("message", ALL_MESSAGES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_garbage_is_a_validation_error_and_nothing_else(message: type[Message], data: st.DataObject) -> None:
    version: Any = data.draw(st.integers(1, message.VERSION))
    garbage = data.draw(json_values | _spoilt(message))

    outcome = _outcome(lambda payload: load(message.QUEUE, message.JOB_NAME, payload, version), garbage)

    assert isinstance(outcome, message) or list(flat_errors(outcome))


@pytest.mark.parametrize("message", ALL_MESSAGES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_quick_way_of_reading_agrees_with_marshmallow(message: type[Message], data: st.DataObject) -> None:
    payload = data.draw(messages[message].map(dump) | _spoilt(message))
    schema = schema_of(message)

    assert _outcome(schema.read, payload) == _outcome(schema.load, payload)


@pytest.mark.parametrize("version", [0, -1, True, None, "1", 1.0])
def test_a_version_is_a_whole_number_from_one(version: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        load(Queue.CREDIT_SCORE, "credit-score-calculation", {"retailerId": "RET001", "trigger": "manual"}, version)

    assert caught.value.messages == {"version": ["must be a whole number from 1"]}


@pytest.mark.parametrize("name", ["mesage", "", None, 7, ["message"]])
def test_an_unknown_job_name_is_answered_with_the_known_ones(name: Any) -> None:
    with pytest.raises(ValidationError, match="must be one of order-routing, vendor-response") as caught:
        validate_data(Queue.ORDER_ROUTING, name, {})

    assert set(caught.value.messages) == {"name"}


def test_a_misspelt_job_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match=r"; did you mean message\?"):
        validate_data(Queue.WHATSAPP, "mesage", {})


@pytest.mark.parametrize("key", ["WHATSAP", "whatsapp", "", None, 1])
def test_an_unknown_queue_key_is_answered_with_the_known_ones(key: Any) -> None:
    with pytest.raises(ValidationError, match="must be one of WHATSAPP, CREDIT_SCORE, ORDER_ROUTING") as caught:
        queue_of_key(key)

    assert set(caught.value.messages) == {"queue"}


@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_data_that_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_data(Queue.CREDIT_SCORE, "credit-score-calculation", data)

    assert caught.value.messages == {"_schema": ["must be a JSON object"]}


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        validate_data(Queue.CREDIT_SCORE, "credit-score-calculation", {"retailerId": "R", "trigger": "manual", "x": 1})

    assert caught.value.messages == {"x": ["is not known here (known: retailerId, trigger)"]}


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        validate_data(Queue.CREDIT_SCORE, "credit-score-calculation", {"trigger": "order_confirmd"})

    assert caught.value.messages == {
        "retailerId": ["is required"],
        "trigger": [
            "must be one of order_confirmed, order_completed, payment_received, manual; did you mean order_confirmed?"
        ],
    }


def test_errors_in_lists_are_named_by_their_place() -> None:
    messages = {"data": {"items": {1: {"quantity": ["must be more than 0"]}}}, "recipient": ["is required"]}

    assert list(flat_errors(messages)) == ["data.items.1.quantity: must be more than 0", "recipient: is required"]


def _spoilt(message: type[Message]) -> st.SearchStrategy[Any]:
    """Payloads in which one value, at any depth, is garbage, or a key too many."""
    return st.builds(_spoil, messages[message].map(dump), st.randoms(use_true_random=False), json_values)


def _spoil(payload: dict[str, Any], random: Any, garbage: Any) -> dict[str, Any]:
    place: Any = payload
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys or (isinstance(place, dict) and random.random() < 0.1):
            if isinstance(place, dict):
                place["spoilt"] = garbage
            return payload
        key = random.choice(keys)
        if not isinstance(place[key], dict | list) or random.random() < 0.3:
            place[key] = garbage
            return payload
        place = place[key]


def _outcome(read: Any, payload: Any) -> Any:
    try:
        return read(payload)
    except ValidationError as error:
        return error.messages
