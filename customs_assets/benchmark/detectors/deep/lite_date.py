"""LITE DATE, as far as it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from customs_assets.benchmark.detectors.deep.date import LeafDetector
from customs_assets.benchmark.detectors.deep.training import Batch, Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

_WIDTH, _DROPOUT = 16, 0.2


class LiteDate(LeafDetector):
    """DATE without its attentions, as a reading of the WCO's LITE DATE, which needs neither a GPU nor programming.

    The WCO names LITE DATE and what it is for, and publishes no description of its layers. So this keeps what makes DATE: leaves
    of boosted trees, importer and code as vectors, and two tasks. What makes it slow is left out: vectors of leaves are averaged,
    where DATE weighs them.
    """

    name: ClassVar[str] = "lite_date"
    title: ClassVar[str] = "LITE DATE"
    schedule: ClassVar[Schedule] = Schedule(epochs=3)

    def network(self) -> nn.Module:
        """Averaged leaves, importer and code, and both tasks."""
        return _network(*self._sizes)


def _network(leaves: int, importers: int, codes: int) -> nn.Module:
    import torch
    from torch import nn

    from customs_assets.benchmark.detectors.deep.layers import TwoTasks, dense

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.leaves = nn.Embedding(leaves, 2 * _WIDTH)
            self.importer, self.code = nn.Embedding(importers, _WIDTH), nn.Embedding(codes, _WIDTH)
            for table in (self.leaves, self.importer, self.code):
                nn.init.normal_(table.weight, std=0.1)
            self.dense = dense(4 * _WIDTH, 2 * _WIDTH, dropout=_DROPOUT)
            self.tasks = TwoTasks(2 * _WIDTH)

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            leaves = self.leaves(batch["leaves"]).mean(dim=1) * batch["leaves"].shape[1] ** 0.5
            joined = [leaves, self.importer(batch["importer"]), self.code(batch["code"])]
            return self.tasks(self.dense(torch.cat(joined, dim=1)))

    return Network()
