"""Seeds: every random draw comes from the base seed, the asset and the partition, and from nothing else.

What belongs here is the derivation alone. A draw seeded this way does not depend on which other partitions ran, in
which order or in which process, so the same settings give the same bytes (decision 8 of the architecture).
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(base_seed: int, asset: str, partition: str = "", purpose: str = "") -> int:
    """A 63-bit seed from the base seed, an asset key, a partition key and an optional purpose within the asset."""
    text = "\x1f".join((str(base_seed), asset, partition, purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def derive_rng(base_seed: int, asset: str, partition: str = "", purpose: str = "") -> np.random.Generator:
    """A NumPy generator on the derived seed."""
    return np.random.default_rng(derive_seed(base_seed, asset, partition, purpose))
