"""Building blocks that several networks share. This module needs torch: only what trains or scores imports it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Embeddings(nn.Module):
    """A vector for each value of each coded attribute, and all of them side by side (Guo and Berkhahn 2016).

    Args:
        sizes: how many places each attribute has.
        widest: the most numbers in a vector. An attribute of n values has 1.6 n^0.56 of them, up to that.
    """

    def __init__(self, sizes: Sequence[int], widest: int = 16) -> None:
        super().__init__()
        widths = [min(widest, max(2, round(1.6 * size**0.56))) for size in sizes]
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size, width in zip(sizes, widths, strict=True))
        self.width = sum(widths)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.05)  # pyright: ignore[reportArgumentType]

    def forward(self, places: Tensor) -> Tensor:
        """Vectors of a batch of places, shape (rows, ``width``)."""
        return torch.cat([table(places[:, number]) for number, table in enumerate(self.tables)], dim=1)


class TwoTasks(nn.Module):
    """Two outputs on one representation: log-odds of fraud, and the revenue at stake as a share of the largest."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fraud, self.revenue = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs, one number a row each."""
        return self.fraud(hidden).squeeze(1), self.revenue(hidden).squeeze(1)


def dense(width: int, *layers: int, dropout: float) -> nn.Sequential:
    """Layers of ReLU units, each followed by dropout."""
    found: list[nn.Module] = []
    for size in layers:
        found += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
        width = size
    return nn.Sequential(*found)
