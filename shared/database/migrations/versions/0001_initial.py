"""The tables of the engine, the gateway and the WhatsApp service.

Revision 0001, the first.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Create all tables."""
    _archive()
    _effects()
    _operations()
    _messages()
    _conversations()


def _archive() -> None:
    """Events, finished jobs, and how far the archive got."""
    op.create_table(
        "job_events",
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(length=256), nullable=True),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.CheckConstraint("at_ms >= 0 and seq >= 0", name=op.f("ck_job_events_position_positive")),
        sa.PrimaryKeyConstraint("queue", "at_ms", "seq", name=op.f("pk_job_events")),
    )
    op.create_index(op.f("ix_job_events_job_id_at_ms_seq"), "job_events", ["job_id", "at_ms", "seq"])
    op.create_table(
        "archived_jobs",
        sa.Column("job_id", sa.String(length=256), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("result", JSON, nullable=True),
        sa.Column("errors", JSON, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rest", JSON, nullable=False),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('completed', 'failed', 'cancelled')", name=op.f("ck_archived_jobs_state_known")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_archived_jobs")),
    )
    op.create_index(op.f("ix_archived_jobs_finished_at_ms"), "archived_jobs", ["finished_at_ms"])
    op.create_index(
        op.f("ix_archived_jobs_queue_state_finished_at_ms"),
        "archived_jobs",
        ["queue", "state", "finished_at_ms"],
    )
    op.create_table(
        "archive_positions",
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_archive_positions")),
    )


def _effects() -> None:
    """Claims and the outbox."""
    op.create_table(
        "processed_jobs",
        sa.Column("job_id", sa.String(length=256), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_processed_jobs")),
    )
    op.create_index(op.f("ix_processed_jobs_finished_at"), "processed_jobs", ["finished_at"])
    op.create_table(
        "outbox",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(length=256), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("refused_at", INSTANT, nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("(refused_at is null) = (refusal is null)", name=op.f("ck_outbox_refusal_says_why")),
        sa.CheckConstraint("published_at is null or refused_at is null", name=op.f("ck_outbox_published_or_refused")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_outbox_version_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("job_id", name=op.f("uq_outbox_job_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_published_at", "outbox", ["published_at"], **_where("published_at is not null"))
    op.create_index("ix_outbox_unpublished", "outbox", ["id"], **_where("published_at is null and refused_at is null"))


def _operations() -> None:
    """API tokens and the operator log."""
    op.create_table(
        "api_tokens",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.CheckConstraint("role in ('viewer', 'operator', 'admin')", name=op.f("ck_api_tokens_role_known")),
        sa.CheckConstraint("user_name <> ''", name=op.f("ck_api_tokens_user_name_given")),
        sa.CheckConstraint(
            "expires_at is null or expires_at > created_at", name=op.f("ck_api_tokens_expires_after_creation")
        ),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_api_tokens_token_hash_is_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_api_tokens_user_name"), "api_tokens", ["user_name"])
    op.create_table(
        "operator_log",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=256), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("remote_address", sa.String(length=64), nullable=True),
        sa.Column("details", JSON, nullable=False),
        sa.CheckConstraint("action like '_%._%'", name=op.f("ck_operator_log_action_grammar")),
        sa.CheckConstraint("actor <> ''", name=op.f("ck_operator_log_actor_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_operator_log_action_id"), "operator_log", ["action", "id"])
    op.create_index(op.f("ix_operator_log_actor_id"), "operator_log", ["actor", "id"])
    op.create_index(op.f("ix_operator_log_target_id"), "operator_log", ["target", "id"])


def _messages() -> None:
    """WhatsApp messages."""
    op.create_table(
        "whatsapp_messages",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(length=256), nullable=True),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("provider_id", sa.String(length=256), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=128), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("possible_duplicate", sa.Boolean(), nullable=False),
        sa.Column("sending_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.Column("failed_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(direction = 'in') = (received_at is not null)", name=op.f("ck_whatsapp_messages_inbound_has_time")
        ),
        sa.CheckConstraint(
            "(direction = 'in') = (state = 'received')", name=op.f("ck_whatsapp_messages_inbound_is_received")
        ),
        sa.CheckConstraint(
            "(direction = 'out') = (job_id is not null)", name=op.f("ck_whatsapp_messages_outbound_has_job")
        ),
        sa.CheckConstraint(
            "(direction = 'out') = (sending_at is not null)", name=op.f("ck_whatsapp_messages_outbound_has_time")
        ),
        sa.CheckConstraint("direction in ('out', 'in')", name=op.f("ck_whatsapp_messages_direction_known")),
        sa.CheckConstraint("phone like '+_%'", name=op.f("ck_whatsapp_messages_phone_is_e164")),
        sa.CheckConstraint(
            "state <> 'delivered' or delivered_at is not null", name=op.f("ck_whatsapp_messages_delivered_has_time")
        ),
        sa.CheckConstraint(
            "state <> 'failed' or failed_at is not null", name=op.f("ck_whatsapp_messages_failed_has_time")
        ),
        sa.CheckConstraint("state <> 'read' or read_at is not null", name=op.f("ck_whatsapp_messages_read_has_time")),
        sa.CheckConstraint("state <> 'sent' or sent_at is not null", name=op.f("ck_whatsapp_messages_sent_has_time")),
        sa.CheckConstraint(
            "state in ('sending', 'sent', 'delivered', 'read', 'failed', 'received')",
            name=op.f("ck_whatsapp_messages_state_known"),
        ),
        sa.CheckConstraint(
            "state not in ('sent', 'delivered', 'read', 'received') or provider_id is not null",
            name=op.f("ck_whatsapp_messages_provider_id_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_messages")),
        sa.UniqueConstraint("job_id", name=op.f("uq_whatsapp_messages_job_id")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_whatsapp_messages_provider_provider_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_whatsapp_messages_phone_id"), "whatsapp_messages", ["phone", "id"])
    op.create_index("ix_whatsapp_messages_sending", "whatsapp_messages", ["sending_at"], **_where("state = 'sending'"))


def _conversations() -> None:
    """What is known beside the messages: receipts, windows, preferences."""
    op.create_table(
        "whatsapp_receipts",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("provider_id", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=256), nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state in ('sent', 'delivered', 'read', 'failed')", name=op.f("ck_whatsapp_receipts_state_known")
        ),
        sa.PrimaryKeyConstraint("provider", "provider_id", "state", name=op.f("pk_whatsapp_receipts")),
    )
    op.create_index(op.f("ix_whatsapp_receipts_job_id"), "whatsapp_receipts", ["job_id"])
    op.create_index(op.f("ix_whatsapp_receipts_received_at"), "whatsapp_receipts", ["received_at"])
    op.create_table(
        "conversation_windows",
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("last_inbound_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_conversation_windows")),
    )
    op.create_table(
        "contact_preferences",
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("language in ('en', 'ne')", name=op.f("ck_contact_preferences_language_known")),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_contact_preferences")),
    )


def downgrade() -> None:
    """Take the revision back; the tables' indexes go with them."""
    for table in (
        "whatsapp_receipts",
        "whatsapp_messages",
        "processed_jobs",
        "outbox",
        "operator_log",
        "job_events",
        "conversation_windows",
        "contact_preferences",
        "archived_jobs",
        "archive_positions",
        "api_tokens",
    ):
        op.drop_table(table)
