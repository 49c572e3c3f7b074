"""Draft orders: created, or replaced while they are drafts."""

from __future__ import annotations

from gateway.answers import Answer, created
from gateway.api import Routes, requires
from gateway.master_requests import MasterRequest, Said
from gateway.master_writing import store_draft, store_new_draft
from gateway.operator_requests import Reader
from gateway.order_reading import whole_order
from gateway.order_schemas import OrderSchema
from gateway.order_views import order_view
from gateway.roles import Scope
from shared.master import Result
from shared.master.draft_schemas import DraftSchema, NewDraft, NewDraftSchema

routes = Routes("drafts", __name__, url_prefix="/api/v1/orders")

_ITEMS = [{"productCode": "RICE-1KG", "quantity": 10, "unitPrice": 150.5}]
_EXAMPLE = {"retailerCode": "RET001", "vendorCode": "VEN001", "items": _ITEMS}


@routes.put("/<path:order_id>")
@routes.arguments(MasterRequest("PutDraft", DraftSchema, {"order_id": "number"}), example=_EXAMPLE)
@routes.response(200, OrderSchema, "The order, now as the body says", created="The order is new", problems=(409,))
@requires(Scope.JOBS_WRITE)
def put(said: Said, **_: str) -> Answer:
    """Create or replace a draft order; what it costs follows from its items. 409 once it is no draft any more."""
    result, number = store_draft(said), said.row.number
    body = order_view(whole_order(number), reveal=False)
    return created(body, "orders", number) if result is Result.CREATED else Answer(body)


@routes.post("")
@routes.arguments(Reader(NewDraftSchema), example=_EXAMPLE)
@routes.response(201, OrderSchema, "The order is new")
@requires(Scope.JOBS_WRITE)
def post(draft: NewDraft) -> Answer:
    """Create a draft order under the next number; a request with an Idempotency-Key may be repeated."""
    number = store_new_draft(draft)
    return created(order_view(whole_order(number), reveal=False), "orders", number)
