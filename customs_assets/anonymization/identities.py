"""Identities to tokens: a keyed hash of a party's name or business number.

A token depends on the key and on the party's name (made alike) or number, and on nothing else. So a party has the same token in
every month, and no table of tokens is needed. Tokens are so long that no two parties share one. The release draws the short
tokens of the published form (``release/files.py``). Without the key nobody can compute a token. When the key is destroyed,
pseudonyms become anonymous (section 4.1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from customs_assets.anonymization.names_alike import name_alike, number_alike
from customs_assets.declaration import IDENTITIES

# Among ten million parties, two share one of the 36^20 tokens with probability 4e-18 (n^2 / 2 / 36^20). With the seven
# characters of the published form the probability would be 1 in 250 among 25,000 parties.
TOKEN_LENGTH = 20
TOKEN_PATTERN = rf"[A-Z0-9]{{{TOKEN_LENGTH}}}"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Base-36 digits that one division takes off a hash: so few that a remainder fits into 32 bits.
_DIGITS_AT_ONCE = 5


def token(name: str, role: str, key: bytes) -> str:
    """The token of one name in one role (a column of :data:`declaration.IDENTITIES`): 20 capitals and digits.

    Names that :func:`names_alike.name_alike` makes alike have the same token, in each role another. A blank name has none.
    """
    return str(tokens([name_alike(name)], role, key)[0])


def tokens(parties: Sequence[str] | np.ndarray, role: str, key: bytes) -> np.ndarray:
    """The token of each of n parties: the last 20 base-36 digits of an HMAC-SHA256 of role and party, the lowest first.

    Args:
        parties: names or business numbers, made alike.
        role: a column of :data:`declaration.IDENTITIES`.
        key: the identity key.

    Returns:
        Texts of shape (n,), dtype object; the empty text for an empty party.
    """
    keyed = hmac.new(key, f"{role}\x1f".encode(), "sha256")
    hashes = []
    for party in parties:
        of_party = keyed.copy()
        of_party.update(party.encode())
        hashes.append(of_party.digest())
    # One number for each party, of eight digits of 32 bits, the highest first. It is divided as on paper, all at once.
    number = np.frombuffer(b"".join(hashes), dtype=">u4").reshape(len(hashes), 8).T.astype(np.uint64)
    base, divisor = np.uint32(len(_ALPHABET)), np.uint64(len(_ALPHABET) ** _DIGITS_AT_ONCE)
    digits = np.empty((len(hashes), TOKEN_LENGTH), dtype=np.uint8)
    for first in range(0, TOKEN_LENGTH, _DIGITS_AT_ONCE):
        rest = np.zeros(len(hashes), dtype=np.uint64)
        for place in range(len(number)):
            number[place], rest = np.divmod((rest << np.uint64(32)) | number[place], divisor)
        five_digits = rest.astype(np.uint32)
        for place in range(first, first + _DIGITS_AT_ONCE):
            five_digits, digits[:, place] = np.divmod(five_digits, base)
    text = np.frombuffer(_ALPHABET.encode(), dtype=np.uint8)[digits].tobytes().decode()
    made = [text[start : start + TOKEN_LENGTH] for start in range(0, len(text), TOKEN_LENGTH)]
    return np.array([one if party else "" for one, party in zip(made, parties, strict=True)], dtype=object)


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
    by_role = {
        role: role_parties(labelled[role], numbers[role] if numbers is not None and role in numbers else None)
        for role in IDENTITIES
    }
    return pd.DataFrame(by_role, index=labelled.index)


def role_parties(names: pd.Series, numbers: pd.Series | None = None) -> np.ndarray:
    """The parties of n rows in one role: the business number where a row has one, else the name, made alike.

    Args:
        names: n names, as declared.
        numbers: business numbers of the same rows, as declared; missing where a row has none.

    Returns:
        Texts of shape (n,), dtype object; the empty text where a row names nobody.
    """
    named = _made_alike(names, name_alike)
    if numbers is None:
        return named
    numbered = _made_alike(numbers, number_alike)
    return np.where(numbered != "", numbered, named)


def _made_alike(values: pd.Series, alike: Callable[[str], str]) -> np.ndarray:
    """Every value made alike. Each distinct value is computed once."""
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    # A missing value has the code -1, the empty text at the end.
    return np.array([*(alike(value) for value in distinct), ""], dtype=object)[codes]


def anonymize(labelled: pd.DataFrame, key: bytes, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """The same rows with the four identities replaced by tokens; the arguments are those of :func:`parties` and the key."""
    anonymized = labelled.copy()
    for role, named in parties(labelled, numbers).items():
        codes, distinct = pd.factorize(named)
        anonymized[role] = tokens(distinct.to_numpy(), str(role), key)[codes]
    return anonymized
