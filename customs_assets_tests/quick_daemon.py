"""Dagster's daemon as it is, but for how often it looks at backfills: every two seconds instead of every thirty.

A backfill over many layers of assets asks for one layer each time it is looked at, so a test would wait for minutes.

    python quick_daemon.py run -w workspace.yaml
"""

from __future__ import annotations

from dagster._daemon import backfill
from dagster._daemon.cli import main

_SECONDS = 2

if __name__ == "__main__":
    backfill.DEFAULT_DAEMON_INTERVAL_SECONDS = _SECONDS
    main()
