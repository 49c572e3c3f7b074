from __future__ import annotations

import io

from services.whatsapp.clients.console import ConsoleProvider
from services.whatsapp.clients.protocol import Outgoing


def test_the_console_shows_the_message_as_the_customer_would_read_it() -> None:
    stream = io.StringIO()

    sent = ConsoleProvider(stream).send(Outgoing("whatsapp-1", "+9779800000000", "✅ One\nTwo"))

    assert sent.provider_id == "console-whatsapp-1"
    assert stream.getvalue() == ("┌─ WhatsApp text to +9779800000000 (whatsapp-1)\n│ ✅ One\n│ Two\n└─\n")
