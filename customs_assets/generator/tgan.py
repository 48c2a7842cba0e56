"""TGAN (Xu and Veeramachaneni 2018), CTGAN's predecessor, written from the paper: its own library no longer installs.

A recurrent generator writes a row column by column, looking back at what it wrote by attention. A number takes two steps, its
place within a mixture's component and then the component; a code takes one. The discriminator sees a row and how much it is like
the others of its batch. The generator's loss is the discriminator's and the divergence of each code's frequencies in the batch
from the real ones. What is not said in the paper is as in its library: sizes, learning rate, noise on the real codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.generator.ctgan import EpochLosses, TrainingDiverged, loss_frame
from customs_assets.generator.model_table_transform import EncodedTable, TableTransform, fit_transform
from customs_assets.generator.repeatable import best_device, device_name, repeatable
from customs_assets.generator.synthesizer import learned

if TYPE_CHECKING:
    import torch

# Rows that are drawn at once.
_DRAWN_AT_ONCE = 2000


@dataclass(frozen=True)
class TGANSizes:
    """The hyper-parameters.

    Attributes:
        epochs: passes over the table.
        noise: length of the noise vector.
        units: units of the recurrent layer, and of the discriminator's layer.
        features: length of what is handed from step to step.
        batch_size: rows in a step.
        learning_rate: Adam's.
        decay: weight decay.
        smoothing: largest noise that is added to a real code's zeros and ones.
        diversity, kernels: the discriminator compares rows in so many ways, each by so many numbers.

    Raises:
        ValueError: a value is out of its range.
    """

    epochs: int = 300
    noise: int = 200
    units: int = 100
    features: int = 100
    batch_size: int = 200
    learning_rate: float = 1e-3
    decay: float = 1e-5
    smoothing: float = 0.2
    diversity: int = 10
    kernels: int = 10

    def __post_init__(self) -> None:
        for name in ("epochs", "noise", "units", "features", "batch_size", "diversity", "kernels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")


class TGAN:
    """The model.

    Args:
        seed: what every draw of training comes from.
        device: ``cpu`` or ``cuda``; what torch sees where None.
        sizes: see :class:`TGANSizes`.

    Raises:
        ValueError: a hyper-parameter is out of its range.
    """

    def __init__(self, *, seed: int | None = None, device: str | None = None, **sizes: Any) -> None:
        self.sizes = TGANSizes(**sizes)
        self.seed, self._on = seed, device
        self.device = "cpu"
        self.loss_values = loss_frame([])
        self._fitted: tuple[TableTransform, dict[str, np.ndarray]] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLosses], None] | None = None,
    ) -> None:
        """Train (:meth:`synthesizer.TableModel.fit`).

        Raises:
            TrainingDiverged: a loss is no longer finite.
        """
        if self.seed is None:
            raise ValueError("the model has no seed; give one to train it")
        rng = np.random.default_rng(self.seed)
        transform, encoded = fit_transform(train_data, discrete_columns, rng)
        device = self._on or best_device()
        with repeatable(int(rng.integers(2**62))):
            weights, losses = self._train(transform, encoded, device, progress)
        self.device, self.loss_values = device_name(device), loss_frame(losses)
        self._fitted = transform, weights

    def _train(
        self,
        transform: TableTransform,
        encoded: EncodedTable,
        device: str,
        progress: Callable[[EpochLosses], None] | None,
    ) -> tuple[dict[str, np.ndarray], list[EpochLosses]]:
        import torch
        from torch.nn.functional import softplus

        sizes = self.sizes
        generator = _generator(transform, sizes).to(device)
        discriminator = _discriminator(transform, sizes).to(device)
        adams = [
            torch.optim.Adam(network.parameters(), sizes.learning_rate, (0.5, 0.9), weight_decay=sizes.decay)
            for network in (discriminator, generator)
        ]
        scalars = torch.from_numpy(encoded.scalars.astype(np.float32))
        ones = torch.from_numpy(encoded.ones)
        losses: list[EpochLosses] = []
        for epoch in range(sizes.epochs):
            for _ in range(max(len(encoded) // sizes.batch_size, 1)):
                rows = torch.randint(len(encoded), (sizes.batch_size,))
                real = _smoothed(scalars[rows], ones[rows], transform, sizes.smoothing).to(device)
                fake = generator(torch.randn(sizes.batch_size, sizes.noise).to(device))
                discriminator_loss = (
                    softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
                )
                _step(adams[0], discriminator_loss)
                fake = generator(torch.randn(sizes.batch_size, sizes.noise).to(device))
                generator_loss = softplus(-discriminator(fake)).mean() + _divergence(real, fake, transform)
                _step(adams[1], generator_loss)
            last = EpochLosses(epoch, float(generator_loss.detach()), float(discriminator_loss.detach()))
            if not (np.isfinite(last.generator_loss) and np.isfinite(last.discriminator_loss)):
                raise TrainingDiverged(f"in epoch {epoch} a loss is no longer finite: look for extreme numbers")
            losses.append(last)
            if progress is not None:
                progress(last)
        return {name: tensor.cpu().numpy() for name, tensor in generator.state_dict().items()}, losses

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        import torch

        transform, weights = learned(self._fitted, n)
        device, rng = self._on or best_device(), np.random.default_rng(seed)
        with repeatable(int(rng.integers(2**62))), torch.no_grad():
            generator = _generator(transform, self.sizes).to(device)
            generator.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
            parts = [
                generator(torch.randn(min(_DRAWN_AT_ONCE, n - first), self.sizes.noise).to(device)).cpu().numpy()
                for first in range(0, n, _DRAWN_AT_ONCE)
            ]
        vectors = np.concatenate([*parts, np.empty((0, transform.width), np.float32)])
        # Each code is drawn by its probabilities; the largest of their logarithms and Gumbel noise is such a draw.
        scalars = len(transform.continuous)
        shares = np.maximum(vectors[:, scalars:], 1e-9)
        vectors[:, scalars:] = np.log(shares) + rng.gumbel(size=shares.shape)
        return pd.DataFrame(transform.decode(vectors))

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        transform, weights = learned(self._fitted)
        return weights, {
            "table": transform.describe(),
            "sizes": asdict(self.sizes),
            "device": self.device,
            "losses": {str(name): values.tolist() for name, values in self.loss_values.items()},
        }

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> TGAN:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        model = cls(**description["sizes"])
        transform = TableTransform.from_description(description["table"])
        expected = {
            name: tuple(tensor.shape) for name, tensor in _generator(transform, model.sizes).state_dict().items()
        }
        if {name: array.shape for name, array in weights.items()} != expected:
            raise ValueError("the weights do not have the shapes that the description asks for")
        model._fitted, model.device = (transform, weights), description["device"]
        model.loss_values = pd.DataFrame(description["losses"], columns=loss_frame([]).columns)
        return model


def _step(adam: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()


def _steps(transform: TableTransform) -> list[tuple[str, int]]:
    """What the generator writes, in the table's order: ``("scalar", place)`` or ``("segment", place)``."""
    scalars = {column.name: place for place, column in enumerate(transform.continuous)}
    codes = {column.name: place for place, column in enumerate(transform.discrete, start=len(scalars))}
    steps: list[tuple[str, int]] = []
    for name in transform.names:
        steps += (
            [("scalar", scalars[name]), ("segment", scalars[name])] if name in scalars else [("segment", codes[name])]
        )
    return steps


def _generator(transform: TableTransform, sizes: TGANSizes) -> torch.nn.Module:
    """The recurrent generator (section 3.3 of the paper), from noise to data vectors whose segments are probabilities."""
    import torch
    from torch import nn

    steps = _steps(transform)
    widths = [1 if kind == "scalar" else int(transform.segment_widths[place]) for kind, place in steps]

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(sizes.noise + sizes.features + sizes.units, sizes.units)
            self.first = nn.Parameter(torch.zeros(sizes.features))
            # What each step attends to of the steps before it.
            self.attention = nn.Parameter(torch.zeros(len(steps), len(steps)))
            self.feature = nn.ModuleList(nn.Linear(sizes.units, sizes.features) for _ in steps)
            self.output = nn.ModuleList(nn.Linear(sizes.features, width) for width in widths)
            self.handed = nn.ModuleList(nn.Linear(width, sizes.features, bias=False) for width in widths)

        def forward(self, noise: torch.Tensor) -> torch.Tensor:
            rows = len(noise)
            hidden = noise.new_zeros(rows, sizes.units)
            state, context = hidden, hidden
            handed = self.first.expand(rows, -1)
            before: list[torch.Tensor] = []
            scalars, segments = {}, {}
            for number, (kind, place) in enumerate(steps):
                if before:
                    share = torch.softmax(self.attention[number, : len(before)], dim=0)
                    context = torch.einsum("s,srh->rh", share, torch.stack(before))
                hidden, state = self.cell(torch.cat([noise, handed, context], dim=1), (hidden, state))
                before.append(hidden)
                feature = torch.tanh(self.feature[number](hidden))
                written = self.output[number](feature)
                if kind == "scalar":
                    scalars[place] = torch.tanh(written)
                    handed = feature
                else:
                    segments[place] = torch.softmax(written, dim=1)
                    handed = self.handed[number](segments[place])
            parts = [scalars[place] for place in sorted(scalars)] + [segments[place] for place in sorted(segments)]
            return torch.cat(parts, dim=1)

    return Generator()


def _discriminator(transform: TableTransform, sizes: TGANSizes) -> torch.nn.Module:
    """A perceptron with mini-batch discrimination (Salimans et al. 2016), from data vectors to logits of being real."""
    import torch
    from torch import nn

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.compared = nn.Linear(transform.width, sizes.diversity * sizes.kernels)
            self.inside = nn.Linear(transform.width + sizes.diversity, sizes.units)
            self.normalized = nn.LayerNorm(sizes.units)
            self.output = nn.Linear(sizes.units, 1)

        def forward(self, vectors: torch.Tensor) -> torch.Tensor:
            compared = self.compared(vectors).view(len(vectors), sizes.diversity, sizes.kernels)
            apart = (compared[:, None] - compared[None]).abs().sum(3)
            alike = torch.exp(-apart).mean(1)
            hidden = self.inside(torch.cat([vectors, alike], dim=1))
            return self.output(nn.functional.leaky_relu(self.normalized(hidden), 0.2)).squeeze(1)

    return Discriminator()


def _smoothed(scalars: torch.Tensor, ones: torch.Tensor, transform: TableTransform, smoothing: float) -> torch.Tensor:
    """Real data vectors, each segment with noise added and its sum 1 again, so that no discriminator tells it by its zeros."""
    import torch

    first = scalars.shape[1]
    segments = torch.zeros(len(ones), transform.width - first).scatter_(1, ones - first, 1.0)
    segments = segments + smoothing * torch.rand(segments.shape)
    parts = segments.split(transform.segment_widths.tolist(), dim=1)
    return torch.cat([scalars, *(part / part.sum(1, keepdim=True) for part in parts)], dim=1)


def _divergence(real: torch.Tensor, fake: torch.Tensor, transform: TableTransform) -> torch.Tensor:
    """The Kullback-Leibler divergence of each segment's mean in the batch, fake from real, summed over the segments."""
    import torch

    first, widths = len(transform.continuous), transform.segment_widths.tolist()
    total = torch.zeros((), device=fake.device)
    for of_real, of_fake in zip(real[:, first:].split(widths, 1), fake[:, first:].split(widths, 1), strict=True):
        wanted, made = of_real.mean(0) + 1e-6, of_fake.mean(0) + 1e-6
        total = total + (wanted * torch.log(wanted / made)).sum()
    return total
