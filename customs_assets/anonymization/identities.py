"""Identities to tokens: a keyed hash of a party's name or business number.

A token depends on the key and on the party's name (made alike) or number, and on nothing else. So a party has the same token in
every month, and no table of tokens is needed. Tokens are so long that no two parties share one. The release draws the short
tokens of the published form (``release/files.py``). Without the key nobody can compute a token. When the key is destroyed,
pseudonyms become anonymous (section 4.1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

import numpy as np
import pandas as pd

from customs_assets.anonymization.names_alike import name_alike, number_alike
from customs_assets.declaration import IDENTITIES

# Among ten million parties, two share one of the 36^20 tokens with probability 4e-18 (n^2 / 2 / 36^20). With the seven
# characters of the published form the probability would be 1 in 250 among 25,000 parties.
TOKEN_LENGTH = 20
TOKEN_PATTERN = rf"[A-Z0-9]{{{TOKEN_LENGTH}}}"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TOKENS = len(_ALPHABET) ** TOKEN_LENGTH


def token(name: str, role: str, key: bytes) -> str:
    """The token of one name in one role (a column of :data:`declaration.IDENTITIES`): 20 capitals and digits.

    Names that :func:`names_alike.name_alike` makes alike have the same token, in each role another. A blank name has none.
    """
    return _token(name_alike(name), role, key)


def _token(party: str, role: str, key: bytes) -> str:
    """The last 20 base-36 digits of an HMAC-SHA256 of role and party, the lowest first; empty for an empty party."""
    if not party:
        return ""
    number = int.from_bytes(hmac.digest(key, f"{role}\x1f{party}".encode(), "sha256"), "big") % _TOKENS
    characters = []
    for _ in range(TOKEN_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


def parties(labelled: pd.DataFrame, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """The party of each row in each role: its business number where the row has one, else its name, made alike.

    Args:
        labelled: frame with the four columns of :data:`declaration.IDENTITIES`, as declared.
        numbers: business numbers as declared, of the same rows: a column for each role that has them, null where a row has none.

    Returns:
        Frame of shape (n, 4) of text, with the index of ``labelled``; the empty text where a row names nobody.

    Raises:
        ValueError: ``numbers`` has other rows than ``labelled``, or a column that is no role.
    """
    if numbers is not None and len(numbers) != len(labelled):
        raise ValueError(f"there are {len(numbers)} rows of business numbers for {len(labelled)} declarations")
    if numbers is not None and (strange := sorted(set(numbers.columns) - set(IDENTITIES))):
        raise ValueError(f"business numbers are given for {', '.join(strange)}; roles are {', '.join(IDENTITIES)}")
    by_role: dict[str, np.ndarray] = {}
    for role in IDENTITIES:
        by_role[role] = _made_alike(labelled[role], name_alike)
        if numbers is not None and role in numbers:
            number = _made_alike(numbers[role], number_alike)
            by_role[role] = np.where(number != "", number, by_role[role])
    return pd.DataFrame(by_role, index=labelled.index)


def _made_alike(values: pd.Series, alike: Callable[[str], str]) -> np.ndarray:
    """Every value made alike. Each distinct value is computed once."""
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    # A missing value has the code -1, the empty text at the end.
    return np.array([*(alike(value) for value in distinct), ""], dtype=object)[codes]


def anonymize(labelled: pd.DataFrame, key: bytes, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """The same rows with the four identities replaced by tokens; the arguments are those of :func:`parties` and the key."""
    anonymized = labelled.copy()
    for role, named in parties(labelled, numbers).items():
        anonymized[role] = named.map({party: _token(party, str(role), key) for party in named.unique()})
    return anonymized
