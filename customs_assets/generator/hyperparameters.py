"""The hyper-parameters of CTGAN, each in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hyperparameters:
    """ctgan's hyper-parameters.

    Attributes:
        embedding_dim: length of the noise vector.
        generator_dim, discriminator_dim: widths of the hidden layers.
        generator_lr, discriminator_lr: Adam's learning rates.
        generator_decay, discriminator_decay: Adam's weight decays.
        batch_size: rows in a step; even, and a multiple of ``pac``.
        discriminator_steps: steps of the discriminator for each of the generator.
        log_frequency: whether conditions are drawn by the logarithm of their frequency.
        epochs: passes over as many rows as the table has.
        pac: rows that the discriminator judges together.

    Raises:
        ValueError: a value is out of its range.
    """

    embedding_dim: int = 128
    generator_dim: Sequence[int] = (256, 256)
    discriminator_dim: Sequence[int] = (256, 256)
    generator_lr: float = 2e-4
    generator_decay: float = 1e-6
    discriminator_lr: float = 2e-4
    discriminator_decay: float = 1e-6
    batch_size: int = 500
    discriminator_steps: int = 1
    log_frequency: bool = True
    epochs: int = 300
    pac: int = 10

    def __post_init__(self) -> None:
        for name in ("embedding_dim", "batch_size", "discriminator_steps", "epochs", "pac"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("generator_dim", "discriminator_dim"):
            if any(width < 1 for width in getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}: every layer needs at least one unit")
        if self.batch_size % 2 or self.batch_size % self.pac:
            raise ValueError(f"batch_size is {self.batch_size}: it must be even and a multiple of pac ({self.pac})")
