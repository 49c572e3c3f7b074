"""All tables; importing this package fills ``Base.metadata``."""

from shared.database.models.audit import AuditChain
from shared.database.models.bulk import BulkAction, BulkItem, BulkOperation, BulkOutcome, BulkState
from shared.database.models.credit import CreditScore
from shared.database.models.engine import ArchivedJob, ArchivePosition, JobEventRow, OutboxJob, ProcessedJob
from shared.database.models.job_index import JobIndexRow, JobMinute
from shared.database.models.mail import Email, EmailState
from shared.database.models.money import LedgerEntry, Payment
from shared.database.models.operations import Flow, OperatorLogEntry
from shared.database.models.orders import DraftRequest, Order, OrderEvent, OrderItem
from shared.database.models.platform import NumberSequence, Product, Retailer, Stock, Vendor
from shared.database.models.reminders import Reminder
from shared.database.models.reports import Report
from shared.database.models.routing import RoutingDecision, VendorOffer, VendorRecord
from shared.database.models.tokens import ApiToken, ClientLimitRow
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
    "AuditChain",
    "BulkAction",
    "BulkItem",
    "BulkOperation",
    "BulkOutcome",
    "BulkState",
    "ClientLimitRow",
    "ContactPreference",
    "ConversationWindow",
    "CreditScore",
    "Direction",
    "DraftRequest",
    "Email",
    "EmailState",
    "Flow",
    "JobEventRow",
    "JobIndexRow",
    "JobMinute",
    "LedgerEntry",
    "MessageState",
    "NumberSequence",
    "OperatorLogEntry",
    "Order",
    "OrderEvent",
    "OrderItem",
    "OutboxJob",
    "Payment",
    "ProcessedJob",
    "Product",
    "Reminder",
    "Report",
    "Retailer",
    "RoutingDecision",
    "Stock",
    "Vendor",
    "VendorOffer",
    "VendorRecord",
    "WhatsAppMessage",
    "WhatsAppReceipt",
]
