"""The one error that means: too few importers stand behind something, so it may not be shown."""

from __future__ import annotations


class TooFewImporters(ValueError):
    """Too few importers stand behind what would be released, so nothing of it may be; the message says of what."""
