"""Identities to tokens: a keyed hash in the published shape.

The same person gets the same token in every month without any shared table, because the token is a function of the key
and the name alone. Whoever holds neither the key nor the source can only guess; once the key is destroyed nobody can
compute a token again, and pseudonyms have become anonymous (section 4.1). How the key lives is in ``secret_files``; what is done
with tokens later belongs elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

import pandas as pd

from customs_assets.declaration import IDENTITIES

# Length of a token in the published shape: couriers have 6 capitals and digits, everybody else 7.
TOKEN_LENGTHS = {"declarant_id": 7, "importer_id": 7, "seller_id": 7, "courier_id": 6}

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
        key: the secret of ``secret_files.identity_key``.

    Returns:
        A new frame of shape (n, 22); every other column is unchanged.
    """
    anonymized = labelled.copy()
    for role in IDENTITIES:
        names = labelled[role]
        tokens = {name: token(name, role, key) for name in names.unique()}
        anonymized[role] = names.map(tokens)
    return anonymized
