"""SDV's TVAE, trained by the library; its decoder is stored and sampled here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.ctgan_draws import standard_normal
from customs_assets.generator.library import device_of, tell, trained, translated
from customs_assets.generator.model_table_transform import TableTransform
from customs_assets.generator.synthesizer import EpochLoss, learned


class LibraryTVAE:
    """SDV's ``TVAESynthesizer``: a variational autoencoder of CTGAN's data vector (Xu et al. 2019, section 4.5).

    Args:
        seed: what every draw of training comes from.
        epochs: passes over the table.
    """

    def __init__(self, *, seed: int | None = None, epochs: int = 300) -> None:
        if epochs < 1:
            raise ValueError(f"epochs is {epochs}: it must be at least 1")
        self.seed, self.epochs, self.device = seed, epochs, "cpu"
        self.loss_values = pd.DataFrame(columns=pd.Index(["epoch", "loss"]))
        self._fitted: tuple[TableTransform, dict[str, np.ndarray]] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLoss], None] | None = None,
    ) -> None:
        """Have the library train (:meth:`synthesizer.TableModel.fit`); epochs are reported when all are done."""
        library = trained(
            "TVAESynthesizer", train_data, discrete_columns, self.seed, epochs=self.epochs, enable_gpu=True
        )
        model = library._model
        transform, order = translated(model.transformer, train_data)
        state = {name: tensor.cpu().numpy() for name, tensor in model.decoder.state_dict().items()}
        self._fitted = transform, _decoder(state, order, len(transform.continuous))
        self.device = device_of(model)
        last = model.loss_values.groupby("Epoch")["Loss"].last()
        losses = [EpochLoss(int(epoch), float(loss)) for epoch, loss in last.items()]  # pyright: ignore[reportArgumentType]
        self.loss_values = pd.DataFrame([asdict(loss) for loss in losses])
        tell(progress, losses)

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        from threadpoolctl import threadpool_limits

        transform, weights = learned(self._fitted, n)
        rng = np.random.default_rng(seed)
        with threadpool_limits(1):
            vectors = decoded(weights, standard_normal(rng, (n, len(weights["weight.0"]))))
        scalars = len(transform.continuous)
        vectors[:, :scalars] += weights["sigma"] * standard_normal(rng, (n, scalars))
        return pd.DataFrame(transform.decode(vectors))

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        transform, weights = learned(self._fitted)
        losses = self.loss_values["loss"].tolist()
        return weights, {"table": transform.describe(), "epochs": self.epochs, "device": self.device, "losses": losses}

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> LibraryTVAE:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        model = cls(epochs=description["epochs"])
        transform = TableTransform.from_description(description["table"])
        layers = sum(name.startswith("weight.") for name in weights)
        widths = [weights[f"weight.{layer}"].shape for layer in range(layers)]
        parts = {f"{kind}.{layer}" for kind in ("weight", "shift") for layer in range(layers)}
        if set(weights) != {*parts, "sigma"} or any(
            weights[f"shift.{layer}"].shape != widths[layer][1:] for layer in range(layers)
        ):
            raise ValueError("the decoder is not whole")
        chained = all(before[1] == after[0] for before, after in itertools.pairwise(widths))
        if not chained or widths[-1][1] != transform.width or len(weights["sigma"]) != len(transform.continuous):
            raise ValueError("the weights do not have the shapes that the description asks for")
        model._fitted, model.device = (transform, weights), description["device"]
        losses = [asdict(EpochLoss(epoch, loss)) for epoch, loss in enumerate(description["losses"])]
        model.loss_values = pd.DataFrame(losses, columns=["epoch", "loss"])
        return model


def decoded(weights: dict[str, np.ndarray], noise: np.ndarray) -> np.ndarray:
    """Data vectors (n, width) of the decoder from noise (n, embedding)."""
    hidden, last = noise, sum(name.startswith("weight.") for name in weights) - 1
    for layer in range(last):
        hidden = np.maximum(hidden @ weights[f"weight.{layer}"] + weights[f"shift.{layer}"], np.float32(0))
    return np.tanh(hidden @ weights[f"weight.{last}"] + weights[f"shift.{last}"])


def _decoder(state: dict[str, np.ndarray], order: np.ndarray, scalars: int) -> dict[str, np.ndarray]:
    """The library's decoder under our names, outputs in our order."""
    numbers = sorted(int(name.split(".")[1]) for name in state if name.startswith("seq.") and name.endswith("weight"))
    weights: dict[str, np.ndarray] = {}
    for layer, number in enumerate(numbers):
        columns = order if number == numbers[-1] else slice(None)
        weights[f"weight.{layer}"] = np.ascontiguousarray(state[f"seq.{number}.weight"].T[:, columns])
        weights[f"shift.{layer}"] = np.ascontiguousarray(state[f"seq.{number}.bias"][columns])
    return {**weights, "sigma": np.ascontiguousarray(state["sigma"][order[:scalars]])}
