"""A client that sends at its own pace, however slow the answers are."""

from __future__ import annotations

import asyncio
import random
import time

from tests.benchmarks.harness import Unmeasurable

CONNECTIONS = 32
TIMEOUT_S = 30.0
ACCEPTED = b"HTTP/1.1 202 "


def latencies_ms(port: int, request: bytes, *, rate: float, seconds: float) -> list[float]:
    """How long each request took, from the moment it was due to its last byte.

    Requests are due at random moments, ``rate`` a second on average. One that is due while every connection is busy
    waits for a free one, and that counts (no coordinated omission). Raises ``Unmeasurable`` on any answer but a 202.
    """
    gaps = random.Random(1)  # noqa: S311 - spreads the requests, no secret
    due_s = []
    at = 0.0
    while at < seconds:
        at += gaps.expovariate(rate)
        due_s.append(at)
    try:
        return asyncio.run(asyncio.wait_for(_run(port, request, due_s), seconds + TIMEOUT_S))
    except (OSError, EOFError, TimeoutError) as error:
        raise Unmeasurable(f"the paced client broke off: {type(error).__name__} {error}") from error


async def _run(port: int, request: bytes, due_s: list[float]) -> list[float]:
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    due: asyncio.Queue[float | None] = asyncio.Queue()
    found: list[float] = []
    try:
        async with asyncio.TaskGroup() as group:
            for reader, writer in connections:
                group.create_task(_send(reader, writer, request, due, found))
            begin = time.perf_counter()
            for after in due_s:
                await asyncio.sleep(begin + after - time.perf_counter())
                due.put_nowait(begin + after)
            for _ in connections:
                due.put_nowait(None)
    except* Unmeasurable as group_of_errors:
        raise group_of_errors.exceptions[0] from None
    finally:
        for _, writer in connections:
            writer.close()
    return found


async def _send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: bytes,
    due: asyncio.Queue[float | None],
    found: list[float],
) -> None:
    while (at := await due.get()) is not None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        found.append((time.perf_counter() - at) * 1000)
        if not head.startswith(ACCEPTED):
            raise Unmeasurable(f"the answer was {head.split(b' ', 2)[1].decode()}")
