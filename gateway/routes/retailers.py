"""Retailers: what is known of one."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.auth import authorize
from gateway.operator_log import logged
from gateway.operator_requests import Reader
from gateway.order_requests import id_in_path
from gateway.retailer_reading import Wanted, WantedSchema, whole_retailer
from gateway.retailer_schemas import RetailerSchema
from gateway.retailer_views import retailer_view
from gateway.roles import Scope
from shared.audit import OperatorAction

routes = Routes("retailers", __name__, url_prefix="/api/v1/retailers")


@routes.get("/<path:retailer_id>")
@routes.arguments(Reader(WantedSchema), location="query")
@routes.response(200, RetailerSchema, "The retailer", problems=(404,))
@requires(Scope.JOBS_READ)
def show(wanted: Wanted, **_: str) -> Json:
    """Show a retailer's debt, ledger and scores; with ?reveal=true (scope pii:read) names and contacts, logged."""
    code = id_in_path("retailer_id")
    if not wanted.reveal:
        return retailer_view(whole_retailer(code, wanted), reveal=False)
    authorize((Scope.PII_READ,))
    found = whole_retailer(code, wanted)
    with logged(OperatorAction.PII_REVEALED, code, details={"of": "retailer"}):
        return retailer_view(found, reveal=True)
