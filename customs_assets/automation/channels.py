"""The channels that alerts go through: mail, Slack, Teams, webhooks and whatever else Apprise has an address for.

What belongs here is the sending of one text to one address, and saying why it failed without saying the address: an address
holds passwords and tokens. What is said, and how often it is tried, stands in ``alerts.py``.
"""

from __future__ import annotations

import hashlib
import logging
import re
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
            notifier = apprise.Apprise(asset=asset)
            notifier.add(plugin)
            delivered = notifier.notify(body=body, title=title, notify_type=apprise.NotifyType(_TYPES[level]))
        return "" if delivered else mask("; ".join(said.lines) or "the service refused it", [self.address])


def channels(addresses: str) -> list[Channel]:
    """The channels that a list of addresses names, separated by blanks, line breaks or commas."""
    listed = [address.strip(" ,\n\t") for address in _BETWEEN.split(addresses.strip())]
    listed = [address for address in dict.fromkeys(listed) if address]
    return [
        Channel(f"channel {position} of {len(listed)} ({address.partition('://')[0]})", address)
        for position, address in enumerate(listed, start=1)
    ]


class _captured(logging.Handler):
    """While entered, what Apprise logs comes here and goes nowhere else, because it may hold an address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._logger = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> _captured:
        self._before = (self._logger.propagate, self._logger.handlers, self._logger.level)
        self._logger.propagate, self._logger.handlers = False, [self]
        self._logger.setLevel(logging.WARNING)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.propagate, self._logger.handlers = self._before[:2]
        self._logger.setLevel(self._before[2])
