"""Calls a person by e-mail to an order that nobody could be found for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from services.routing import repository
from services.routing.repository import NeedOfAPerson
from shared.database.session import Database
from shared.mail import Letter, Mailer, Result

PURPOSE = "manual-routing"


@dataclass(frozen=True, slots=True)
class OperatorAlerts:
    """Writes to the operator, if there is an address (``OPERATOR_EMAIL``)."""

    database: Database
    mailer: Mailer
    operator: str | None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody is to be told."""
        return self.operator is not None

    def send(self, job_id: str, order_number: str) -> Result:
        """Tell the operator of the order, once; ``sent`` is false if it needs no person any more or nobody is told."""
        known = self.mailer.sent_before(job_id, PURPOSE)
        if known is not None:
            return known | {"sent": True}
        with self.database.reader() as tx:
            need = repository.need_of_a_person(tx, order_number)
        if self.operator is None or need is None:
            return {"success": True, "sent": False}
        return self.mailer.send(job_id, PURPOSE, _letter(need, self.operator)) | {"sent": True}


def _letter(need: NeedOfAPerson, recipient: str) -> Letter:
    path = f"/api/v1/orders/{quote(need.order, safe='')}"
    text = (
        f"The order {need.order} of the retailer {need.retailer} needs a vendor by hand.\n\n"
        f"{need.explanation}\n\n"
        f"Choose a vendor: POST {path}/assign-vendor\n"
        f"Or have it looked for again: POST {path}/route\n"
    )
    return Letter(recipient, f"Order {need.order} needs a vendor by hand", text)
