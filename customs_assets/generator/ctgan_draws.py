"""Everything random in CTGAN's training, drawn from one generator in one order: noise, conditions, rows, dropout, interpolation.

A training step takes its draws as an argument, so that another implementation can be given the same ones.

Noise is made from the generator's raw bits, in float32: exponential by inversion, normal by the method of Box and Muller. NumPy's
vectorized logarithm makes this two to four times as fast as the generator's own methods. A uniform number has 23 bits and is
never 0 or 1. So an exponential lies between 6e-8 and 16.7 and a normal within 5.8 standard deviations, as with torch's float32
draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from customs_assets.generator.conditional_sampling import Conditions, ConditionTable, RowTable
from customs_assets.generator.model_table_transform import EncodedTable, TableTransform

if TYPE_CHECKING:
    from customs_assets.generator.hyperparameters import Hyperparameters

_UNUSED_BITS = 9
_STEP = np.float32(2.0**-23)
_HALF_STEP = np.float32(2.0**-24)
_TURN = np.float32(2.0 * np.pi)


@dataclass(frozen=True)
class DiscriminatorDraws:
    """Everything random in a step of the discriminator.

    Attributes:
        noise: standard normal, (batch, embedding_dim).
        conditions: of the fake rows; None without discrete columns.
        real_conditions: the same in another order, one for each real row.
        rows: numbers of the real rows, (batch,).
        exponential: standard exponential, (batch, width - continuous columns); overwritten.
        keep: for each hidden layer what dropout keeps, 0 or 1, (3 * batch / pac, units): interpolates, fake, real; overwritten.
        interpolation: uniform in [0, 1), (batch / pac,).
    """

    noise: np.ndarray
    conditions: Conditions | None
    real_conditions: Conditions | None
    rows: np.ndarray
    exponential: np.ndarray
    keep: list[np.ndarray]
    interpolation: np.ndarray


@dataclass(frozen=True)
class GeneratorDraws:
    """Everything random in a step of the generator, as above; ``keep`` is for the fake rows alone."""

    noise: np.ndarray
    conditions: Conditions | None
    exponential: np.ndarray
    keep: list[np.ndarray]


def uniform(rng: np.random.Generator, out: np.ndarray) -> np.ndarray:
    """Fill ``out``, float32 and C-contiguous, with uniform numbers between 0 and 1, both excluded."""
    bits = rng.bit_generator.random_raw((out.size + 1) // 2).view(np.uint32)[: out.size]
    bits >>= np.uint32(_UNUSED_BITS)
    out[...] = bits.reshape(out.shape)
    out *= _STEP
    out += _HALF_STEP
    return out


def standard_exponential(rng: np.random.Generator, out: np.ndarray) -> np.ndarray:
    """Fill ``out``, float32 and C-contiguous, with standard exponential noise. It is above 0, so its logarithm is finite."""
    np.log(uniform(rng, out), out=out)
    return np.negative(out, out=out)


def standard_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal noise in float32, made in pairs."""
    count = int(np.prod(shape))
    half = (count + 1) // 2
    radius, angle = uniform(rng, np.empty((2, half), np.float32))
    np.log(radius, out=radius)
    radius *= np.float32(-2.0)
    np.sqrt(radius, out=radius)
    angle *= _TURN
    noise = np.empty((2, half), np.float32)
    np.multiply(radius, np.cos(angle), out=noise[0])
    np.multiply(radius, np.sin(angle), out=noise[1])
    return noise.ravel()[:count].reshape(shape)


class Draws:
    """The draws of a training's steps. Noise is float32."""

    def __init__(
        self, rng: np.random.Generator, parameters: Hyperparameters, transform: TableTransform, encoded: EncodedTable
    ) -> None:
        self._rng = rng
        self._parameters = parameters
        self._conditions = ConditionTable(transform, parameters.log_frequency)
        self._rows = RowTable(transform, encoded)
        self._exponential = np.empty((parameters.batch_size, int(transform.segment_widths.sum())), np.float32)

    def _noise(self) -> np.ndarray:
        return standard_normal(self._rng, (self._parameters.batch_size, self._parameters.embedding_dim))

    def _keep(self, passes: int) -> list[np.ndarray]:
        packs = passes * self._parameters.batch_size // self._parameters.pac
        kept = []
        for units in self._parameters.discriminator_dim:
            raw = self._rng.bit_generator.random_raw((packs * units + 63) // 64)
            bits = np.unpackbits(raw.view(np.uint8), count=packs * units)
            kept.append(bits.astype(np.float32).reshape(packs, units))
        return kept

    def discriminator_step(self) -> DiscriminatorDraws:
        """The draws of a discriminator's step, valid until the next draw."""
        batch = self._parameters.batch_size
        conditions = self._conditions.draw(self._rng, batch)
        real_conditions = None if conditions is None else conditions.permuted(self._rng.permutation(batch))
        return DiscriminatorDraws(
            noise=self._noise(),
            conditions=conditions,
            real_conditions=real_conditions,
            rows=self._rows.draw(self._rng, batch, real_conditions),
            exponential=standard_exponential(self._rng, self._exponential),
            keep=self._keep(passes=3),
            interpolation=self._rng.random(batch // self._parameters.pac, dtype=np.float32),
        )

    def generator_step(self) -> GeneratorDraws:
        """The draws of a generator's step, valid until the next draw."""
        return GeneratorDraws(
            noise=self._noise(),
            conditions=self._conditions.draw(self._rng, self._parameters.batch_size),
            exponential=standard_exponential(self._rng, self._exponential),
            keep=self._keep(passes=1),
        )
