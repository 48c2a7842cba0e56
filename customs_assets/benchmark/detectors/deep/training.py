"""Training a network in a bounded number of steps that repeat to the byte, and the form of a detector around it.

What belongs here knows no architecture. A cell's time is bounded by steps, never by a clock: a clock would end training elsewhere
on a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from customs_assets.benchmark.detectors.deep.inputs import known_labels, revenue_at_stake
from customs_assets.benchmark.detectors.form import SEEDS
from customs_assets.benchmark.features import Features
from customs_assets.generator.repeatable import best_device, repeatable

if TYPE_CHECKING:
    from torch import Tensor, nn

Batch = Mapping[str, "Tensor"]

# Rows that are scored at once. The last bits of a score may depend on it, so it is the same everywhere.
_SCORED = 2048

# How much the error of the revenue counts beside that of the label, as in DATE (Kim et al. 2020).
REVENUE_WEIGHT = 10.0


@dataclass(frozen=True)
class Schedule:
    """How long a network is trained, and how fast.

    Attributes:
        epochs: how often each declaration is seen.
        batch: declarations in a step, at most.
        learning_rate: of AdamW at the first step; it falls to nothing by a cosine.
        decay: of the weights (decoupled, as AdamW has it).
        least_steps: few declarations are seen more often, so that there are so many steps.
        most_steps: many declarations are seen less often, so that there are no more. It bounds the time of a cell.
    """

    epochs: int
    batch: int = 256
    learning_rate: float = 0.002
    decay: float = 0.01
    least_steps: int = 200
    most_steps: int = 3000

    def batch_of(self, rows: int) -> int:
        """Declarations in a step, of so many: a twenty-fourth of them, 32 or more, and no more than ``batch``."""
        return min(self.batch, max(32, rows // 24))

    def steps(self, rows: int, batch: int) -> int:
        """How many steps training on so many declarations has."""
        return min(max(self.epochs * -(-rows // batch), self.least_steps), self.most_steps)


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Seed torch, leave it one thread, and let it use algorithms alone that repeat; put all of it back afterwards."""
    import torch

    before, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    # A GPU's matrix products repeat with a work space of a fixed size only; the library reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with repeatable(seed):
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warns)


def two_losses(fraud: Tensor, revenue: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the label plus :data:`REVENUE_WEIGHT` times the squared error of the revenue."""
    from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

    return binary_cross_entropy_with_logits(fraud, batch["fraud"]) + REVENUE_WEIGHT * mse_loss(
        revenue, batch["revenue"]
    )


def train(network: nn.Module, rows: Batch, loss: Callable[[Batch], Tensor], schedule: Schedule) -> None:
    """Minimize a loss over batches of rows in a drawn order; the learning rate falls to nothing by a cosine.

    Args:
        network: is put into training mode, and into evaluation mode afterwards.
        rows: what a batch is taken from; tensors of equal length.
        loss: of a batch.
        schedule: how long.
    """
    import torch

    count = len(next(iter(rows.values())))
    batch, device = schedule.batch_of(count), next(network.parameters()).device
    steps = schedule.steps(count, batch)
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if not len(order):
            # Drawn on the CPU, so that it is the same on every device.
            order = torch.randperm(count)
        chosen, order = order[:batch].to(device), order[batch:]
        optimizer.zero_grad(set_to_none=True)
        loss({name: tensor[chosen] for name, tensor in rows.items()}).backward()
        optimizer.step()
        falling.step()
    network.train(False)


class NetworkDetector:
    """A detector that is a network: what it is made of says a subclass, and this trains it and asks it for scores.

    A score is the probability of fraud, in [0, 1]; of a detector that is ranked ``by_revenue``, the larger the more revenue is
    expected, in (0, 1).

    Attributes:
        schedule: how long it is trained.
        semi_supervised: whether it learns from declarations that were not inspected (label -1), too. Any other leaves them aside.
        by_revenue: whether declarations are ranked by the revenue expected of them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    seedless: ClassVar[bool] = False
    schedule: ClassVar[Schedule]
    semi_supervised: ClassVar[bool] = False
    by_revenue: ClassVar[bool] = False

    def learn(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        """Learn what inputs need, of training declarations: a vocabulary, trees."""
        raise NotImplementedError

    def inputs(self, features: Features) -> dict[str, np.ndarray]:
        """What the network takes of declarations, by name."""
        raise NotImplementedError

    def network(self) -> nn.Module:
        """The untrained network: it takes a batch of inputs and gives log-odds of fraud and revenue."""
        raise NotImplementedError

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """What training minimizes: by default, that of both tasks."""
        fraud, revenue = network(batch)
        return two_losses(fraud, revenue, batch)

    def fit(self, features: Features, fraud: np.ndarray, seed: int) -> None:
        """Train the network.

        Raises:
            NothingToLearn: the inspected declarations are of one kind.
        """
        known = known_labels(fraud)
        if not self.semi_supervised:
            features = Features(features.matrix[known], features.declarations.loc[known].reset_index(drop=True))
            fraud, known = fraud[known], known[known]
        with deterministic(seed % SEEDS):
            self.learn(features, fraud, known)
            rows = self._tensors(
                {
                    **self.inputs(features),
                    "fraud": fraud.astype(np.float32),
                    "revenue": revenue_at_stake(features, fraud),
                    "known": known.astype(np.float32),
                }
            )
            self._network = self.network().to(best_device())
            self.train(rows)

    def train(self, rows: Batch) -> None:
        """Train the network on rows of inputs, ``fraud``, ``revenue`` and ``known``."""
        train(self._network, rows, lambda batch: self.loss(self._network, batch), self.schedule)

    def score(self, features: Features) -> np.ndarray:
        """The probability of fraud, or what stands for the revenue."""
        import torch

        found = []
        with deterministic(0), torch.inference_mode():
            rows = self._tensors(self.inputs(features))
            for start in range(0, len(features.matrix), _SCORED):
                batch = {name: tensor[start : start + _SCORED] for name, tensor in rows.items()}
                fraud, revenue = self._network(batch)
                found.append((revenue if self.by_revenue else fraud).double().sigmoid().cpu().numpy())
        return np.concatenate(found)

    @staticmethod
    def _tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        import torch

        return {name: torch.from_numpy(np.ascontiguousarray(array)).to(best_device()) for name, array in arrays.items()}
