"""A graph of declarations that share importers, codes and sellers, after GraphFC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors.deep.inputs import NUMBERS, Vocabulary
from customs_assets.benchmark.detectors.deep.leaves import Leaves
from customs_assets.benchmark.detectors.deep.training import Batch, NetworkDetector, Schedule, two_losses
from customs_assets.benchmark.features import Features

if TYPE_CHECKING:
    import torch
    from torch import nn

# What declarations may share. An empty seller is shared by nobody.
SHARED = ("importer_id", "hs6_code", "seller_id")

_WIDTH, _LAYERS, _DROPOUT = 32, 2, 0.2

# Declarations of a step: whole importers, so that a step sees what an importer's declarations have in common.
_BLOCK = 2048

_PRETRAINING = 2


class GraphFC(NetworkDetector):
    """A graph network after GraphFC (Singh et al., CIKM 2023), semi-supervised and inductive.

    A declaration's features are its leaves of boosted trees, and its numbers. In each of two layers it hears the mean of the
    declarations that it shares its importer with, of those with its code, and of those with its seller, itself left out. First
    the network learns without labels to tell true neighbourhoods from those of shuffled features (Velickovic et al. 2019, Deep
    Graph Infomax), then it learns label and revenue together.

    A declaration that is scored hears training declarations alone. So it is scored for itself, and an importer that training has
    not seen says nothing. Written from the paper's description: the mean stands for its choice of graph layers, and a step sees a
    block of importers instead of sampled neighbours.
    """

    name: ClassVar[str] = "graph_fc"
    title: ClassVar[str] = "GraphFC"
    schedule: ClassVar[Schedule] = Schedule(epochs=14, batch=_BLOCK, learning_rate=0.01, least_steps=80, most_steps=600)
    semi_supervised: ClassVar[bool] = True

    def learn(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        """Train the trees, learn the vocabulary, and number what declarations share."""
        self._leaves, self._vocabulary = Leaves(features, fraud, known), Vocabulary.of(features)
        self._shared = {name: pd.Index(np.sort(features.declarations[name].unique())) for name in SHARED}

    def inputs(self, features: Features) -> dict[str, np.ndarray]:
        """Leaves, numbers, and the number of what is shared; the last number where it is shared with nobody."""
        shared = []
        for name, values in self._shared.items():
            texts = features.declarations[name].to_numpy(object)
            numbers = values.get_indexer(pd.Index(texts))
            shared.append(np.where((numbers < 0) | (texts == ""), len(values), numbers))
        return {
            "leaves": self._leaves.of(features),
            "numbers": self._vocabulary.numbers(features),
            "shared": np.column_stack(shared).astype(np.int64),
        }

    def network(self) -> nn.Module:
        """Two layers on a graph, and both tasks."""
        return _network(self._leaves.count, [len(values) + 1 for values in self._shared.values()])

    def train(self, rows: Batch) -> None:
        """Learn neighbourhoods, then both tasks; then keep what training declarations tell others."""
        import torch

        network = self._network
        pretraining = replace(self.schedule, epochs=_PRETRAINING, least_steps=_PRETRAINING)
        _steps(network, rows, network.tells_neighbourhoods, pretraining)  # pyright: ignore[reportArgumentType]
        _steps(network, rows, lambda block: _labelled(network, block), self.schedule)
        with torch.no_grad():
            network.keep(rows)  # pyright: ignore[reportCallIssue]


def _labelled(network: nn.Module, block: Batch) -> torch.Tensor:
    """Both tasks' loss over the inspected declarations of a block; all others are only heard."""
    fraud, revenue = network.of_block(block)  # pyright: ignore[reportCallIssue]
    inspected = block["known"] > 0
    if not inspected.any():
        return 0.0 * fraud.sum()
    targets = {name: block[name][inspected] for name in ("fraud", "revenue")}
    return two_losses(fraud[inspected], revenue[inspected], targets)


def _steps(network: nn.Module, rows: Batch, loss: Callable[[Batch], torch.Tensor], schedule: Schedule) -> None:
    """Minimize a loss over blocks of importers, as ``training.train`` does over batches of rows."""
    import torch

    steps = schedule.steps(len(rows["fraud"]), schedule.batch)
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    blocks = _blocks(rows["shared"][:, 0], schedule.batch)
    for _ in range(steps):
        chosen = next(blocks)
        optimizer.zero_grad(set_to_none=True)
        loss({name: tensor[chosen] for name, tensor in rows.items()}).backward()
        optimizer.step()
        falling.step()
    network.train(False)


def _blocks(importers: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """Rows by blocks of at most ``size``, importer by importer in a drawn order, again and again without end."""
    import torch

    while True:
        places = torch.randperm(int(importers.max()) + 1)
        order = torch.argsort(places[importers.cpu()], stable=True).to(importers.device)
        yield from order.split(size)


def _network(leaves: int, sizes: list[int]) -> nn.Module:
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits, embedding_bag

    from customs_assets.benchmark.detectors.deep.layers import TwoTasks

    class Layer(nn.Module):
        """A declaration's own vector, and the means of those that it shares something with."""

        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Linear(_WIDTH, _WIDTH)
            self.heard = nn.Linear(_WIDTH * len(sizes), _WIDTH, bias=False)
            self.norm = nn.LayerNorm(_WIDTH)

        def forward(self, own: torch.Tensor, means: list[torch.Tensor]) -> torch.Tensor:
            return torch.relu(self.norm(self.own(own) + self.heard(torch.cat(means, dim=1)))) + own

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.leaves = nn.Embedding(leaves, _WIDTH)
            nn.init.normal_(self.leaves.weight, std=0.1)
            self.numbers, self.dropout = nn.Linear(len(NUMBERS), _WIDTH), nn.Dropout(_DROPOUT)
            self.layers = nn.ModuleList(Layer() for _ in range(_LAYERS))
            self.alike, self.tasks = nn.Linear(_WIDTH, _WIDTH, bias=False), TwoTasks(_WIDTH)
            self.kept: list[list[torch.Tensor]] = []

        def declared(self, batch: Batch) -> torch.Tensor:
            """A declaration by itself."""
            seen = embedding_bag(batch["leaves"], self.leaves.weight, mode="mean") * batch["leaves"].shape[1] ** 0.5
            return self.dropout(torch.relu(seen + self.numbers(batch["numbers"])))

        def tells_neighbourhoods(self, block: Batch) -> torch.Tensor:
            """How badly true neighbourhoods are told from those of shuffled features."""
            own = self.declared(block)
            shuffled = own[torch.randperm(len(own)).to(own.device)]
            true, false = (self._heard(rows, block["shared"]) for rows in (own, shuffled))
            summary = self.alike(torch.sigmoid(true.mean(dim=0)))
            told = torch.cat([true @ summary, false @ summary])
            labels = torch.cat([torch.ones(len(true)), torch.zeros(len(false))]).to(told.device)
            return binary_cross_entropy_with_logits(told, labels)

        def of_block(self, block: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            """Both outputs, where declarations hear the others of the block."""
            return self.tasks(self._heard(self.declared(block), block["shared"]))

        def _heard(self, rows: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                rows = layer(rows, [_others(rows, shared[:, of], size) for of, size in enumerate(sizes)])
            return rows

        def keep(self, rows: Batch) -> None:
            """Keep the means of all training declarations, layer by layer: what a declaration to be scored hears."""
            self.kept = []
            starts = range(0, len(rows["shared"]), _BLOCK)
            blocks = [{name: rows[name][start : start + _BLOCK] for name in ("leaves", "numbers")} for start in starts]
            vectors = torch.cat([self.declared(block) for block in blocks])
            for layer in self.layers:
                told = [_others(vectors, rows["shared"][:, of], size) for of, size in enumerate(sizes)]
                self.kept.append([_means(vectors, rows["shared"][:, of], size) for of, size in enumerate(sizes)])
                vectors = layer(vectors, told)

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            rows = self.declared(batch)
            for layer, kept in zip(self.layers, self.kept, strict=True):
                rows = layer(rows, [means[batch["shared"][:, of]] for of, means in enumerate(kept)])
            return self.tasks(rows)

    return Network()


def _sums(vectors: torch.Tensor, shared: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum and number of the vectors that share each value; both are 0 for the last, which stands for nobody."""
    import torch

    sums = vectors.new_zeros(size, vectors.shape[1]).index_add(0, shared, vectors)
    counts = vectors.new_zeros(size).index_add(0, shared, torch.ones_like(vectors[:, 0]))
    somebody = torch.arange(size, device=vectors.device) < size - 1
    return sums * somebody.unsqueeze(1), counts * somebody


def _means(vectors: torch.Tensor, shared: torch.Tensor, size: int) -> torch.Tensor:
    """Mean of the vectors that share each value."""
    sums, counts = _sums(vectors, shared, size)
    return sums / counts.clamp(min=1.0).unsqueeze(1)


def _others(vectors: torch.Tensor, shared: torch.Tensor, size: int) -> torch.Tensor:
    """Mean of the other vectors that share a row's value; 0 where there is no other."""
    sums, counts = _sums(vectors, shared, size)
    others = (counts[shared] - 1).unsqueeze(1)
    return (sums[shared] - vectors) / others.clamp(min=1.0) * (others > 0)
