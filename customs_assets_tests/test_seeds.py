"""Seeds: a public seed may be drawn from again by anybody, a secret by nobody."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed

ROOTS = st.one_of(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))


def test_a_public_seed_derives_as_it_always_did():
    text = "2020\x1fraw_declarations\x1f2020-01\x1f"
    assert (
        derive_seed(2020, "raw_declarations", "2020-01") == int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) >> 1
    )


@given(ROOTS)
def test_a_derived_root_is_of_the_same_kind_and_the_same_again(root: Root):
    derived = derive_root(root, "asset", "2020-01", "purpose")
    assert type(derived) is type(root)
    assert derived == derive_root(root, "asset", "2020-01", "purpose")
    assert derived not in {derive_root(root, "asset", "2020-01"), derive_root(root, "asset", "2020-01purpose")}


def test_a_secret_s_draws_take_in_all_of_its_bits():
    """Two secrets that agree in all but the last bit share no draw; and no 64 bits stand between secret and draws."""
    first, second = b"\x00" * 32, b"\x00" * 31 + b"\x01"
    draws = [derive_rng(secret, "asset").random(1000) for secret in (first, second)]
    assert not np.isclose(*draws, atol=1e-9).any()
    assert derive_seed(first, "asset").bit_length() > 200


def test_a_public_seed_never_draws_what_a_secret_of_the_same_digits_does():
    assert derive_seed(7, "asset") != derive_seed(b"7", "asset")
