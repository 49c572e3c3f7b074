"""The webhooks of the WhatsApp providers: signatures, parsing, storing."""
