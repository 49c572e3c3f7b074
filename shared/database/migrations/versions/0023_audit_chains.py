"""Hash chains over the events and the operator log, and triggers that keep both as they were written.

Revision 0023, after 0013. Rows that are there already have no place in a chain; how many they are is kept.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0013"
branch_labels = None
depends_on = None

OPERATOR_LOG = "operator-log"
CHAINED = sa.text("chain_seq is not null")
TABLES = {"job_events": ("queue", "chain_seq"), "operator_log": ("chain_seq",)}
REFUSED = {"job_events": ("update",), "operator_log": ("update", "delete")}
"""Retention removes old events; entries of the operator log stay."""


def upgrade() -> None:
    """Make the chains' heads, the columns and the triggers."""
    op.create_table(
        "audit_chains",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("anchor_seq", sa.BigInteger(), nullable=False),
        sa.Column("anchor_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("rows_before", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("anchor_seq >= 0 and seq >= anchor_seq", name=op.f("ck_audit_chains_anchor_before_head")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_chains")),
    )
    _begin_where_rows_are()
    whole = "(chain_seq is null) = (chain_hash is null)"
    for table, columns in TABLES.items():
        if op.get_bind().dialect.name == "sqlite":
            # SQLite adds a check only with a column; the name is the one that the model gives it.
            op.execute(f"alter table {table} add column chain_seq bigint")
            op.execute(
                f"alter table {table} add column chain_hash blob constraint ck_{table}_chain_whole check ({whole})"
            )
        else:
            op.add_column(table, sa.Column("chain_seq", sa.BigInteger()))
            op.add_column(table, sa.Column("chain_hash", sa.LargeBinary(32)))
            op.create_check_constraint(op.f(f"ck_{table}_chain_whole"), table, whole)
        op.create_index(
            f"uq_{table}_chain", table, list(columns), unique=True, postgresql_where=CHAINED, sqlite_where=CHAINED
        )
    _protect()


def _begin_where_rows_are() -> None:
    """Note the rows that no chain will hold; a chain without such rows is begun with its first row."""
    connection = op.get_bind()
    by_queue = connection.execute(sa.text("select queue, count(*) from job_events group by queue"))
    counts: dict[str, int] = {queue: count for queue, count in by_queue}  # noqa: C416 - a row is no pair for a type checker
    entries = connection.execute(sa.text("select count(*) from operator_log")).scalar_one()
    for name, count in (counts | ({OPERATOR_LOG: entries} if entries else {})).items():
        first = hashlib.sha256(f"doko audit chain {name}".encode()).digest()
        values = {"name": name, "first": first, "count": count}
        connection.execute(sa.text("insert into audit_chains values (:name, 0, :first, 0, :first, :count)"), values)


def _protect() -> None:
    """Refuse to change what was written, whoever asks.

    A later revision that lets SQLite copy one of the tables must create its triggers again.
    """
    if op.get_bind().dialect.name == "sqlite":
        for table, actions in REFUSED.items():
            for action in actions:
                op.execute(
                    f"create trigger {table}_no_{action} before {action} on {table}"
                    f" begin select raise(abort, '{table} keeps what was written'); end"
                )
        return
    op.execute(
        "create function refuse_audit_change() returns trigger language plpgsql as"
        " $$ begin raise exception '% keeps what was written', tg_table_name"
        " using errcode = 'restrict_violation'; end $$"
    )
    for table, actions in REFUSED.items():
        op.execute(
            f"create trigger {table}_kept before {' or '.join(actions)} or truncate on {table}"
            " for each statement execute function refuse_audit_change()"
        )


def downgrade() -> None:
    """Take chains and triggers back."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, actions in REFUSED.items():
        if is_sqlite:
            for action in actions:
                op.execute(f"drop trigger {table}_no_{action}")
        else:
            op.execute(f"drop trigger {table}_kept on {table}")
            op.drop_constraint(op.f(f"ck_{table}_chain_whole"), table)
        op.drop_index(f"uq_{table}_chain", table_name=table)
        op.drop_column(table, "chain_hash")
        op.drop_column(table, "chain_seq")
    if not is_sqlite:
        op.execute("drop function refuse_audit_change()")
    op.drop_table("audit_chains")
