"""Masking: what must not be read in a log, taken out of a text before it is written.

What belongs here finds the secrets of an address and replaces them. Who logs what stands elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

MASK = "***"

# Shorter parts are words like "to" or a port, which no secret is.
_SHORTEST = 4

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@:]*(?::[^/\s]*)?@", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<name>(?:password|passwd|pwd|token|secret|key|sig)=)[^&\s'\"]+", re.IGNORECASE)


def mask_credentials(text: str) -> str:
    """A text with user and password of every address in it masked, and every parameter that is named like a secret."""
    return _PARAMETER.sub(rf"\g<name>{MASK}", _CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text))


def secrets_of(address: str) -> list[str]:
    """Everything in an address but its scheme, longest first: in a webhook's address the token may be any part of it."""
    _, _, rest = address.partition("://")
    parts = [rest, *re.split(r"[/:@?&=,]", rest)]
    spellings = {spelling for part in parts for spelling in (part, unquote(part), unquote_plus(part))}
    return sorted((s for s in spellings if len(s) >= _SHORTEST), key=len, reverse=True)


def mask(text: str, addresses: Iterable[str]) -> str:
    """A text without any part of some addresses, and without other addresses' credentials."""
    for address in addresses:
        for secret in secrets_of(address):
            text = text.replace(secret, MASK)
    return mask_credentials(text)
