"""Noise has the distribution that it is named after, and comes from the generator alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from customs_assets.generator.checkpoint import to_bytes
from customs_assets.generator.ctgan import CTGAN
from customs_assets.generator.ctgan_draws import standard_exponential, standard_normal, uniform

ROWS, COLUMNS = 400, 501


def _uniform(rng: np.random.Generator) -> np.ndarray:
    return uniform(rng, np.empty((ROWS, COLUMNS), np.float32))


def _exponential(rng: np.random.Generator) -> np.ndarray:
    return standard_exponential(rng, np.empty((ROWS, COLUMNS), np.float32))


def _normal(rng: np.random.Generator) -> np.ndarray:
    return standard_normal(rng, (ROWS, COLUMNS))


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [(_uniform, "uniform"), (_exponential, "expon"), (_normal, "norm")],
    ids=["uniform", "exponential", "normal"],
)
def test_noise_has_its_distribution_and_no_order(draw, distribution: str):
    noise = draw(np.random.default_rng(5))
    assert noise.shape == (ROWS, COLUMNS)
    assert noise.dtype == np.float32
    assert stats.kstest(noise.ravel(), distribution).pvalue > 0.001
    rows = np.corrcoef(noise[:, ::50].T)
    assert np.abs(rows - np.eye(len(rows))).max() < 0.2
    neighbours = np.corrcoef(noise.ravel()[:-1], noise.ravel()[1:])[0, 1]
    halves = np.corrcoef(noise.ravel()[: noise.size // 2], noise.ravel()[noise.size // 2 : noise.size // 2 * 2])[0, 1]
    assert max(abs(neighbours), abs(halves)) < 0.01


def test_the_logarithm_of_exponential_noise_is_finite_at_both_ends_of_the_bits():
    class Ends:
        """Stands for a generator whose bits are all zeros, or all ones."""

        def __init__(self, word: int) -> None:
            self.word = word
            self.bit_generator = self

        def random_raw(self, count: int) -> np.ndarray:
            return np.full(count, self.word, np.uint64)

    for word in (0, 2**64 - 1):
        noise = standard_exponential(Ends(word), np.empty((2, 3), np.float32))  # pyright: ignore[reportArgumentType]
        assert np.isfinite(np.log(noise)).all()
        assert (noise > 0).all()


def test_the_same_generator_gives_the_same_noise():
    for draw in (_uniform, _exponential, _normal):
        np.testing.assert_array_equal(draw(np.random.default_rng(1)), draw(np.random.default_rng(1)))


def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"office_id": rng.choice(["13", "20", "40"], 200), "net_mass": rng.lognormal(3, 1, 200)})

    def trained(seed: int) -> bytes:
        model = CTGAN(epochs=2, batch_size=50, generator_dim=(16,), discriminator_dim=(16,), seed=seed)
        model.fit(table, ["office_id"])
        return to_bytes(model)

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)
