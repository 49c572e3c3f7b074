"""Twilio's ids of our templates, looked up by name and language and kept."""

from __future__ import annotations

import threading
import time
from urllib.parse import parse_qsl, urlsplit

from services.whatsapp.clients.connection import Connection, json_object
from services.whatsapp.clients.verdicts import TWILIO, judge

PAGE_SIZE = "500"
MAX_PAGES = 20
RELOAD_SECONDS = 60.0


class ContentTemplates:
    """The account's content templates by friendly name and language.

    They are listed once; an unknown template lists them again, at most every
    minute, so that one registered while the worker runs is found.
    """

    def __init__(self, connection: Connection, base_url: str) -> None:
        self._connection = connection
        self._url = f"{base_url}/v1/Content"
        self._lock = threading.Lock()
        self._sids: dict[tuple[str, str], str] = {}
        self._loaded_at: float | None = None

    def sid(self, name: str, language: str) -> str | None:
        """The template's ``ContentSid``, None if the account has no such template; raises ProviderError."""
        with self._lock:
            if (name, language) not in self._sids and self._may_load():
                self._sids = self._load()
                self._loaded_at = time.monotonic()
            return self._sids.get((name, language))

    def _may_load(self) -> bool:
        return self._loaded_at is None or time.monotonic() - self._loaded_at >= RELOAD_SECONDS

    def _load(self) -> dict[tuple[str, str], str]:
        sids: dict[tuple[str, str], str] = {}
        query: dict[str, str] | None = {"PageSize": PAGE_SIZE}
        for _ in range(MAX_PAGES):
            page = self._page(query)
            contents = page.get("contents")
            for row in contents if isinstance(contents, list) else []:
                if isinstance(row, dict):
                    sids[str(row.get("friendly_name")), str(row.get("language"))] = str(row.get("sid"))
            query = _next_query(page)
            if query is None:
                break
        return sids

    def _page(self, query: dict[str, str] | None) -> dict[str, object]:
        response = self._connection.get(self._url, query or {})
        page = json_object(response)
        if not response.is_success:
            code = (page or {}).get("code")
            number = code if isinstance(code, int) else None
            judgement = judge(TWILIO, status=response.status_code, code=number)
            raise self._connection.error(judgement, response, number)
        if page is None:
            raise self._connection.unreadable(response)
        return page


def _next_query(page: dict[str, object]) -> dict[str, str] | None:
    """The query of the next page; its host is not followed, so the credentials stay with the configured one."""
    meta = page.get("meta")
    url = meta.get("next_page_url") if isinstance(meta, dict) else None
    return dict(parse_qsl(urlsplit(url).query)) if isinstance(url, str) and url else None
