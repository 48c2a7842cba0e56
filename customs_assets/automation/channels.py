"""The addresses that alerts go to, through Apprise. They hold passwords and tokens: no message shows more than their scheme."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import ExitStack
from dataclasses import dataclass, field

from customs_assets.masking import mask, mask_credentials

# Blanks or commas stand between two addresses. Within an address, a comma separates receivers.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Channel:
    """An address in Apprise's form, which is secret, and a name for it, which is not."""

    name: str
    address: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that tell channels apart; too few to confirm a guess of the address."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:8]

    def send(self, title: str, body: str, level: str) -> str:
        """Send a text as a failure, warning or info; return why that failed, or an empty string if it did not."""
        from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

        warnings: list[str] = []

        def keep(record: logging.LogRecord) -> bool:
            warnings.extend([record.getMessage()] if record.levelno >= logging.WARNING else [])
            return False

        asset = AppriseAsset(app_id="customs_assets", app_desc="customs_assets", async_mode=False, app_url="")
        with ExitStack() as stack:
            # What Apprise and its HTTP client log may hold the address, so no log gets it.
            for logger in (logging.getLogger("apprise"), logging.getLogger("urllib3.connectionpool")):
                logger.addFilter(keep)
                stack.callback(logger.removeFilter, keep)
            try:
                plugin = Apprise.instantiate(self.address, asset=asset, suppress_exceptions=True)
                if plugin is None or isinstance(plugin, dict):
                    return "Apprise does not know the form of this address"
                plugin.notify_format = NotifyFormat.TEXT
                notifier, text = Apprise(plugin, asset=asset), mask_credentials(body)
                if notifier.notify(text, title, NotifyType(level), NotifyFormat.TEXT):
                    return ""
            except Exception as error:  # A plugin may raise anything, and one channel must not stop the others.
                warnings.append(f"{type(error).__name__}: {error}")
        return mask("; ".join(warnings) or "the service refused it", [self.address])


def channels(addresses: str) -> list[Channel]:
    """The channels of a list of addresses, which blanks, line breaks or commas separate."""
    listed = list(dict.fromkeys(filter(None, (text.strip(" ,\n\t") for text in _BETWEEN.split(addresses)))))
    schemes = [address.partition("://")[0] for address in listed]
    return [Channel(f"channel {n + 1} of {len(listed)} ({schemes[n]})", address) for n, address in enumerate(listed)]
