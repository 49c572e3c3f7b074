"""``python -m deploy.local`` is ``make up``."""

from __future__ import annotations

import sys

from deploy.local.up import main

sys.exit(main())
