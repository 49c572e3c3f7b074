"""Flows: jobs that wait for each other, as a list and as a picture."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gateway.dashboard.calling import call, may
from gateway.dashboard.flow_picture import in_order, picture
from gateway.dashboard.pages import back_with, page
from gateway.routes import flows as api

PATH = "/dashboard/flows"


def install(routes: Blueprint) -> None:
    """Add the screens and the action."""
    routes.add_url_rule("/flows", "flows", show, methods=["GET"])
    routes.add_url_rule("/flows/<flow_id>", "flow", show_one, methods=["GET"])
    routes.add_url_rule("/flows/<flow_id>/cancel", "flow_cancel", cancel, methods=["POST"])


def show() -> Response:
    """All flows, newest first."""
    cursor = request.args.get("cursor")
    found = call(api.list_flows, query={"cursor": cursor} if cursor else {})
    return page("flows.html", flows=found["flows"], cursor=found["cursor"])


def show_one(flow_id: str) -> Response:
    """One flow with its jobs."""
    flow = call(api.show, flow_id=flow_id)
    flow["jobs"] = in_order(flow["jobs"])
    is_open = flow["state"] == "running"
    return page("flow.html", screen="flows", flow=flow, picture=picture(flow), may_cancel=is_open and may(api.cancel))


def cancel(flow_id: str) -> Response:
    """Cancel what is unfinished of a flow."""
    reason = request.form.get("reason", "").strip()
    done = call(api.cancel, query={"reason": reason} if reason else {}, flow_id=flow_id)
    return back_with(done["message"], f"{PATH}/{flow_id}")
