"""One network for two tasks: is it fraud, and how much revenue is at stake?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from customs_assets.benchmark.detectors.deep.entity_embedding import EntityEmbedding
from customs_assets.benchmark.detectors.deep.training import Batch, two_losses

if TYPE_CHECKING:
    from torch import Tensor, nn


class DualTask(EntityEmbedding):
    """The entity-embedding network, whose layers learn label and revenue together; ranked by the probability of fraud.

    Two tasks on shared layers are DATE's (Kim et al. 2020), without its trees and attention. Beside ``EntityEmbedding`` it shows
    what the second task alone changes.
    """

    name: ClassVar[str] = "dual_task"
    title: ClassVar[str] = "Dual Task"

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Both tasks."""
        fraud, revenue = network(batch)
        return two_losses(fraud, revenue, batch)
