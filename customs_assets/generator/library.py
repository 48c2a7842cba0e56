"""What SDV's synthesizers share: how they are trained here, and how what they learned becomes arrays and JSON of ours.

The library trains. What it learned is then taken out of its objects, so that a model's file holds no pickled object of a library,
and is sampled without it. ``sdv``, ``ctgan``, ``copulas`` and ``rdt`` are under the Business Source License
(``docs/synthesizers.md``); they are imported only while a model is trained.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.model_table_transform import (
    ContinuousColumn,
    DiscreteColumn,
    TableTransform,
    finite_numbers,
    fit_discrete,
    validate_table,
)
from customs_assets.generator.repeatable import repeatable
from customs_assets.sdv_library import import_sdv

# What the one table is called in SDV's metadata.
_TABLE = "rows"


def trained(
    class_name: str,
    table: pd.DataFrame,
    discrete_columns: Sequence[str],
    seed: int | None,
    **parameters: Any,
) -> Any:
    """A synthesizer of ``sdv.single_table``, trained by the library on a table.

    Numbers are neither rounded nor cut to the training table's range afterwards.

    Raises:
        ValueError: there is no seed, or the table cannot be learned; the message names the column and the row.
    """
    if seed is None:
        raise ValueError("the model has no seed; give one to train it")
    validate_table(table, discrete_columns)
    for name, column in table.items():
        fit_discrete(column) if name in discrete_columns else finite_numbers(column)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Metadata = import_sdv().metadata.Metadata
        import sdv.single_table

        sdtypes = {
            str(name): {"sdtype": "categorical" if name in discrete_columns else "numerical"} for name in table.columns
        }
        metadata = Metadata.load_from_dict({"tables": {_TABLE: {"columns": sdtypes}}})
        plain = {"enforce_min_max_values": False, "enforce_rounding": False}
        synthesizer = getattr(sdv.single_table, class_name)(metadata, **plain, **parameters)
        with repeatable(seed), _in_one_process():
            synthesizer.fit({_TABLE: table.reset_index(drop=True)})
    return synthesizer


@contextmanager
def _in_one_process() -> Iterator[None]:
    """Have ctgan encode a table's columns here, not in processes of their own, whose generators nobody seeds."""
    from ctgan.data_transformer import DataTransformer

    beside = DataTransformer._parallel_transform
    DataTransformer._parallel_transform = DataTransformer._synchronous_transform
    try:
        yield
    finally:
        DataTransformer._parallel_transform = beside


def device_of(model: Any) -> str:
    """The device that a model of ``ctgan`` was trained on."""
    from customs_assets.generator.repeatable import device_name

    return device_name("cuda" if "cuda" in str(model._device) else "cpu")


def translated(transformer: Any, table: pd.DataFrame) -> tuple[TableTransform, np.ndarray]:
    """ctgan's ``DataTransformer`` as ours, and for each position of our data vector its position in the library's.

    The library's vector has each column's scalar and components, or its categories, column by column.
    """
    continuous, discrete, scalars, components, categories = [], [], [], [], []
    start = 0
    for column in transformer._column_transform_info_list:
        name, places = str(column.column_name), np.arange(column.output_dimensions) + start
        start += column.output_dimensions
        if column.column_type == "continuous":
            mixture, kept = column.transform._bgm_transformer, column.transform.valid_component_indicator
            deviations = np.sqrt(mixture.covariances_).ravel()[kept]
            continuous.append(ContinuousColumn(name, mixture.means_.ravel()[kept], deviations))
            scalars.append(places[:1])
            components.append(places[1:])
        else:
            names = tuple(map(str, column.transform.dummies))
            counts = table[name].value_counts()
            discrete.append(DiscreteColumn(name, names, np.array([counts[category] for category in names], np.int64)))
            categories.append(places)
    order = np.concatenate([*scalars, *components, *categories])
    return TableTransform(tuple(map(str, table.columns)), tuple(continuous), tuple(discrete)), order


def tell(progress: Callable[[Any], None] | None, losses: Sequence[Any]) -> None:
    """Report the epochs of a training that the library reports afterwards."""
    if progress is not None:
        for loss in losses:
            progress(loss)


# The distributions of ``copulas`` that its synthesizers fit to numbers: beta, or normal where that fails.
_DISTRIBUTIONS = {"BetaUnivariate": "beta", "GaussianUnivariate": "norm"}


def described_distribution(univariate: Any) -> dict[str, Any]:
    """A fitted univariate of ``copulas`` in JSON's types.

    Raises:
        ValueError: the library fitted another distribution than those that are known here.
    """
    found = {name: value for name, value in univariate.to_dict().items() if name != "type"}
    kind = _DISTRIBUTIONS.get(type(univariate).__name__)
    if kind is None:
        raise ValueError(f"the library fitted a {type(univariate).__name__}, which is not known here")
    return {"kind": kind, **{name: float(value) for name, value in found.items()}}


def quantiles(distribution: dict[str, Any], shares: np.ndarray) -> np.ndarray:
    """The values of a described distribution at some shares between 0 and 1.

    Raises:
        KeyError, ValueError: it is no distribution that :func:`described_distribution` described.
    """
    from scipy import stats

    parameters = {name: value for name, value in distribution.items() if name != "kind"}
    if distribution["kind"] not in _DISTRIBUTIONS.values():
        raise ValueError(f"{distribution['kind']!r} is no distribution that is known here")
    if parameters["scale"] == 0:
        return np.full(len(shares), parameters["loc"])
    return np.asarray(getattr(stats, distribution["kind"]).ppf(shares, **parameters))
