"""A semi-supervised autoencoder: what all declarations look like, and what the inspected ones were."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from customs_assets.benchmark.detectors.deep.inputs import NUMBERS, Vocabulary
from customs_assets.benchmark.detectors.deep.training import Batch, NetworkDetector, Schedule
from customs_assets.benchmark.features import Features

if TYPE_CHECKING:
    import torch
    from torch import nn

# Units of the encoder, length of the code, share of values that are swapped, and the most values of an attribute that are told
# apart when it is put together again.
_UNITS, _CODE, _SWAPPED, _TOLD_APART, _DROPOUT = 128, 32, 0.15, 64, 0.2

# How much the error of reconstruction counts beside that of the label.
_RECONSTRUCTION = 0.3


class Autoencoder(NetworkDetector):
    """A denoising autoencoder, whose code also tells fraud; it learns from declarations that were not inspected, too.

    Some values of a declaration are swapped for those of others; the network is to put the declaration together again (Vincent et
    al. 2008). All declarations teach that. The label is learned from the same code, by the inspected ones (as in the ladder
    networks of Rasmus et al. 2015, without their lateral links).
    """

    name: ClassVar[str] = "autoencoder"
    title: ClassVar[str] = "Autoencoder, semi-supervised"
    schedule: ClassVar[Schedule] = Schedule(epochs=4)
    semi_supervised: ClassVar[bool] = True

    def learn(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        """Learn the vocabulary, and which values are frequent enough to be put together again."""
        self._vocabulary = Vocabulary.of(features)
        places = self._vocabulary.places(features)
        self._told_apart = []
        for number, size in enumerate(self._vocabulary.sizes):
            counts = np.bincount(places[:, number], minlength=size)
            frequent = np.argsort(-counts, kind="stable")[:_TOLD_APART]
            targets = np.full(size, min(size, _TOLD_APART))
            targets[frequent] = np.arange(len(frequent))
            self._told_apart.append(targets)

    def inputs(self, features: Features) -> dict[str, np.ndarray]:
        """Places, numbers, and what each attribute is to be put together as: its place among the frequent ones."""
        places = self._vocabulary.places(features)
        targets = np.column_stack([of[places[:, number]] for number, of in enumerate(self._told_apart)])
        return {"places": places, "numbers": self._vocabulary.numbers(features), "targets": targets}

    def network(self) -> nn.Module:
        """Encoder, decoder and classifier."""
        return _network(self._vocabulary.sizes, [int(of.max()) + 1 for of in self._told_apart])

    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy of the label over inspected declarations, and the error of reconstruction over all."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

        rows = len(batch["fraud"])
        other = torch.randperm(rows).to(batch["fraud"].device)
        places, numbers = (_swapped(batch[name], batch[name][other]) for name in ("places", "numbers"))
        codes, values, fraud = network.reconstructed(places, numbers)  # pyright: ignore[reportCallIssue]
        each = [cross_entropy(code, batch["targets"][:, number]) for number, code in enumerate(codes)]
        reconstruction = torch.stack(each).mean() + mse_loss(values, batch["numbers"])
        known, label = batch["known"], batch["fraud"].clamp(min=0.0)
        labelled = binary_cross_entropy_with_logits(fraud, label, weight=known, reduction="sum") / known.sum().clamp(
            min=1.0
        )
        return labelled + _RECONSTRUCTION * reconstruction


def _swapped(own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """The same rows with some values of others; drawn on the CPU, so that it is the same on every device."""
    import torch

    return torch.where((torch.rand(own.shape) < _SWAPPED).to(own.device), others, own)


def _network(sizes: tuple[int, ...], told_apart: list[int]) -> nn.Module:
    import torch
    from torch import nn

    from customs_assets.benchmark.detectors.deep.layers import Embeddings, dense

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = Embeddings(sizes)
            self.encoder = nn.Sequential(
                dense(self.embeddings.width + len(NUMBERS), _UNITS, dropout=_DROPOUT), nn.Linear(_UNITS, _CODE)
            )
            self.decoder = dense(_CODE, _UNITS, dropout=0.0)
            self.told_apart, self.codes = told_apart, nn.Linear(_UNITS, sum(told_apart))
            self.values = nn.Linear(_UNITS, len(NUMBERS))
            self.fraud = nn.Sequential(nn.ReLU(), nn.Linear(_CODE, 1))

        def _encoded(self, places: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
            return self.encoder(torch.cat([self.embeddings(places), numbers], dim=1))

        def reconstructed(self, places: torch.Tensor, numbers: torch.Tensor):
            code = self._encoded(places, numbers)
            hidden = self.decoder(code)
            return self.codes(hidden).split(self.told_apart, dim=1), self.values(hidden), self.fraud(code).squeeze(1)

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            fraud = self.fraud(self._encoded(batch["places"], batch["numbers"])).squeeze(1)
            return fraud, torch.zeros_like(fraud)

    return Network()
