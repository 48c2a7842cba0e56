"""The one interface of all synthesizers: what a model of a table does, which ones there are, and where each is written.

A model is fitted to a table and some names of its columns, draws new rows by a seed, and becomes arrays and JSON and back
(``checkpoint``). Its file holds no code. What is heavy is imported when a model is made, fitted, loaded or sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

# What a model's arrays and JSON are: the arrays by name, and everything else in JSON's types.
State = tuple[dict[str, np.ndarray], dict[str, Any]]

Learned = TypeVar("Learned")


class Losses(Protocol):
    """The losses of an epoch: a dataclass whose other fields are the losses by name."""

    @property
    def epoch(self) -> int:
        """Counted from 0."""
        ...


@dataclass(frozen=True)
class EpochLoss:
    """The loss of an epoch, of a model that has one. ``epoch`` counts from 0."""

    epoch: int
    loss: float


class TableModel(Protocol):
    """A model of a table.

    Attributes:
        device: what it was trained on: ``cpu``, or the name of a GPU.
        loss_values: ``epoch`` and the losses of every epoch; no rows where nothing is trained step by step.
    """

    device: str
    loss_values: pd.DataFrame

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[Any], None] | None = None,
    ) -> None:
        """Learn a table: discrete columns as strings, all others as finite numbers.

        Raises:
            ValueError: the table cannot be learned; the message names the column and the row.
        """
        ...

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw ``n`` rows with the table's columns in its order. The same seed gives the same rows.

        Raises:
            RuntimeError: the model is not fitted.
            ValueError: a negative number of rows.
        """
        ...

    def to_state(self) -> State:
        """Everything that :meth:`from_state` needs.

        Raises:
            RuntimeError: the model is not fitted.
        """
        ...

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> TableModel:
        """The fitted model that :meth:`to_state` described.

        Raises:
            KeyError, TypeError, ValueError: arrays and description are not ours or do not fit each other.
        """
        ...


def learned(what: Learned | None, rows: int = 0) -> Learned:
    """What a model has learned, so that so many rows can be drawn from it.

    Raises:
        RuntimeError: nothing was learned.
        ValueError: a negative number of rows.
    """
    if what is None:
        raise RuntimeError("the model is not fitted: call fit first, or load a checkpoint")
    if rows < 0:
        raise ValueError(f"{rows} rows cannot be sampled")
    return what


@dataclass(frozen=True)
class Synthesizer:
    """A synthesizer that a release can be drafted by.

    Attributes:
        title: what people call it.
        module, class_name: where its model is written, in this room.
        source: the paper or library that it is from.
        trained_by: whose code trains it; empty where the code is this project's own.
        form: what its file is read as; that of ``ctgan_plain`` where only the training differs.
    """

    title: str
    module: str
    class_name: str
    source: str
    trained_by: str = ""
    form: str = ""

    @property
    def model_class(self) -> Any:
        """The class of its models."""
        return getattr(import_module(f"customs_assets.generator.{self.module}"), self.class_name)


SYNTHESIZERS: Mapping[str, Synthesizer] = MappingProxyType(
    {
        "ctgan": Synthesizer("CTGAN, pairs in its loss", "paired_ctgan", "PairedCTGAN", "Afonja et al. 2023"),
        "ctgan_plain": Synthesizer("CTGAN as published", "ctgan", "CTGAN", "Xu et al. 2019"),
        "sdv_ctgan": Synthesizer(
            "CTGAN, SDV's loop", "library_gans", "LibraryCTGAN", "Xu et al. 2019", "sdv, ctgan", form="ctgan_plain"
        ),
        "sdv_tvae": Synthesizer("TVAE", "library_tvae", "LibraryTVAE", "Xu et al. 2019", "sdv, ctgan"),
        "sdv_copulagan": Synthesizer("CopulaGAN", "library_gans", "LibraryCopulaGAN", "SDV", "sdv, ctgan, copulas"),
        "sdv_gaussian_copula": Synthesizer(
            "Gaussian copula", "library_copula", "LibraryGaussianCopula", "Patki et al. 2016", "sdv, copulas"
        ),
        "tgan": Synthesizer("TGAN", "tgan", "TGAN", "Xu and Veeramachaneni 2018"),
        "diffusion": Synthesizer("masked diffusion", "diffusion", "MaskedDiffusion", "Austin et al. 2021"),
        "trees": Synthesizer("sequential trees", "sequential_trees", "SequentialTrees", "Reiter 2005"),
        "independent": Synthesizer("independent columns", "independent", "IndependentColumns", "none"),
    }
)


def synthesizer(name: str) -> Synthesizer:
    """A synthesizer by its name.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in SYNTHESIZERS:
        raise ValueError(f"{name!r} is no synthesizer; there are {', '.join(SYNTHESIZERS)}")
    return SYNTHESIZERS[name]


def new_model(name: str, *, seed: int, epochs: int) -> TableModel:
    """A model to be fitted.

    Args:
        name: a key of :data:`SYNTHESIZERS`.
        seed: what every draw of fitting comes from.
        epochs: passes over the table, for a model that is trained in passes. Each model takes its own share of them.

    Raises:
        ValueError: there is no such synthesizer, or a number is out of its range.
    """
    return synthesizer(name).model_class(seed=seed, epochs=epochs)


def fit(
    name: str,
    table: pd.DataFrame,
    discrete_columns: Sequence[str],
    *,
    seed: int,
    epochs: int,
    progress: Callable[[Any], None] | None = None,
) -> TableModel:
    """A fitted model of a table; arguments as for :func:`new_model` and :meth:`TableModel.fit`."""
    model = new_model(name, seed=seed, epochs=epochs)
    model.fit(table, discrete_columns, progress)
    return model
