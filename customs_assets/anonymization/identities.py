"""Identities to tokens: a keyed hash in the published shape, and the life of its key.

The same person gets the same token in every month without any shared table, because the token is a function of the key
and the name alone. Whoever holds neither the key nor the source can only guess; once the key is destroyed nobody can
compute a token again, and pseudonyms have become anonymous (section 4.1). What is done with tokens later belongs elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from pathlib import Path

import pandas as pd

from customs_assets.declaration import IDENTITIES

KEY_BYTES = 32

# Length of a token in the published shape: couriers have 6 capitals and digits, everybody else 7.
TOKEN_LENGTHS = {"declarant_id": 7, "importer_id": 7, "seller_id": 7, "courier_id": 6}

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
    """The token of one name in one role (a column of :data:`declaration.IDENTITIES`).

    Spelling variants that Unicode and white space make (NFKC, runs of blanks) are one name. An empty name has no token.
    Tokens are the leading base-36 digits of HMAC-SHA256; among 15,000 names two share one of the 36^7 tokens with
    probability 0.0014.
    """
    canonical = " ".join(unicodedata.normalize("NFKC", name).split())
    if not canonical:
        return ""
    digest = hmac.new(key, f"{role}\x1f{canonical}".encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")
    characters = []
    for _ in range(TOKEN_LENGTHS[role]):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


def anonymize(labelled: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """The same rows with the four identities replaced by tokens.

    Args:
        labelled: frame of shape (n, 22) with raw identities.
        key: the secret of :func:`obtain_key`.

    Returns:
        A new frame of shape (n, 22); every other column is unchanged.
    """
    anonymized = labelled.copy()
    for role in IDENTITIES:
        names = labelled[role]
        tokens = {name: token(name, role, key) for name in names.unique()}
        anonymized[role] = names.map(tokens)
    return anonymized
