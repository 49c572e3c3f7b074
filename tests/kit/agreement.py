"""Whether everything that Redis keeps of a queue tells the same story."""

from __future__ import annotations

from collections import Counter

import orjson

from tests.kit.engine import Engine

SETS = {
    "waiting": "waiting",
    "solo": "waiting",
    "delayed": "delayed",
    "active": "active",
    "blocked": "blocked",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
FINISHED = {"completed", "failed", "cancelled"}
UNCHANGED = {"replaced", "deduplicated", "cancelling", "progress"}


def assert_agreement(engine: Engine) -> None:
    """Sets, records, counters, groups, keys and the replayed stream agree on each job."""
    places = _places(engine)
    records = _records(engine)
    assert {job_id: record["state"] for job_id, record in records.items()} == places
    _check_workers(engine, records)
    _check_counters(engine, places)
    _check_keys(engine, records)
    _check_groups(engine, records)
    _check_stream(engine, records)
    _check_followers(engine, records)


def replayed(engine: Engine) -> dict[str, str]:
    """Each job's state as its events tell it."""
    states: dict[str, str] = {}
    for one in engine.stream():
        if not one.job or one.event in UNCHANGED:
            continue
        event = one.event
        if event == "removed":
            del states[one.job]
            continue
        if event == "restored":
            states[one.job] = one.fields["state"]
            continue
        if event in {"delayed", "released"}:
            event = "delayed" if int(one.fields.get("delay", "0")) > 0 else "waiting"
        states[one.job] = {"stalled": "waiting", "retried": "waiting", "promoted": "waiting"}.get(event, event)
    return states


def _places(engine: Engine) -> dict[str, str]:
    places: dict[str, str] = {}
    names = dict(SETS)
    prefix = engine.prefix
    for key in engine.client.scan_iter(prefix + "parked:*"):
        names[key.decode().removeprefix(prefix)] = "waiting"
    for name, state in names.items():
        for member in engine.client.zrange(prefix + name, 0, -1):
            job_id = member.decode()
            assert job_id not in places, f"{job_id} stands in {name} and as {places[job_id]}"
            places[job_id] = state
    return places


def _records(engine: Engine) -> dict[str, dict[str, str]]:
    prefix = engine.prefix + "job:"
    ids = [key.decode().removeprefix(prefix) for key in engine.client.scan_iter(prefix + "*")]
    return {job_id: engine.record(job_id) for job_id in ids}


def _check_workers(engine: Engine, records: dict[str, dict[str, str]]) -> None:
    expected = Counter(record["worker"] for record in records.values() if record["state"] == "active")
    stored = {name.decode(): int(count) for name, count in engine.client.hgetall(engine.prefix + "workers").items()}
    assert stored == dict(expected)


def _check_counters(engine: Engine, places: dict[str, str]) -> None:
    stats = engine.store.queue_stats(engine.queue)
    counts = Counter(places.values())
    events = Counter(one.event for one in engine.stream())
    assert stats.waiting == counts["waiting"]
    assert (stats.active, stats.delayed, stats.blocked) == (counts["active"], counts["delayed"], counts["blocked"])
    assert (stats.failed, stats.cancelled, stats.kept) == (counts["failed"], counts["cancelled"], counts["completed"])
    assert stats.completed == events["completed"]
    assert stats.stalled == events["stalled"]
    parked = sum(engine.client.zcard(key) for key in engine.client.scan_iter(engine.prefix + "parked:*"))
    assert int(engine.client.hget(engine.prefix + "meta", "parked") or 0) == parked


def _check_keys(engine: Engine, records: dict[str, dict[str, str]]) -> None:
    prefix = engine.prefix + "dedup:"
    holders = {
        key.decode().removeprefix(prefix): (engine.client.get(key) or b"").decode()
        for key in engine.client.scan_iter(prefix + "*")
    }
    for key, holder in holders.items():
        if holder.startswith("r:") or engine.client.pttl(prefix + key) > 0:
            continue
        assert holder in records, f"{key} names {holder}, which has no record"
        assert records[holder]["state"] not in FINISHED, f"{key} names the finished {holder}"
    for job_id, record in records.items():
        if record.get("dedup") and record["mode"] != "ttl" and record["state"] not in FINISHED | {"blocked"}:
            assert holders.get(record["dedup"]) == job_id


def _check_groups(engine: Engine, records: dict[str, dict[str, str]]) -> None:
    active = Counter(r["group"] for r in records.values() if r["state"] == "active" and "group" in r)
    prefix = engine.prefix + "group:"
    for key in engine.client.scan_iter(prefix + "*"):
        group = key.decode().removeprefix(prefix)
        assert int(engine.client.hget(key, "n") or 0) == active.pop(group, 0), f"group {group} miscounts"
    if engine.client.hmget(engine.prefix + "meta", "group_n", "group_cap") != [None, None]:
        assert not active, f"groups {active} run uncounted"
    waiting_groups = {key.decode().rpartition(":")[2] for key in engine.client.scan_iter(engine.prefix + "parked:*")}
    looked_at = {group.decode() for group in engine.client.zrange(engine.prefix + "groups", 0, -1)}
    assert looked_at == waiting_groups, f"looked at {looked_at}, parked {waiting_groups}"


def _check_stream(engine: Engine, records: dict[str, dict[str, str]]) -> None:
    states = replayed(engine)
    assert {job_id: states.get(job_id) for job_id in records} == {i: r["state"] for i, r in records.items()}
    gone = {job_id: state for job_id, state in states.items() if job_id not in records}
    assert set(gone.values()) <= FINISHED
    for one in engine.stream():
        if one.event in FINISHED:
            assert orjson.loads(one.fields["record"])["state"] == one.event


def _check_followers(engine: Engine, records: dict[str, dict[str, str]]) -> None:
    for job_id, record in records.items():
        if "pending" in record:
            told = [value for name, value in record.items() if name.startswith("dep:")]
            assert int(record["pending"]) == sum(value in {"w", "x"} for value in told)
            assert record["state"] != "blocked" or int(record["pending"]) > 0
        elif record["state"] == "blocked":
            assert records[record["blocker"]].get("follower") == job_id
            assert records[record["blocker"]]["state"] not in FINISHED
