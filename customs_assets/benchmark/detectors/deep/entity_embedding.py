"""Entity embeddings: every code and identity is a vector that is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors.deep.inputs import NUMBERS, Vocabulary, column
from customs_assets.benchmark.detectors.deep.training import Batch, NetworkDetector, Schedule
from customs_assets.benchmark.features import Features

if TYPE_CHECKING:
    from torch import Tensor, nn

_LAYERS, _DROPOUT = (128, 64), 0.2


class EntityEmbedding(NetworkDetector):
    """Each code and identity is a vector, learned with two dense layers above them (Guo and Berkhahn 2016).

    The paper's layers have 1,000 and 500 units for a million rows; here they have 128 and 64, with dropout. Layers, not the
    paper's table, choose the lengths of vectors.
    """

    name: ClassVar[str] = "entity_embedding"
    title: ClassVar[str] = "Entity Embeddings"
    schedule: ClassVar[Schedule] = Schedule(epochs=4)

    def learn(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        """Learn the vocabulary."""
        self._vocabulary = Vocabulary.of(features)

    def inputs(self, features: Features) -> dict[str, np.ndarray]:
        """Places and numbers."""
        return {"places": self._vocabulary.places(features), "numbers": self._vocabulary.numbers(features)}

    def network(self) -> nn.Module:
        """Embeddings, dense layers, two outputs, of which this class trains one."""
        return embedding_network(self._vocabulary.sizes)

    def vectors(self, attribute: str) -> pd.DataFrame:
        """What the trained network has learned of a coded attribute: a row a value, which training had twice or more."""
        weights = self._network.state_dict()[f"embeddings.tables.{column(attribute)}.weight"]
        return pd.DataFrame(weights.cpu().numpy()[1:], index=self._vocabulary.values[attribute])

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of the label."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(network(batch)[0], batch["fraud"])


def embedding_network(sizes: tuple[int, ...]) -> nn.Module:
    """Embeddings and numbers, side by side, below two dense layers and two outputs."""
    import torch
    from torch import nn

    from customs_assets.benchmark.detectors.deep.layers import Embeddings, TwoTasks, dense

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = Embeddings(sizes)
            self.dense = dense(self.embeddings.width + len(NUMBERS), *_LAYERS, dropout=_DROPOUT)
            self.tasks = TwoTasks(_LAYERS[-1])

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            joined = torch.cat([self.embeddings(batch["places"]), batch["numbers"]], dim=1)
            return self.tasks(self.dense(joined))

    return Network()
