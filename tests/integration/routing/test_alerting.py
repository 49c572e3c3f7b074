"""An order that nobody could be found for is told to the operator by e-mail, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.routing import actors
from services.routing.alerting import OperatorAlerts
from services.routing.deciding import Run
from shared.claims import run_once
from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import Order, OutboxJob
from shared.database.roles import grant_roles
from shared.errors import TransientError
from shared.mail import Mailer
from shared.mail.smtp import SmtpTransport
from shared.messages.results import as_result
from shared.messages.routing import RouteOrder
from shared.queues import Queue
from shared.settings_mail import MailSettings, Security
from tests.doubles.mail_server import MailServer, mail_server
from tests.integration.routing.shop import NOW, ORDER, Shop
from tests.kit.roles import url_as

JOB = "routing-routing-alert-4-alert-operator"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def alerts_of(database: Database, server: MailServer, operator: str | None = "ops@example.com") -> OperatorAlerts:
    settings = MailSettings(host="127.0.0.1", port=server.port, security=Security.NEVER, sender="doko@example.com")
    return OperatorAlerts(database, Mailer(SmtpTransport(settings), database), operator)


@pytest.fixture
def alerts(shop: Shop, server: MailServer) -> OperatorAlerts:
    return alerts_of(shop.database, server)


def look_in_vain(shop: Shop, *, alerts_operator: bool = True) -> JsonObject:
    """Four looks without any vendor: the last one leaves the order to a person."""
    result: JsonObject = {}
    for attempt in range(1, 5):
        run = Run(f"routing-alert-{attempt}", NOW, alerts_operator=alerts_operator)
        job = RouteOrder(ORDER, attempt=attempt)

        def effect(tx: object, job: RouteOrder = job, run: Run = run) -> JsonObject:
            return as_result(actors.route(tx, job, run))  # type: ignore[arg-type]

        result = run_once(shop.worker, run.job_id, Queue.ORDER_ROUTING, effect)
    return result


def alert_jobs(shop: Shop) -> list[OutboxJob]:
    return [row for row in shop.all(OutboxJob) if row.name == "operator-alert"]


def test_leaving_an_order_to_a_person_asks_for_one_alert(shop: Shop) -> None:
    shop.order()
    assert look_in_vain(shop)["needsManualRouting"]
    look_in_vain(shop)
    (job,) = alert_jobs(shop)
    assert (job.job_id, job.data, job.queue) == (JOB, {"orderId": ORDER}, Queue.ORDER_ROUTING)


def test_nobody_is_told_where_no_operator_is_named(shop: Shop, server: MailServer) -> None:
    shop.order()
    look_in_vain(shop, alerts_operator=False)
    assert alert_jobs(shop) == []
    nobody = alerts_of(shop.database, server, operator=None)
    assert not nobody.is_wanted
    assert nobody.send(JOB, ORDER) == {"success": True, "sent": False}


def test_the_operator_reads_which_order_and_why_once(shop: Shop, alerts: OperatorAlerts, server: MailServer) -> None:
    shop.order()
    explanation = look_in_vain(shop)["explanation"]

    assert alerts.send(JOB, ORDER)["sent"] is True
    assert alerts.send(JOB, ORDER)["sent"] is True

    (letter,) = server.letters
    assert (letter["To"], letter["Subject"]) == ("ops@example.com", f"Order {ORDER} needs a vendor by hand")
    text = " ".join(letter.get_content().split())
    assert "of the retailer RET001" in text
    assert " ".join(str(explanation).split()) in text
    assert f"/api/v1/orders/{ORDER}/assign-vendor" in text


def test_an_order_that_found_its_vendor_meanwhile_needs_no_alert(
    shop: Shop, alerts: OperatorAlerts, server: MailServer
) -> None:
    shop.order()
    look_in_vain(shop)
    shop.vendor("VEN001")
    shop.route(attempt=5)
    assert not shop.find(Order).needs_manual_routing
    assert alerts.send(JOB, ORDER) == {"success": True, "sent": False}
    assert server.letters == []


def test_a_busy_mail_server_is_asked_again(shop: Shop, alerts: OperatorAlerts, server: MailServer) -> None:
    shop.order()
    look_in_vain(shop)
    server.answers = [("RCPT", "450 busy")]
    with pytest.raises(TransientError):
        alerts.send(JOB, ORDER)
    assert alerts.send(JOB, ORDER)["sent"] is True
    assert len(server.letters) == 1


def test_an_operator_named_later_changes_nothing_about_what_was_sent(
    shop: Shop, alerts: OperatorAlerts, server: MailServer
) -> None:
    shop.order()
    look_in_vain(shop)
    alerts.send(JOB, ORDER)
    assert replace(alerts, operator="other@example.com").send(JOB, ORDER)["sent"] is True
    assert server.recipients == ["ops@example.com"]


def test_the_routing_role_may_alert(postgres_url: str, server: MailServer) -> None:
    grant_roles(postgres_url)
    owner, worker = Database(postgres_url), Database(url_as("doko_routing", postgres_url))
    shop = Shop(owner)
    shop.worker = worker
    shop.order()
    look_in_vain(shop)
    assert alerts_of(worker, server).send(JOB, ORDER)["sent"] is True
    owner.dispose()
    worker.dispose()
