"""Child processes that end with their parent, whatever ended the parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A ``preexec_fn`` that lets the kernel signal the child when the thread that starts it ends.

    Only Linux can do it; elsewhere None, and what a killed parent leaves behind is found by its pid file
    at the next start.
    """
    if sys.platform != "linux":
        return None
    # Loaded before the fork: between fork and exec a child may not take locks.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal_number)

    return ask_kernel
