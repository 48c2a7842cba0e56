"""CTGAN (Xu et al. 2019), with the hyper-parameters of the ``ctgan`` library under its names and with its defaults.

The class that is fitted and sampled, and its training loop, belong here. A step takes everything random as an argument, so that
two implementations can be given the same draws. All draws come from one generator made of the seed, so that the same seed gives
the same weights to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.generator.conditional_sampling import Conditions, ConditionTable
from customs_assets.generator.ctgan_draws import (
    DiscriminatorDraws,
    Draws,
    GeneratorDraws,
    standard_exponential,
    standard_normal,
)
from customs_assets.generator.hyperparameters import Hyperparameters
from customs_assets.generator.model_table_transform import EncodedTable, TableTransform, fit_transform
from customs_assets.generator.synthesizer import learned

if TYPE_CHECKING:
    from customs_assets.generator.ctgan_networks import Discriminator, Generator
    from customs_assets.generator.pair_loss import PairLoss


class TrainingDiverged(RuntimeError):
    """A loss is no longer a finite number. The model is of no use."""


@dataclass(frozen=True)
class EpochLosses:
    """The losses of an epoch's last step. ``epoch`` counts from 0. The discriminator's loss is without the penalty."""

    epoch: int
    generator_loss: float
    discriminator_loss: float


def _categories(conditions: Conditions | None) -> np.ndarray | None:
    return None if conditions is None else conditions.categories


class Training:
    """What a step needs besides its draws: the two networks, their optimizers and the encoded table.

    Attributes:
        pairs: a loss of the generator beside the discriminator's; none as published.
    """

    pairs: PairLoss | None = None

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        parameters: Hyperparameters,
        transform: TableTransform,
        encoded: EncodedTable,
    ) -> None:
        from customs_assets.generator.ctgan_networks import Activation, Adam

        self.generator = generator
        self.discriminator = discriminator
        self._activation = Activation(transform)
        self._generator_adam = Adam(generator.parameters, parameters.generator_lr, parameters.generator_decay)
        self._discriminator_adam = Adam(
            discriminator.parameters, parameters.discriminator_lr, parameters.discriminator_decay
        )
        self._dtype = next(iter(generator.parameters.values())).dtype
        self._encoded = EncodedTable(encoded.scalars.astype(self._dtype), encoded.ones)
        self._logits = np.empty((parameters.batch_size, transform.width), self._dtype)

    def _generate(self, noise: np.ndarray, conditions: Conditions | None, exponential: np.ndarray) -> np.ndarray:
        """Data vectors, in the buffer that the discriminator reads. Their logits stay in ``_logits``."""
        fake = self.discriminator.fake_rows(len(noise), self._dtype)
        self.generator.forward(noise, _categories(conditions), out=self._logits)
        self._activation.forward(self._logits, exponential, out=fake)
        return fake

    def discriminator_step(self, draws: DiscriminatorDraws) -> tuple[float, float]:
        """One step of the discriminator. Returns its loss and the gradient penalty before the step."""
        self._generate(draws.noise, draws.conditions, draws.exponential)
        losses = self.discriminator.loss(
            _categories(draws.conditions),
            self._encoded.rows(draws.rows),
            _categories(draws.real_conditions),
            draws.interpolation,
            draws.keep,
            self._discriminator_adam.gradients,
        )
        self._discriminator_adam.step()
        return losses

    def generator_step(self, draws: GeneratorDraws) -> float:
        """One step of the generator. Returns its loss before the step."""
        fake = self._generate(draws.noise, draws.conditions, draws.exponential)
        categories = _categories(draws.conditions)
        loss, gradient = self.discriminator.generator_loss(categories, draws.keep)
        if self.pairs is not None:
            loss += self.pairs.add(fake, gradient)
        gradient = self._activation.backward(fake, gradient)
        if draws.conditions is not None:
            loss += self._activation.add_condition_loss(self._logits, draws.conditions, gradient)
        self.generator.backward(gradient, categories, self._generator_adam.gradients)
        self._generator_adam.step()
        return loss


class CTGAN:
    """A conditional tabular GAN.

    Args:
        seed: what every draw of training comes from. A model that was read from a file has none: whoever knew it could draw
            again.
        threads: threads for dense products. The weights depend on it to the last bit.
        hyperparameters: see :class:`Hyperparameters`.

    Raises:
        ValueError: a hyper-parameter is out of its range.
    """

    def __init__(self, *, seed: int | None = None, threads: int = 1, **hyperparameters: Any) -> None:
        self.hyperparameters = Hyperparameters(**hyperparameters)
        if threads < 1:
            raise ValueError(f"threads is {threads}: it must be at least 1")
        self.seed = seed
        self.threads = threads
        self.device = "cpu"
        self.loss_values = loss_frame([])
        self._fitted: tuple[TableTransform, Generator] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLosses], None] | None = None,
    ) -> None:
        """Train on a table. Afterwards ``loss_values`` holds the losses of every epoch.

        Args:
            train_data: discrete columns as strings, all others as finite numbers.
            discrete_columns: which columns are discrete.
            progress: called after every epoch.

        Raises:
            ValueError: the table cannot be trained on; the message names the column and the row.
            TrainingDiverged: a loss is no longer finite.
        """
        from threadpoolctl import threadpool_limits

        if self.seed is None:
            raise ValueError("the model has no seed; give one to train it")
        with threadpool_limits(self.threads):
            rng = np.random.default_rng(self.seed)
            transform, encoded = fit_transform(train_data, discrete_columns, rng)
            training = self._initial(rng, transform, encoded)
            draws = Draws(rng, self.hyperparameters, transform, encoded)
            steps = max(len(encoded) // self.hyperparameters.batch_size, 1)
            losses = []
            self._begun()
            for epoch in range(self.hyperparameters.epochs):
                losses.append(self._epoch(epoch, steps, training, draws))
                if progress is not None:
                    progress(losses[-1])
        self._kept(training.generator)
        self.loss_values = loss_frame(losses)
        self._fitted = transform, training.generator

    def _begun(self) -> None:
        """Called before the first step, for a model that keeps other weights than the last ones."""

    def _stepped(self, generator: Generator) -> None:
        """Called after each step of the generator."""

    def _kept(self, generator: Generator) -> None:
        """Called after the last step: the generator's weights become those that are kept."""

    def _initial(self, rng: np.random.Generator, transform: TableTransform, encoded: EncodedTable) -> Training:
        from customs_assets.generator.ctgan_networks import Discriminator, Generator

        sizes, dtype = self.hyperparameters, np.dtype(np.float32)
        width, conditions = transform.width, transform.condition_width
        generator = Generator.initial(rng, sizes.embedding_dim, conditions, sizes.generator_dim, width, dtype)
        discriminator = Discriminator.initial(rng, width, conditions, sizes.discriminator_dim, sizes.pac, dtype)
        return Training(generator, discriminator, sizes, transform, encoded)

    def _epoch(self, epoch: int, steps: int, training: Training, draws: Draws) -> EpochLosses:
        generator_loss = discriminator_loss = math.nan
        for _ in range(steps):
            for _ in range(self.hyperparameters.discriminator_steps):
                discriminator_loss, _ = training.discriminator_step(draws.discriminator_step())
            generator_loss = training.generator_step(draws.generator_step())
            self._stepped(training.generator)
        if not (math.isfinite(generator_loss) and math.isfinite(discriminator_loss)):
            raise TrainingDiverged(
                f"in epoch {epoch} the generator's loss is {generator_loss} and the discriminator's "
                f"{discriminator_loss}: lower the learning rates or look for extreme numbers in the table"
            )
        return EpochLosses(epoch, generator_loss, discriminator_loss)

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw synthetic rows, with conditions drawn as in training.

        Rows are made in batches of ``batch_size``, since batch normalization takes its statistics over a batch. The last batch is
        cut to the rows that are asked for.

        Args:
            n: how many rows.
            seed: what every draw comes from.

        Returns:
            The training table's columns in its order: discrete ones as the strings given, all others as float64.

        Raises:
            ValueError: a negative number of rows.
            RuntimeError: the model is not fitted.
        """
        from threadpoolctl import threadpool_limits

        from customs_assets.generator.ctgan_networks import Activation

        transform, generator = learned(self._fitted, n)
        rng = np.random.default_rng(seed)
        conditions = ConditionTable(transform, self.hyperparameters.log_frequency)
        activation = Activation(transform)
        batch = self.hyperparameters.batch_size
        exponential = np.empty((batch, int(transform.segment_widths.sum())), np.float32)
        vectors = np.empty((batch, transform.width), np.float32)
        parts = []
        with threadpool_limits(self.threads):
            for first in range(0, max(n, 1), batch):
                noise = standard_normal(rng, (batch, generator.noise_width))
                logits = generator.forward(noise, _categories(conditions.draw(rng, batch)))
                activation.forward(logits, standard_exponential(rng, exponential), out=vectors)
                parts.append(pd.DataFrame(transform.decode(vectors[: min(batch, n - first)])))
        return pd.concat(parts, ignore_index=True)

    @property
    def condition_width(self) -> int:
        """How many categories all discrete columns of the training table have together."""
        return learned(self._fitted)[0].condition_width

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The generator's weights by name, and in JSON's types all else that :meth:`from_state` needs.

        The discriminator has no part in sampling and is left out, as in ctgan.

        Raises:
            RuntimeError: the model is not fitted.
        """
        transform, generator = learned(self._fitted)
        return dict(generator.parameters), {
            "hyperparameters": asdict(self.hyperparameters),
            "threads": self.threads,
            "table": transform.describe(),
            "losses": {str(name): values.tolist() for name, values in self.loss_values.items()},
        }

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> CTGAN:
        """The fitted model that :meth:`to_state` described.

        Raises:
            KeyError, TypeError, ValueError: weights and description are not ours or do not fit each other.
        """
        model = cls(**description["hyperparameters"], threads=description["threads"])
        model.become(TableTransform.from_description(description["table"]), weights)
        model.loss_values = pd.DataFrame(description["losses"], columns=loss_frame([]).columns)
        return model

    def become(self, transform: TableTransform, weights: dict[str, np.ndarray]) -> None:
        """Become the fitted model of a table's columns and a generator's weights.

        Raises:
            ValueError: the weights do not have the shapes or the type that the columns and hyper-parameters ask for.
        """
        from customs_assets.generator.ctgan_networks import Generator

        sizes = self.hyperparameters
        expected = Generator.shapes(
            sizes.embedding_dim, transform.condition_width, sizes.generator_dim, transform.width
        )
        shapes = {name: array.shape for name, array in weights.items()}
        if shapes != expected:
            wrong = sorted(name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name))
            raise ValueError(f"the weights do not have the shapes that the description asks for: {wrong}")
        if any(array.dtype != np.float32 for array in weights.values()):
            raise ValueError("the weights are not all float32")
        parameters = {name: np.ascontiguousarray(weights[name]) for name in expected}
        self._fitted = transform, Generator(parameters, sizes.embedding_dim, sizes.generator_dim)

    def fitted_state(self) -> tuple[TableTransform, dict[str, np.ndarray]]:
        """The table's columns and the generator's weights by name.

        Raises:
            RuntimeError: the model is not fitted.
        """
        transform, generator = learned(self._fitted)
        return transform, dict(generator.parameters)


def loss_frame(losses: Sequence[EpochLosses]) -> pd.DataFrame:
    """The losses of every epoch as a frame."""
    names = pd.Index([field.name for field in fields(EpochLosses)])
    frame = pd.DataFrame([asdict(loss) for loss in losses], columns=names)
    return frame.astype({"epoch": "int64", "generator_loss": "float64", "discriminator_loss": "float64"})
