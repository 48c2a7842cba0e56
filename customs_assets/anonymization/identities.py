"""Identities to tokens: a keyed hash of a party's name or business number, and the life of its key.

The same party gets the same token in every month without any shared table, because the token is a function of the key and of
the name made alike (or the number) alone. Tokens are so long that no two parties share one, whichever months are at hand; the
short ones of the published shape are dealt out at release (``release/tokens.py``). Whoever holds neither the key nor the source
can only guess; once the key is destroyed nobody can compute a token again, and pseudonyms have become anonymous (section 4.1).
What is done with tokens later belongs elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from customs_assets.anonymization.names_alike import name_alike, number_alike
from customs_assets.declaration import IDENTITIES

KEY_BYTES = 32

# Length of a token inside the pipeline. Among ten million parties two share one of the 36^20 tokens with a probability of 4e-18
# (n^2 / 2 / 36^20). With the seven characters of the published shape it is 1 in 250 among 25,000, and such a pair stays one for
# as long as the key is used.
TOKEN_LENGTH = 20

# What a token inside the pipeline looks like, whole.
TOKEN_PATTERN = rf"[A-Z0-9]{{{TOKEN_LENGTH}}}"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TOKENS = len(_ALPHABET) ** TOKEN_LENGTH


class IdentityKeyError(Exception):
    """The identity key is missing, damaged or readable by others; the message says what to do."""


def create_key(path: Path) -> bytes:
    """Make a key of 32 random bytes, readable by its owner alone, or return the one that another process just made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(temporary, path)  # fails where the key exists, so that of two processes one key wins
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return load_key(path)


def load_key(path: Path) -> bytes:
    """Read the key.

    Raises:
        IdentityKeyError: there is none, it has the wrong length, or others than its owner may read it.
    """
    if not path.is_file():
        raise IdentityKeyError(f"there is no identity key at {path}")
    if path.stat().st_mode & 0o077:
        raise IdentityKeyError(f"the identity key {path} is readable by others; run: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise IdentityKeyError(f"the identity key {path} holds {len(key)} bytes instead of {KEY_BYTES}; it is damaged")
    return key


def obtain_key(path: Path) -> bytes:
    """The key, made on first use."""
    return load_key(path) if path.exists() else create_key(path)


def destroy_key(path: Path) -> None:
    """Overwrite and delete the key, after which no token can be computed from a name again.

    Raises:
        IdentityKeyError: there is no key to destroy.
    """
    if not path.is_file():
        raise IdentityKeyError(f"there is no identity key at {path}; nothing was destroyed")
    with path.open("r+b") as stream:
        stream.write(secrets.token_bytes(max(path.stat().st_size, KEY_BYTES)))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()


def key_fingerprint(path: Path) -> str:
    """Eight hexadecimal digits that tell keys apart and say nothing of the key; empty where there is none."""
    if not path.is_file():
        return ""
    return hmac.new(load_key(path), b"customs identity key fingerprint", hashlib.sha256).hexdigest()[:8]


def token(name: str, role: str, key: bytes) -> str:
    """The token of one name in one role (a column of :data:`declaration.IDENTITIES`): 20 capitals and digits.

    Names that :func:`names_alike.name_alike` makes alike have one token, in each role another. A blank name has none.
    """
    return _token(name_alike(name), role, key)


def _token(party: str, role: str, key: bytes) -> str:
    """The last 20 base-36 digits of an HMAC-SHA256 over role and party, the lowest first; nothing for nobody."""
    if not party:
        return ""
    number = int.from_bytes(hmac.digest(key, f"{role}\x1f{party}".encode(), "sha256"), "big") % _TOKENS
    characters = []
    for _ in range(TOKEN_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


def parties(labelled: pd.DataFrame, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Who stands in each row in each role: a business number where the row has one, a name where it has none, made alike.

    Args:
        labelled: frame with the four columns of :data:`declaration.IDENTITIES`, as declared.
        numbers: business numbers as declared, in the same rows: a column for each role that has them, nothing where a row has
            none. A name that is a business number is that number.

    Returns:
        Frame of shape (n, 4) of text, with the index of ``labelled``; empty where a row names nobody. Each distinct name and
        number is made alike once.

    Raises:
        ValueError: ``numbers`` has other rows than ``labelled``, or a column that is no role.
    """
    if numbers is not None and len(numbers) != len(labelled):
        raise ValueError(f"there are {len(numbers)} rows of business numbers for {len(labelled)} declarations")
    if numbers is not None and (strange := sorted(set(numbers.columns) - set(IDENTITIES))):
        raise ValueError(f"business numbers are given for {', '.join(strange)}; roles are {', '.join(IDENTITIES)}")
    made: dict[str, np.ndarray] = {}
    for role in IDENTITIES:
        who = _made_alike(labelled[role], name_alike)
        if numbers is not None and role in numbers:
            number = _made_alike(numbers[role], number_alike)
            who = np.where(number != "", number, who)
        made[role] = who
    return pd.DataFrame(made, index=labelled.index)


def _made_alike(values: pd.Series, alike: Callable[[str], str]) -> np.ndarray:
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    # A missing value has the code -1, and is nobody.
    return np.array([*(alike(value) for value in distinct), ""], dtype=object)[codes]


def anonymize(labelled: pd.DataFrame, key: bytes, numbers: pd.DataFrame | None = None) -> pd.DataFrame:
    """The same rows with the four identities replaced by tokens.

    Args:
        labelled: frame of shape (n, 22) with raw identities.
        key: the secret of :func:`obtain_key`.
        numbers: business numbers of the same rows, as for :func:`parties`.

    Returns:
        A new frame of shape (n, 22); every other column is unchanged.
    """
    anonymized = labelled.copy()
    for role, who in parties(labelled, numbers).items():
        anonymized[role] = who.map({party: _token(party, str(role), key) for party in who.unique()})
    return anonymized
