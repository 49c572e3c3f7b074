"""``python -m shared.probe URL``: 0 if the address answers with success within three seconds, else 1 and why.

Images have no curl; their health checks ask with this.
"""

from __future__ import annotations

import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

TIMEOUT_S = 3.0


def why_not(url: str, *, timeout_s: float = TIMEOUT_S) -> str | None:
    """Why the probe fails, or None if it doesn't; proxies of the environment are not asked."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=timeout_s):
            return None
    except (URLError, OSError, ValueError) as error:
        return f"{url}: {error}"


def main(arguments: list[str]) -> int:
    """Ask the one address of ``arguments``; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m shared.probe URL\n")
        return 2
    reason = why_not(arguments[0])
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
