"""The wire contract: what each job's payload looks like, in every version still readable.

A payload is a JSON object in camelCase. Ids are texts of 1 to 64 characters, phones E.164, days
``YYYY-MM-DD``, instants ISO 8601 in UTC. Money is a JSON number in rupees: it is read exactly (by its
shortest decimal form), rounded half up to the paisa and kept as ``Decimal``; it has at most 14 significant
digits, so that no JSON implementation changes it.
"""

from shared.messages.base import ContractSchema, Message, flat_errors
from shared.messages.catalog import MESSAGES, dump, load, message_class, queue_of_key, schema_of, validate_data
from shared.messages.credit import ScoreRetailer
from shared.messages.orders import ProcessOrder
from shared.messages.reminders import RemindRetailer
from shared.messages.reports import GenerateReport, SendReport
from shared.messages.routing import AlertOperator, AnswerOffer, ExpireOffers, RouteOrder
from shared.messages.whatsapp import SendMessage

__all__ = [
    "MESSAGES",
    "AlertOperator",
    "AnswerOffer",
    "ContractSchema",
    "ExpireOffers",
    "GenerateReport",
    "Message",
    "ProcessOrder",
    "RemindRetailer",
    "RouteOrder",
    "ScoreRetailer",
    "SendMessage",
    "SendReport",
    "dump",
    "flat_errors",
    "load",
    "message_class",
    "queue_of_key",
    "schema_of",
    "validate_data",
]
