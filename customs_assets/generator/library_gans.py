"""SDV's two GANs: CTGAN, stored and sampled as our own loop's, and CopulaGAN, which learns other numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.ctgan import CTGAN, EpochLosses, loss_frame
from customs_assets.generator.library import described_distribution, device_of, quantiles, tell, trained, translated
from customs_assets.generator.model_table_transform import TableTransform


class LibraryCTGAN(CTGAN):
    """SDV's ``CTGANSynthesizer``, trained by the library, on a GPU where there is one.

    It becomes a :class:`ctgan.CTGAN`, which is what its file is read as. The library draws by its own generators, so the weights
    are others than those of our loop.

    Args:
        seed: what every draw of training comes from.
        hyperparameters: see :class:`hyperparameters.Hyperparameters`.
    """

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLosses], None] | None = None,
    ) -> None:
        """Have the library train (:meth:`synthesizer.TableModel.fit`); epochs are reported when all are done."""
        sizes = self.hyperparameters
        library = trained(
            "CTGANSynthesizer", train_data, discrete_columns, self.seed, **self._parameters(), enable_gpu=True
        )
        self.take(library._model, train_data)
        tell(progress, [EpochLosses(*loss) for loss in self.loss_values.itertuples(index=False)])
        assert sizes.epochs == len(self.loss_values)

    def _parameters(self) -> dict[str, Any]:
        sizes = self.hyperparameters
        return {name: getattr(sizes, name) for name in sizes.__dataclass_fields__}

    def take(self, model: Any, table: pd.DataFrame) -> None:
        """Become a fitted model of ``ctgan``, trained on a table."""
        transform, order = translated(model._transformer, table)
        state = {name: tensor.cpu().numpy() for name, tensor in model._generator.state_dict().items()}
        self.become(transform, self._translated_weights(state, order, transform.condition_width))
        self.device = device_of(model)
        losses = model.loss_values
        self.loss_values = loss_frame(
            [
                EpochLosses(int(epoch), float(generator), float(discriminator))
                for epoch, generator, discriminator in zip(
                    losses["Epoch"], losses["Generator Loss"], losses["Discriminator Loss"], strict=True
                )
            ]
        )

    def _translated_weights(
        self, state: dict[str, np.ndarray], order: np.ndarray, conditions: int
    ) -> dict[str, np.ndarray]:
        """The library's generator under our names, outputs in our order; its biases before batch normalization have no effect."""
        layers = len(self.hyperparameters.generator_dim)
        parameters: dict[str, np.ndarray] = {}
        for layer in range(layers + 1):
            prefix = f"seq.{layer}.fc" if layer < layers else f"seq.{layer}"
            weight = state[f"{prefix}.weight"].T
            weight = weight[:, order] if layer == layers else weight
            dense = len(weight) - conditions
            parameters[f"weight.{layer}"] = np.ascontiguousarray(weight[:dense])
            if conditions:
                parameters[f"condition.{layer}"] = np.ascontiguousarray(weight[dense:])
            if layer < layers:
                parameters[f"scale.{layer}"] = state[f"seq.{layer}.bn.weight"]
                parameters[f"shift.{layer}"] = state[f"seq.{layer}.bn.bias"]
            else:
                parameters[f"shift.{layer}"] = state[f"seq.{layer}.bias"][order]
        return parameters


class LibraryCopulaGAN:
    """SDV's ``CopulaGANSynthesizer``: each number is made normal by a beta distribution first, and CTGAN learns the result.

    Args:
        seed: what every draw of training comes from.
        hyperparameters: CTGAN's.
    """

    def __init__(self, *, seed: int | None = None, **hyperparameters: Any) -> None:
        self._gan = LibraryCTGAN(seed=seed, **hyperparameters)
        self._distributions: dict[str, dict[str, Any]] = {}

    @property
    def device(self) -> str:
        """What it was trained on."""
        return self._gan.device

    @property
    def loss_values(self) -> pd.DataFrame:
        """CTGAN's losses."""
        return self._gan.loss_values

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLosses], None] | None = None,
    ) -> None:
        """Have the library train (:meth:`synthesizer.TableModel.fit`); epochs are reported when all are done."""
        gan = self._gan
        library = trained(
            "CopulaGANSynthesizer", train_data, discrete_columns, gan.seed, **gan._parameters(), enable_gpu=True
        )
        gan.take(library._model, train_data)
        transformers = library._gaussian_normalizer_hyper_transformer.field_transformers
        self._distributions = {
            str(name): described_distribution(transformers[name]._univariate)
            for name in train_data.columns
            if name not in discrete_columns
        }
        tell(progress, [EpochLosses(*loss) for loss in self.loss_values.itertuples(index=False)])

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        from scipy.stats import norm

        rows = self._gan.sample(n, seed)
        numbers = {
            name: quantiles(distribution, norm.cdf(rows[name].to_numpy(float)))
            for name, distribution in self._distributions.items()
        }
        return rows.assign(**numbers)

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        weights, description = self._gan.to_state()
        return weights, {**description, "device": self.device, "distributions": self._distributions}

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> LibraryCopulaGAN:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        gan = CTGAN.from_state(weights, description)
        model = cls(**description["hyperparameters"])
        model._gan.become(*gan.fitted_state())
        model._gan.device, model._gan.loss_values = description["device"], gan.loss_values
        transform: TableTransform = gan.fitted_state()[0]
        model._distributions = dict(description["distributions"])
        if set(model._distributions) != {column.name for column in transform.continuous}:
            raise ValueError("there is not one distribution for each column of numbers")
        for distribution in model._distributions.values():
            quantiles(distribution, np.array([0.5]))
        return model
