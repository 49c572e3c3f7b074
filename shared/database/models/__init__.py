"""All tables; importing this package fills ``Base.metadata``."""

from shared.database.models.engine import ArchivedJob, ArchivePosition, JobEventRow, OutboxJob, ProcessedJob
from shared.database.models.operations import OperatorLogEntry
from shared.database.models.tokens import ApiToken
from shared.database.models.whatsapp import (
    ContactPreference,
    ConversationWindow,
    Direction,
    MessageState,
    WhatsAppMessage,
    WhatsAppReceipt,
)

__all__ = [
    "ApiToken",
    "ArchivePosition",
    "ArchivedJob",
    "ContactPreference",
    "ConversationWindow",
    "Direction",
    "JobEventRow",
    "MessageState",
    "OperatorLogEntry",
    "OutboxJob",
    "ProcessedJob",
    "WhatsAppMessage",
    "WhatsAppReceipt",
]
