"""DATE: dual attentive tree-aware embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from customs_assets.benchmark.detectors.deep.inputs import Vocabulary, column
from customs_assets.benchmark.detectors.deep.leaves import Leaves
from customs_assets.benchmark.detectors.deep.training import Batch, NetworkDetector, Schedule
from customs_assets.benchmark.features import Features

if TYPE_CHECKING:
    import torch
    from torch import nn

# Length of vectors, heads of the first attention.
_WIDTH, _HEADS, _DROPOUT = 16, 2, 0.2


class LeafDetector(NetworkDetector):
    """What DATE and its lighter form share: the leaves of boosted trees, the importer and the product code as inputs."""

    def learn(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        """Train the trees, and learn the vocabulary."""
        self._leaves, self._vocabulary = Leaves(features, fraud, known), Vocabulary.of(features)

    def inputs(self, features: Features) -> dict[str, np.ndarray]:
        """Leaves, and the places of importer and code."""
        places = self._vocabulary.places(features)
        return {
            "leaves": self._leaves.of(features),
            "importer": places[:, column("importer_id")],
            "code": places[:, column("hs6_code")],
        }

    @property
    def _sizes(self) -> tuple[int, int, int]:
        """How many leaves, importers and codes have a vector."""
        sizes = self._vocabulary.sizes
        return self._leaves.count, sizes[column("importer_id")], sizes[column("hs6_code")]


class Date(LeafDetector):
    """DATE (Kim et al., KDD 2020), ranked by the probability of fraud (the paper's DATE_CLS).

    Boosted trees cross attributes; each of their leaves is a vector. A first attention relates the leaves that a declaration
    falls into to each other. A second one weighs them by the declaration's importer and product code. Label and revenue are
    learned together. The revenue is the duty at stake, since declarations do not say what an inspection recovered. Written from
    the paper; no code of it was seen. Epochs are few and fixed, where the paper stops by a validation set; AdamW stands for its
    optimizer.
    """

    name: ClassVar[str] = "date"
    title: ClassVar[str] = "DATE"
    schedule: ClassVar[Schedule] = Schedule(epochs=2, learning_rate=0.005)

    def network(self) -> nn.Module:
        """Both attentions and both tasks."""
        return _network(*self._sizes)


class DateRevenue(Date):
    """DATE, ranked by the revenue that it expects (the paper's DATE_REV)."""

    name: ClassVar[str] = "date_revenue"
    title: ClassVar[str] = "DATE, by revenue"
    by_revenue: ClassVar[bool] = True


def _network(leaves: int, importers: int, codes: int) -> nn.Module:
    import torch
    from torch import nn
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    from customs_assets.benchmark.detectors.deep.layers import TwoTasks, dense

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.leaves = nn.Embedding(leaves, _WIDTH)
            self.importer, self.code = nn.Embedding(importers, _WIDTH), nn.Embedding(codes, _WIDTH)
            for table in (self.leaves, self.importer, self.code):
                nn.init.normal_(table.weight, std=0.1)
            self.projections = nn.Linear(_WIDTH, 3 * _WIDTH, bias=False)
            self.norm = nn.LayerNorm(_WIDTH)
            self.who = nn.Sequential(nn.Linear(2 * _WIDTH, _WIDTH), nn.ReLU())
            self.of_leaf, self.of_who = nn.Linear(_WIDTH, _WIDTH), nn.Linear(_WIDTH, _WIDTH, bias=False)
            self.weight = nn.Linear(_WIDTH, 1, bias=False)
            self.dense = dense(3 * _WIDTH, 2 * _WIDTH, dropout=_DROPOUT)
            self.tasks = TwoTasks(2 * _WIDTH)

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            importer, code = self.importer(batch["importer"]), self.code(batch["code"])
            crossed = self._related(self.leaves(batch["leaves"]))
            who = self.who(torch.cat([importer, code], dim=1))
            # The second attention: which leaves count for this importer and this code?
            asked = torch.tanh(self.of_leaf(crossed) + self.of_who(who).unsqueeze(1))
            shares = torch.softmax(self.weight(asked), dim=1)
            seen = (shares * crossed).sum(dim=1)
            return self.tasks(self.dense(torch.cat([seen, importer, code], dim=1)))

        def _related(self, leaves: torch.Tensor) -> torch.Tensor:
            """The first attention: each leaf's vector, with those of the leaves that it goes with."""
            rows, trees, _ = leaves.shape
            each = self.projections(leaves).reshape(rows, trees, 3, _HEADS, _WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
            # A GPU's faster ways to do this do not repeat to the byte.
            with sdpa_kernel([SDPBackend.MATH] if leaves.is_cuda else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
                heads = scaled_dot_product_attention(*each.unbind(0))
            return self.norm(leaves + heads.transpose(1, 2).reshape(rows, trees, _WIDTH))

    return Network()
