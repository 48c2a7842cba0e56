"""Proof that it is CTGAN: the library's own loop, led through the same draws, has the same losses.

The library's ``CTGAN.fit`` runs unchanged. As the table has as many rows as a batch, its epoch is one step and its
``loss_values`` holds every step's losses. Everything that it draws (noise, conditions, rows, Gumbel noise, dropout,
interpolation) and its initial weights are recorded on the way and then given to our steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
import torch
from ctgan.data_sampler import DataSampler
from ctgan.synthesizers import ctgan as reference

from customs_assets.generator.conditional_sampling import Conditions
from customs_assets.generator.ctgan import Training
from customs_assets.generator.ctgan_draws import DiscriminatorDraws, GeneratorDraws
from customs_assets.generator.ctgan_networks import Discriminator, Generator
from customs_assets.generator.hyperparameters import Hyperparameters
from customs_assets.generator.model_table_transform import (
    ContinuousColumn,
    DiscreteColumn,
    EncodedTable,
    TableTransform,
)

STEPS = 50
BATCH = 60
PAC = 10


@dataclass
class Record:
    """What the library drew, in its order, and what it was made of at the start."""

    noise: list[np.ndarray] = field(default_factory=list)
    conditions: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    real_conditions: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    exponential: list[np.ndarray] = field(default_factory=list)
    dropout: list[np.ndarray] = field(default_factory=list)
    interpolation: list[np.ndarray] = field(default_factory=list)
    initial: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    matrix: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))


@pytest.fixture
def precision(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """torch's default type for one test."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


def _recorded(record: Record, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    """Let everything that ctgan draws be recorded; the loop itself is not touched."""
    normal, rand, from_numpy = torch.normal, torch.rand, torch.from_numpy
    exponential, condvec, data = torch.Tensor.exponential_, DataSampler.sample_condvec, DataSampler.sample_data

    def kept(kind: list[np.ndarray], tensor: torch.Tensor) -> torch.Tensor:
        kind.append(tensor.detach().numpy().copy())
        return tensor

    def dropout(values: torch.Tensor, p: float, training: bool, inplace: bool) -> torch.Tensor:
        assert training and p == 0.5
        return values * kept(record.dropout, torch.empty_like(values).bernoulli_(1 - p)) / (1 - p)

    def sample_condvec(sampler: DataSampler, batch: int) -> tuple | None:
        drawn = condvec(sampler, batch)
        if drawn is not None:
            record.conditions.append((drawn[2], sampler._discrete_column_cond_st[drawn[2]] + drawn[3]))
        return drawn

    def sample_data(sampler: DataSampler, table: np.ndarray, n: int, col: np.ndarray, opt: np.ndarray) -> np.ndarray:
        rows = data(sampler, np.arange(len(table)), n, col, opt)
        record.rows.append(rows)
        record.matrix = table
        if col is not None:
            record.real_conditions.append((col, sampler._discrete_column_cond_st[col] + opt))
        return table[rows]

    def recording(kind: str, initialize: Callable[..., None]) -> Callable[..., None]:
        def recorded(network: torch.nn.Module, *arguments: object, **named: object) -> None:
            initialize(network, *arguments, **named)
            record.initial[kind] = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}

        return recorded

    monkeypatch.setattr(torch, "normal", lambda **named: kept(record.noise, normal(**named)))
    monkeypatch.setattr(torch, "rand", lambda *shape, **named: kept(record.interpolation, rand(*shape, **named)))
    # The library turns real rows and conditions to float32 before this call, whatever torch's default type is.
    monkeypatch.setattr(torch, "from_numpy", lambda array: from_numpy(array).to(dtype))
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda tensor: kept(record.exponential, exponential(tensor)))
    monkeypatch.setattr(torch.nn.functional, "dropout", dropout)
    monkeypatch.setattr(DataSampler, "sample_condvec", sample_condvec)
    monkeypatch.setattr(DataSampler, "sample_data", sample_data)
    for kind in (reference.Generator, reference.Discriminator):
        monkeypatch.setattr(kind, "__init__", recording(kind.__name__, kind.__init__))


class Translation:
    """From the library's order of positions to ours, which has all scalars first and then all segments."""

    def __init__(self, model: reference.CTGAN, record: Record) -> None:
        scalars, components, categories, noise_components, noise_categories = [], [], [], [], []
        continuous, discrete, start, noise_start = [], [], 0, 0
        assert model._transformer is not None
        for place, spans in enumerate(model._transformer.output_info_list):
            width = spans[-1].dim
            ones = np.arange(width) + start + len(spans) - 1
            if len(spans) == 2:
                scalars.append(start)
                components.extend(ones)
                noise_components.extend(np.arange(width) + noise_start)
                continuous.append(ContinuousColumn(f"number {place}", np.zeros(width), np.ones(width)))
            else:
                categories.extend(ones)
                noise_categories.extend(np.arange(width) + noise_start)
                counts = record.matrix[:, ones].sum(axis=0).astype(np.int64)
                discrete.append(DiscreteColumn(f"code {place}", tuple(map(str, range(width))), counts))
            start += width + len(spans) - 1
            noise_start += width
        self.order = np.array([*scalars, *components, *categories], dtype=np.int64)
        self.noise_order = np.array([*noise_components, *noise_categories], dtype=np.int64)
        names = tuple(column.name for column in (*continuous, *discrete))
        self.transform = TableTransform(names, tuple(continuous), tuple(discrete))

    def encoded(self, matrix: np.ndarray) -> EncodedTable:
        ours = matrix[:, self.order].astype(np.float32).astype(np.float64)
        splits = [self.transform.width] if not len(self.transform.segment_widths) else self.transform.segment_starts
        segments = np.split(ours, splits, axis=1)[1:]
        ones = np.column_stack([segment.argmax(axis=1) for segment in segments]) + self.transform.segment_starts
        return EncodedTable(ours[:, : len(self.transform.continuous)], ones)

    def generator(self, state: dict[str, np.ndarray], sizes: Hyperparameters) -> Generator:
        layers = len(sizes.generator_dim)
        parameters = {}
        for layer in range(layers + 1):
            prefix = f"seq.{layer}.fc" if layer < layers else f"seq.{layer}"
            weight = state[f"{prefix}.weight"].T
            if layer == layers:
                weight = weight[:, self.order]
            dense = len(weight) - self.transform.condition_width
            parameters[f"weight.{layer}"] = weight[:dense].copy()
            if self.transform.condition_width:
                parameters[f"condition.{layer}"] = weight[dense:].copy()
            if layer < layers:
                parameters[f"scale.{layer}"] = state[f"seq.{layer}.bn.weight"]
                parameters[f"shift.{layer}"] = state[f"seq.{layer}.bn.bias"]
            else:
                parameters[f"shift.{layer}"] = state[f"seq.{layer}.bias"][self.order]
        return Generator(parameters, sizes.embedding_dim, sizes.generator_dim)

    def discriminator(self, state: dict[str, np.ndarray], sizes: Hyperparameters) -> Discriminator:
        width, conditions = self.transform.width, self.transform.condition_width
        slots = np.arange(sizes.pac)[:, None] * (width + conditions)
        rows = np.concatenate([(slots + self.order).ravel(), (slots + width + np.arange(conditions)).ravel()])
        parameters = {}
        for layer in range(len(sizes.discriminator_dim) + 1):
            weight = state[f"seq.{3 * layer}.weight"].T
            parameters[f"weight.{layer}"] = (weight[rows] if layer == 0 else weight).copy()
            parameters[f"shift.{layer}"] = state[f"seq.{3 * layer}.bias"]
        return Discriminator(parameters, width, conditions, sizes.discriminator_dim, sizes.pac)


def _our_losses(model: reference.CTGAN, record: Record, sizes: Hyperparameters) -> pd.DataFrame:
    """Our steps on the recorded draws."""
    translation = Translation(model, record)
    training = Training(
        translation.generator(record.initial["Generator"], sizes),
        translation.discriminator(record.initial["Discriminator"], sizes),
        sizes,
        translation.transform,
        translation.encoded(record.matrix),
    )
    noise, rows, interpolation = iter(record.noise), iter(record.rows), iter(record.interpolation)
    exponential, dropout = iter(record.exponential), iter(record.dropout)
    conditions, real_conditions = iter(record.conditions), iter(record.real_conditions)

    def next_conditions(source: Iterator[tuple[np.ndarray, np.ndarray]]) -> Conditions | None:
        return Conditions(*next(source)) if translation.transform.discrete else None

    def next_exponential() -> np.ndarray:
        spans = [next(exponential) for _ in translation.transform.segment_widths]
        return np.concatenate(spans, axis=1)[:, translation.noise_order]

    def next_keep(passes: int) -> list[np.ndarray]:
        masks = [[next(dropout) for _ in sizes.discriminator_dim] for _ in range(passes)]
        # The library judges fake, real and interpolates; ours stacks the interpolates first.
        return [np.concatenate(layer[-1:] + layer[:-1]) for layer in map(list, zip(*masks, strict=True))]

    losses = []
    for _ in range(STEPS):
        for _ in range(sizes.discriminator_steps):
            draws = DiscriminatorDraws(
                next(noise),
                next_conditions(conditions),
                next_conditions(real_conditions),
                next(rows),
                next_exponential(),
                next_keep(3),
                next(interpolation).ravel(),
            )
            discriminator_loss, _ = training.discriminator_step(draws)
        generator_draws = GeneratorDraws(next(noise), next_conditions(conditions), next_exponential(), next_keep(1))
        losses.append((training.generator_step(generator_draws), discriminator_loss))
    assert all(next(source, None) is None for source in (noise, rows, interpolation, exponential, dropout, conditions))
    return pd.DataFrame(losses, columns=pd.Index(["Generator Loss", "Discriminator Loss"]))


def _table(rows: int = BATCH) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "office_id": rng.choice(["13", "20", "40", "121"], rows),
            "net_mass": rng.lognormal(3.0, 2.0, rows),
            "process_type": np.full(rows, "B"),
            "hs6_code": rng.choice([f"{code:06d}" for code in range(10100, 10140)], rows),
            "tax_rate": rng.choice([0.0, 8.0, 13.0], rows) + rng.normal(0, 0.1, rows),
            "fraud": rng.choice(["0", "1"], rows, p=[0.8, 0.2]),
        }
    )


NUMBERS = ("net_mass", "tax_rate")
CODES = ("office_id", "process_type", "hs6_code", "fraud")


@pytest.mark.parametrize("precision", [torch.float64], indirect=True, ids=["float64"])
@pytest.mark.parametrize(
    ("columns", "changed"),
    [
        ((*CODES, *NUMBERS), {}),
        (("hs6_code", "tax_rate", "fraud"), {"discriminator_steps": 3, "pac": 5, "generator_dim": (24,)}),
        (CODES, {"discriminator_dim": (32, 16, 8)}),
        (NUMBERS, {}),
    ],
    ids=["both kinds", "other hyper-parameters", "discrete only", "continuous only"],
)
def test_fifty_steps_have_the_losses_of_the_library_s_own_loop(
    columns: tuple[str, ...],
    changed: dict,
    precision: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {
        "embedding_dim": 16,
        "generator_dim": (32, 24),
        "discriminator_dim": (32, 24),
        "generator_lr": 2e-3,
        "discriminator_lr": 2e-3,
        "discriminator_decay": 1e-4,
        "batch_size": BATCH,
        "pac": PAC,
        "epochs": STEPS,
    } | changed
    model = reference.CTGAN(**settings, enable_gpu=False)
    model.set_random_state(11)
    record = Record()
    with monkeypatch.context() as patches:
        _recorded(record, patches, precision)
        model.fit(_table()[list(columns)], [name for name in columns if name in CODES])
    ours = _our_losses(model, record, Hyperparameters(**settings))
    assert model.loss_values is not None
    for name in ours.columns:
        np.testing.assert_allclose(ours[name], model.loss_values[name].astype(float), rtol=1e-8, atol=0)
    assert model.loss_values["Generator Loss"].std() > 0.01
