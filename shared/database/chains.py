"""Hash chains that make the archive and the operator log tamper-evident.

Each row carries its number in the chain and the SHA-256 over the hash before it, that number, and the row's
canonical form. Whoever changes, removes, inserts or swaps rows later would have to write all following hashes anew,
and the head; heads that are kept elsewhere show even that (``shared/database/chain_check.py`` looks).

A chain's row in ``audit_chains`` is locked until the transaction's end, so that its rows form one line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.database.base import dump_json
from shared.database.models.audit import AuditChain
from shared.database.rows import insert_new

OPERATOR_LOG = "operator-log"
EXACT = 1 << 53
"""Beyond it a float doesn't know each whole number any more."""

Row = Mapping[str, Any]
Form = Callable[[Row], bytes]
_NEEDS_CARE = re.compile(rb"\d(?:\.|[eE][-+\d]|\d{15})")
"""A number that the two databases write in different ways, or a text that looks like one."""


class Link(NamedTuple):
    """A place in a chain: number and hash."""

    seq: int
    hash: bytes


def genesis(name: str) -> Link:
    """What the first row of a chain follows."""
    return Link(0, hashlib.sha256(f"doko audit chain {name}".encode()).digest())


def following(before: Link, form: bytes) -> Link:
    """The link of a row with that canonical form after ``before``."""
    seq = before.seq + 1
    return Link(seq, hashlib.sha256(before.hash + seq.to_bytes(8, "big") + form).digest())


def extend(tx: Session, name: str, rows: Sequence[dict[str, Any]], form: Form) -> None:
    """Give ``rows`` their places at the end of a chain, as ``chain_seq`` and ``chain_hash``, and move its head.

    The chain stays locked until the end of the transaction, which must insert all of them.
    """
    if not rows:
        return
    link = _lock(tx, name)
    for row in rows:
        link = following(link, form(row))
        row["chain_seq"], row["chain_hash"] = link
    tx.execute(update(AuditChain).where(AuditChain.name == name).values(seq=link.seq, hash=link.hash))


def _lock(tx: Session, name: str) -> Link:
    query = select(AuditChain.seq, AuditChain.hash).where(AuditChain.name == name).with_for_update()
    row = tx.execute(query).one_or_none()
    if row is None:
        first = genesis(name)
        values = {"name": name, "seq": 0, "hash": first.hash, "anchor_seq": 0, "anchor_hash": first.hash}
        insert_new(tx, AuditChain, values | {"rows_before": 0})
        row = tx.execute(query).one()
    return Link(row.seq, row.hash)


def event_form(row: Row) -> bytes:
    """The canonical form of a row of ``job_events``; its queue is its chain's."""
    place = f"{row['at_ms']}-{row['seq']}\n{row['job_id'] or ''}\n{row['event']}\n"
    return place.encode() + canonical(row["fields"])


_ENTRY = ("actor", "token_id", "role", "action", "target", "why", "request_id", "remote_address", "details")


def entry_form(row: Row) -> bytes:
    """The canonical form of a row of ``operator_log``; its id is given by the database only when it is inserted."""
    return canonical([f"{row['at']:%Y-%m-%dT%H:%M:%S.%f}", *(row[name] for name in _ENTRY)])


def canonical(value: Any) -> bytes:
    """JSON that is the same before a value is stored and after it is read back, from either database."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if b"\\u0000" in text:
        value = orjson.loads(dump_json(value))
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if _NEEDS_CARE.search(text):
        return orjson.dumps(_plain(orjson.loads(text)), option=orjson.OPT_SORT_KEYS)
    return text


def _plain(value: Any) -> Any:
    """Numbers in one way: PostgreSQL writes 1e2 as 100 and a large whole float as an integer, and knows no -0.0."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if abs(value) >= EXACT:
        return float(value)
    return int(value) if value == int(value) else value
