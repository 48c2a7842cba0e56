"""The channels that alerts go through: mail, Slack, Teams, webhooks and whatever else Apprise has an address for.

What belongs here is the sending of one text to one address, and saying why it failed without saying the address: an address
holds passwords and tokens. What is said, and how often it is tried, stands in ``alerts.py``.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from customs_assets.masking import mask

Level = Literal["error", "warning", "info"]

_TYPES = {"error": "failure", "warning": "warning", "info": "info"}
# Between two addresses stands a blank or a comma; within one, a comma separates receivers.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Channel:
    """One place that alerts go to.

    Attributes:
        name: what logs call it; says nothing of the address but the kind of service.
        address: its address in Apprise's form. Secret.
    """

    name: str
    address: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that tell channels apart; too few to confirm a guess of the address by."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:8]

    def send(self, title: str, body: str, level: Level) -> str:
        """Send a text; returns why it failed, with nothing of the address in it, or the empty string where it did not."""
        import apprise

        asset = apprise.AppriseAsset(app_id="customs_assets", app_desc="customs_assets", async_mode=False, app_url="")
        with _captured() as said:
            plugin = apprise.Apprise.instantiate(self.address, asset=asset, suppress_exceptions=True)
            if plugin is None or isinstance(plugin, dict):
                return "its address is not of a form that Apprise knows"
            plugin.notify_format = apprise.NotifyFormat.TEXT
            notifier = apprise.Apprise(asset=asset)
            notifier.add(plugin)
            delivered = notifier.notify(body, title, apprise.NotifyType(_TYPES[level]), apprise.NotifyFormat.TEXT)
        return "" if delivered else mask("; ".join(said.lines) or "the service refused it", [self.address])


def channels(addresses: str) -> list[Channel]:
    """The channels that a list of addresses names, separated by blanks, line breaks or commas."""
    listed = [address.strip(" ,\n\t") for address in _BETWEEN.split(addresses.strip())]
    listed = [address for address in dict.fromkeys(listed) if address]
    return [
        Channel(f"channel {position} of {len(listed)} ({address.partition('://')[0]})", address)
        for position, address in enumerate(listed, start=1)
    ]


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _captured() -> Iterator[_Lines]:
    """Within it, what Apprise and its HTTP client log comes here and goes nowhere else, because it may hold an address."""
    kept = _Lines()
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3")]
    before = [(logger.propagate, logger.handlers, logger.level) for logger in loggers]
    for logger in loggers:
        logger.propagate, logger.handlers = False, [kept]
        logger.setLevel(logging.WARNING)
    try:
        yield kept
    finally:
        for logger, (propagate, handlers, level) in zip(loggers, before, strict=True):
            logger.propagate, logger.handlers = propagate, handlers
            logger.setLevel(level)
