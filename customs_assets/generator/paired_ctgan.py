"""CTGAN that is held to how often every two categories occur together. It is what ``ctgan`` is.

As published (``ctgan``), 300 epochs of a month are some 1,500 steps, and a classifier tells the draft from the month at once.
Four things are otherwise here, none of which costs time (``docs/synthesizers.md`` has what each is worth):

* *Pairs in the loss* (``pair_loss``), as MargCTGAN has moments in it (Afonja, Chen and Fritz 2023).
* *Averaged weights.* A GAN's generator circles around what it is after, and where it stops is chance. The mean of where it was is
  nearer (Yazıcı et al. 2019, *The unusual effectiveness of averaging in GAN training*).
* *Numbers by their ranks.* A number is learned as its quantile on a normal distribution, and drawn as the number that the table
  has there. So numbers that recur come back as they are.
* *Higher learning rates*, since there are so few steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.generator.ctgan import CTGAN, EpochLosses, Training
from customs_assets.generator.hyperparameters import Hyperparameters
from customs_assets.generator.pair_loss import PairLoss
from customs_assets.generator.synthesizer import learned
from customs_assets.generator.table_columns import NumberColumn, TableColumns

if TYPE_CHECKING:
    from customs_assets.generator.ctgan_networks import Generator
    from customs_assets.generator.model_table_transform import EncodedTable, TableTransform

# The arrays of a file that hold a column's numbers.
_NUMBERS = "number."


@dataclass(frozen=True)
class PairedHyperparameters(Hyperparameters):
    """CTGAN's hyper-parameters, and two more.

    Attributes:
        pair_weight: what the loss of the pairs counts beside the discriminator's.
        averaged_steps: about how many of the latest steps the weights are averaged over.

    Raises:
        ValueError: a value is out of its range.
    """

    generator_lr: float = 1e-3
    discriminator_lr: float = 5e-4
    pair_weight: float = 30.0
    averaged_steps: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.averaged_steps < 1 or self.pair_weight < 0:
            raise ValueError("averaged_steps must be at least 1, and pair_weight at least 0")


class PairedCTGAN(CTGAN):
    """A :class:`ctgan.CTGAN` with pairs in its loss, averaged weights, and numbers by their ranks.

    Args:
        seed, threads: as of :class:`ctgan.CTGAN`.
        hyperparameters: see :class:`PairedHyperparameters`.
    """

    hyperparameters: PairedHyperparameters

    def __init__(self, *, seed: int | None = None, threads: int = 1, **hyperparameters: Any) -> None:
        super().__init__(seed=seed, threads=threads)
        self.hyperparameters = PairedHyperparameters(**hyperparameters)
        self._numbers: tuple[NumberColumn, ...] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLosses], None] | None = None,
    ) -> None:
        """Train on a table (:meth:`ctgan.CTGAN.fit`)."""
        from scipy.stats import norm

        columns, values = TableColumns.fit(train_data, discrete_columns)
        least = 0.25 / len(train_data)
        normal = {}
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, 1])
            for column in columns.numbers:
                places = column.places(values[column.name], rng)
                normal[column.name] = norm.ppf(np.clip(places, least, 1.0 - least))
        super().fit(train_data.assign(**normal), discrete_columns, progress)
        self._numbers = columns.numbers

    def _initial(self, rng: np.random.Generator, transform: TableTransform, encoded: EncodedTable) -> Training:
        training = super()._initial(rng, transform, encoded)
        sizes = self.hyperparameters
        training.pairs = PairLoss(transform, encoded, log_frequency=sizes.log_frequency, weight=sizes.pair_weight)
        return training

    def _begun(self) -> None:
        self._average: dict[str, np.ndarray] = {}
        self._steps = 0

    def _stepped(self, generator: Generator) -> None:
        self._steps += 1
        # The first steps are a plain mean, so that the initial weights leave no trace.
        share = np.float32(max(1.0 / self.hyperparameters.averaged_steps, 1.0 / self._steps))
        for name, array in generator.parameters.items():
            if name in self._average:
                self._average[name] += share * (array - self._average[name])
            else:
                self._average[name] = array.copy()

    def _kept(self, generator: Generator) -> None:
        for name, array in generator.parameters.items():
            np.copyto(array, self._average[name])
        self._average = {}

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`ctgan.CTGAN.sample`)."""
        from scipy.stats import norm

        columns, rows = learned(self._numbers, n), super().sample(n, seed)
        return rows.assign(
            **{column.name: column.at(norm.cdf(rows[column.name].to_numpy(float))) for column in columns}
        )

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The weights and the numbers' columns, and all else in JSON's types (:meth:`ctgan.CTGAN.to_state`)."""
        numbers = learned(self._numbers)
        weights, description = super().to_state()
        return {**weights, **{f"{_NUMBERS}{column.name}": column.values for column in numbers}}, description

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> PairedCTGAN:
        """The fitted model that :meth:`to_state` described; raises as :meth:`ctgan.CTGAN.from_state`."""
        of_networks = {name: array for name, array in weights.items() if not name.startswith(_NUMBERS)}
        model = super().from_state(of_networks, description)
        assert isinstance(model, cls)
        names = [column.name for column in learned(model._fitted)[0].continuous]
        columns = [NumberColumn(name, np.asarray(weights[_NUMBERS + name], np.float64)) for name in names]
        if any(column.values.ndim != 1 or not len(column.values) for column in columns):
            raise ValueError("a column of numbers has none")
        if len(weights) != len(of_networks) + len(columns):
            raise ValueError("there are numbers of columns that the table does not have")
        model._numbers = tuple(columns)
        return model
