"""Masking: replaces the passwords and tokens of addresses in a text, before it is logged or sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

MASK = "***"

# Shorter parts are ports or words such as "to", and no secrets.
_SHORTEST = 4

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@:]*(?::[^/\s]*)?@", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<name>(?:password|passwd|pwd|token|secret|key|sig)=)[^&\s'\"]+", re.IGNORECASE)


def mask_credentials(text: str) -> str:
    """Mask the user and password of every address in a text, and every parameter whose name is that of a secret."""
    return _PARAMETER.sub(rf"\g<name>{MASK}", _CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text))


def _secrets_of(address: str) -> list[str]:
    """All parts of an address but its scheme, longest first: in a webhook's address, any part may be the token."""
    _, _, rest = address.partition("://")
    parts = [rest, *re.split(r"[/:@?&=,]", rest)]
    spellings = {spelling for part in parts for spelling in (part, unquote(part), unquote_plus(part))}
    return sorted((s for s in spellings if len(s) >= _SHORTEST), key=len, reverse=True)


def mask(text: str, addresses: Iterable[str]) -> str:
    """Mask every part of some addresses in a text, and the credentials of all others."""
    for address in addresses:
        for secret in _secrets_of(address):
            text = text.replace(secret, MASK)
    return mask_credentials(text)
