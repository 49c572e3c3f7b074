"""Tokens, worker ids, keys and states: the names that everything else stands on."""

from __future__ import annotations

import os

from shared.broker import State, keys
from shared.broker.tokens import new_worker_id, next_token


def test_tokens_never_repeat_and_have_no_space() -> None:
    tokens = [next_token() for _ in range(1_000)]
    assert len(set(tokens)) == 1_000
    assert not any(" " in token for token in tokens)


def test_a_forked_process_draws_other_tokens() -> None:
    mine = next_token()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, next_token().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 200).decode()
    os.close(read)
    os.close(write)
    assert mine.rpartition("-")[0] != theirs.rpartition("-")[0]


def test_worker_ids_differ_within_a_process() -> None:
    assert new_worker_id() != new_worker_id()


def test_all_keys_of_a_queue_share_its_hash_tag() -> None:
    made = [
        keys.meta("q"),
        keys.job("q", "1"),
        keys.events("q"),
        keys.marker("q"),
        keys.control("q", "w"),
        keys.deduplication("q", "k"),
        keys.state_set("q", "waiting"),
    ]
    assert made[0] == "doko:{q}:meta"
    assert all(key.startswith("doko:{q}:") for key in made)
    assert len(set(made)) == len(made)


def test_three_states_are_the_end() -> None:
    assert {state for state in State if state.is_finished} == {State.COMPLETED, State.FAILED, State.CANCELLED}
