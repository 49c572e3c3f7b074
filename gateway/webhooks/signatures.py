"""Whether a webhook comes from the provider: both sign with a shared secret; pure.

Comparisons take the same time wherever the signatures differ.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_from_meta(secret: str, body: bytes, header: str | None) -> bool:
    """Whether ``X-Hub-Signature-256`` (``sha256=<hex>``) signs exactly these bytes."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _equal(expected, header)


def is_from_twilio(token: str, url: str, form: Mapping[str, Sequence[str]], header: str | None) -> bool:
    """Whether ``X-Twilio-Signature`` signs the address that Twilio called and the form that it sent.

    Twilio signs the address with or without its default port, so both are tried.
    """
    data = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    # Every candidate is compared, so that the time doesn't tell which one matched.
    return sum(_equal(_twilio_signature(token, address + data), header) for address in _addresses(url)) > 0


def called_url(configured: str | None, requested: str, query: bytes) -> str:
    """The address that Twilio called, with the query.

    Behind a proxy the request doesn't know it, so the configured one wins over the requested one.
    """
    base = (configured or requested).partition("?")[0]
    return f"{base}?{query.decode('latin-1')}" if query else base


def is_same_secret(expected: str, given: str | None) -> bool:
    """Whether a secret that came in the clear is the right one."""
    return _equal(expected, given)


def _twilio_signature(token: str, data: str) -> str:
    # SHA-1 is Twilio's choice; as an HMAC it is still sound.
    digest = hmac.new(token.encode(), data.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _addresses(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    host = parts.netloc
    port = DEFAULT_PORTS.get(parts.scheme)
    bare = host.removesuffix(f":{port}")
    has_other_port = ":" in bare.rpartition("]")[2]
    hosts = {host} if has_other_port else {bare, f"{bare}:{port}"}
    return [parts._replace(netloc=each).geturl() for each in sorted(hosts)]


def _equal(expected: str, given: str | None) -> bool:
    return hmac.compare_digest(expected.encode(), (given or "").encode("utf-8", "surrogateescape"))
