"""A ledger entry without a foreign key that two others imply; room in the pages of retailers.

Revision 0010, after 0009. An entry is about an order or a payment of its retailer, and those are a retailer's: the
database has that without looking at the retailer once more for each entry.

Each entry changes its retailer's debt. In pages that are half empty the changed row finds room beside the old one,
and no index has to be told; pages that are full already get theirs as rows leave them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = "fk_credit_ledger_retailer_id_retailers"
IN_SQLITE = f", \n\tCONSTRAINT {KEY} FOREIGN KEY(retailer_id) REFERENCES retailers (id)"


def upgrade() -> None:
    """Drop the key, make the room."""
    if op.get_bind().dialect.name == "sqlite":
        _copy_the_ledger(IN_SQLITE, "")
        return
    op.drop_constraint(KEY, "credit_ledger")
    op.execute("alter table retailers set (fillfactor = 50)")


def downgrade() -> None:
    """Bring the key back."""
    if op.get_bind().dialect.name == "sqlite":
        last = ", \n\tCONSTRAINT uq_credit_ledger_payment_id_kind"
        _copy_the_ledger(last, IN_SQLITE + last)
        return
    op.execute("alter table retailers reset (fillfactor)")
    op.create_foreign_key(KEY, "credit_ledger", "retailers", ["retailer_id"], ["id"])


def _copy_the_ledger(words: str, others: str) -> None:
    """SQLite changes a table by copying it: with ``others`` for ``words``, its indexes and triggers as they are."""
    connection = op.get_bind()
    query = "select type, sql from sqlite_master where tbl_name = 'credit_ledger' and sql is not null"
    made = connection.execute(sa.text(query)).all()
    (table,) = (sql for kind, sql in made if kind == "table")
    if words not in table:
        raise RuntimeError(f"credit_ledger is not as this revision expects it: {table}")
    columns = table.replace(words, others).partition("(")[2]
    connection.exec_driver_sql(f"create table ledger_copy ({columns}")
    connection.exec_driver_sql("insert into ledger_copy select * from credit_ledger")
    connection.exec_driver_sql("drop table credit_ledger")
    connection.exec_driver_sql("alter table ledger_copy rename to credit_ledger")
    for kind, sql in made:
        if kind != "table":
            connection.exec_driver_sql(sql)
