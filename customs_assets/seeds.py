"""Seeds: every random draw comes from a root, the asset, the partition and the purpose, and from nothing else.

There are two kinds of root. A public seed is an integer (``CUSTOMS_SEED``). It drives the detectors of the
benchmark, where anybody may draw the same again. A secret is bytes (``CUSTOMS_RELEASE_SECRET``). All that
protects somebody derives from it by HMAC-SHA256: who knows the code, the settings and one derived seed can compute no other.

A draw seeded this way does not depend on which other partitions ran, in which order or in which process, so the same settings
and secrets give the same bytes (``docs/decisions.md``, decision 8).
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np

# What draws derive from: a public seed, or a secret.
Root = int | bytes

_SEPARATOR = "\x1f"


def derive_root(root: Root, asset: str, partition: str = "", purpose: str = "") -> Root:
    """A root of the same kind from a root, an asset key, a partition key and an optional purpose within the asset.

    Returns:
        A secret of 32 bytes from a secret, a seed of 63 bits from a public seed.
    """
    if isinstance(root, bytes):
        return hmac.new(root, _SEPARATOR.join((asset, partition, purpose)).encode(), hashlib.sha256).digest()
    text = _SEPARATOR.join((str(root), asset, partition, purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def derive_seed(root: Root, asset: str, partition: str = "", purpose: str = "") -> int:
    """A number for what takes a seed as one: of 63 bits from a public seed, of all 256 from a secret."""
    derived = derive_root(root, asset, partition, purpose)
    return derived if isinstance(derived, int) else int.from_bytes(derived, "big")


def derive_rng(root: Root, asset: str, partition: str = "", purpose: str = "") -> np.random.Generator:
    """A NumPy generator on the derived seed."""
    return np.random.default_rng(derive_seed(root, asset, partition, purpose))
