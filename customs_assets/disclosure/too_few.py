"""The error that means: too few importers stand behind something, so it may not be shown."""

from __future__ import annotations


class TooFewImporters(ValueError):
    """Too few importers stand behind what would be released. The message says behind what."""
