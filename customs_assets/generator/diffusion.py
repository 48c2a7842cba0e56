"""Masked diffusion: a network learns to fill in any columns of a row from any others, and draws a row one column at a time.

This is discrete diffusion whose noise is a mask (Austin et al. 2021, "absorbing state"; Hoogeboom et al. 2022, in any order). A
training row keeps a random number of its columns; the loss is the cross-entropy of the others. A new row starts with none and
gets its columns in a random order, each drawn given those that it has. A number is drawn as one of at most ``bins`` equally
frequent intervals, and as a place in it.

Rows are few beside the network, and whatever trains long enough learns them by heart. So it takes one pass over the table for
every ``EPOCHS_A_PASS`` epochs that a GAN takes, with dropout and averaged weights (``docs/decisions.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.generator.repeatable import best_device, device_name, repeatable
from customs_assets.generator.synthesizer import EpochLoss, learned
from customs_assets.generator.table_columns import NumberColumn, TableColumns

if TYPE_CHECKING:
    import torch

EPOCHS_A_PASS = 6

# The learning rate climbs over so many steps, and then falls along a cosine.
_WARM_UP = 50

# Weights are averaged over about so many of the latest steps.
_AVERAGED = 100

# Rows that are drawn at once.
_DRAWN_AT_ONCE = 5000


@dataclass(frozen=True)
class DiffusionSizes:
    """The hyper-parameters.

    Attributes:
        epochs: epochs of a GAN that is trained beside it, of which this takes a share.
        width, blocks: units of a hidden layer, and how many residual blocks there are.
        dropout: share of hidden units that a step leaves out.
        learning_rate: Adam's, at its highest.
        batch_size: rows in a step.
        bins: intervals of a column of numbers at most.

    Raises:
        ValueError: a value is out of its range.
    """

    epochs: int = 300
    width: int = 256
    blocks: int = 2
    dropout: float = 0.1
    learning_rate: float = 1e-3
    batch_size: int = 500
    bins: int = 50

    def __post_init__(self) -> None:
        for name in ("epochs", "width", "blocks", "batch_size", "bins"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if not 0 <= self.dropout < 1 or self.learning_rate <= 0:
            raise ValueError("dropout must be at least 0 and below 1, and the learning rate above 0")

    def steps(self, rows: int) -> int:
        """Training steps for a table of so many rows."""
        passes = max(round(self.epochs / EPOCHS_A_PASS), 1)
        return max(passes * rows // self.batch_size, passes)


class Layout:
    """Where each column's categories stand in a row of zeros and ones.

    Args:
        columns: the table's columns.
        bins: intervals of a column of numbers at most. Each is to hold twenty rows of a small table.
    """

    def __init__(self, columns: TableColumns, bins: int) -> None:
        self.widths = [
            min(bins, max(len(column.values) // 20, 2)) if isinstance(column, NumberColumn) else column.width
            for column in columns.by_name.values()
        ]
        ends = np.cumsum(self.widths)
        self.width = int(ends[-1])
        self.starts = (ends - self.widths).tolist()
        self.column_of = np.repeat(np.arange(len(self.widths)), self.widths)


class MaskedDiffusion:
    """The model.

    Args:
        seed: what every draw of training comes from.
        device: ``cpu`` or ``cuda``; what torch sees where None.
        sizes: see :class:`DiffusionSizes`.

    Raises:
        ValueError: a hyper-parameter is out of its range.
    """

    def __init__(self, *, seed: int | None = None, device: str | None = None, **sizes: Any) -> None:
        self.sizes = DiffusionSizes(**sizes)
        self.seed, self._on = seed, device
        self.device = "cpu"
        self.loss_values = pd.DataFrame(columns=pd.Index(["epoch", "loss"]))
        self._fitted: tuple[TableColumns, dict[str, np.ndarray]] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[EpochLoss], None] | None = None,
    ) -> None:
        """Train (:meth:`synthesizer.TableModel.fit`). An epoch of ``loss_values`` is a pass over the table."""
        if self.seed is None:
            raise ValueError("the model has no seed; give one to train it")
        columns, values = TableColumns.fit(train_data, discrete_columns)
        layout = Layout(columns, self.sizes.bins)
        rng, codes = np.random.default_rng(self.seed), []
        for (name, column), width in zip(columns.by_name.items(), layout.widths, strict=True):
            if isinstance(column, NumberColumn):
                places = column.places(values[name], rng)
                codes.append(np.minimum((places * width).astype(np.int64), width - 1))
            else:
                codes.append(values[name])
        device = self._on or best_device()
        with repeatable(int(rng.integers(2**62))):
            weights, losses = self._train(np.column_stack(codes).astype(np.int64), layout, device, progress)
        self.device = device_name(device)
        self.loss_values = pd.DataFrame([asdict(loss) for loss in losses])
        self._fitted = columns, weights

    def _train(
        self,
        codes: np.ndarray,
        layout: Layout,
        device: str,
        progress: Callable[[EpochLoss], None] | None,
    ) -> tuple[dict[str, np.ndarray], list[EpochLoss]]:
        """The averaged weights and the losses, from each row's category in each column."""
        import torch

        sizes, rows = self.sizes, torch.from_numpy(codes)
        network = _network(layout, sizes).to(device)
        # The exponent that most tables' steps would take is short, so its first values are a plain mean.
        averaged = [parameter.detach().clone() for parameter in network.parameters()]
        adam = torch.optim.Adam(network.parameters(), lr=sizes.learning_rate, betas=(0.9, 0.99))
        steps, losses = sizes.steps(len(codes)), []
        a_pass = max(len(codes) // sizes.batch_size, 1)
        for step in range(steps):
            climbed = min((step + 1) / _WARM_UP, 1.0)
            for group in adam.param_groups:
                group["lr"] = sizes.learning_rate * climbed * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            drawn = rows[torch.randint(len(rows), (sizes.batch_size,))]
            kept = torch.randint(drawn.shape[1], (sizes.batch_size, 1))
            seen = torch.rand(drawn.shape).argsort(1).argsort(1) < kept
            loss = _masked_loss(network, drawn.to(device), seen.to(device), layout)
            adam.zero_grad()
            loss.backward()
            adam.step()
            with torch.no_grad():
                share = max(1.0 / _AVERAGED, 9.0 / (step + 10.0))
                torch._foreach_lerp_(averaged, list(network.parameters()), min(share, 1.0))
            if (step + 1) % a_pass == 0 or step == steps - 1:
                losses.append(EpochLoss(len(losses), float(loss.detach())))
                if progress is not None:
                    progress(losses[-1])
        names = [name for name, _ in network.named_parameters()]
        return {name: array.cpu().numpy() for name, array in zip(names, averaged, strict=True)}, losses

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows, a column at a time (:meth:`synthesizer.TableModel.sample`)."""
        import torch

        columns, weights = learned(self._fitted, n)
        layout, device = Layout(columns, self.sizes.bins), self._on or best_device()
        rng = np.random.default_rng(seed)
        with repeatable(int(rng.integers(2**62))), torch.no_grad():
            network = _network(layout, self.sizes).to(device).train(False)
            network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
            parts = [
                _drawn(network, min(_DRAWN_AT_ONCE, n - first), layout, device).cpu().numpy()
                for first in range(0, n, _DRAWN_AT_ONCE)
            ]
        codes = np.concatenate([*parts, np.empty((0, len(layout.widths)), np.int64)])
        values = {}
        for place, ((name, column), width) in enumerate(zip(columns.by_name.items(), layout.widths, strict=True)):
            is_number = isinstance(column, NumberColumn)
            values[name] = column.at((codes[:, place] + rng.random(n)) / width) if is_number else codes[:, place]
        return columns.frame(values)

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        columns, weights = learned(self._fitted)
        arrays, description = columns.to_state()
        return {**arrays, **{f"weight.{name}": array for name, array in weights.items()}}, {
            "columns": description,
            "sizes": asdict(self.sizes),
            "device": self.device,
            "losses": self.loss_values["loss"].tolist(),
        }

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> MaskedDiffusion:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        model = cls(**description["sizes"])
        columns = TableColumns.from_state(weights, description["columns"])
        given = {name.removeprefix("weight."): array for name, array in weights.items() if name.startswith("weight.")}
        network = _network(Layout(columns, model.sizes.bins), model.sizes)
        expected = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
        if {name: array.shape for name, array in given.items()} != expected:
            raise ValueError("the weights do not have the shapes that the description asks for")
        model.device = description["device"]
        losses = [EpochLoss(epoch, loss) for epoch, loss in enumerate(description["losses"])]
        model.loss_values = pd.DataFrame([asdict(loss) for loss in losses], columns=["epoch", "loss"])
        model._fitted = columns, given
        return model


def _network(layout: Layout, sizes: DiffusionSizes) -> torch.nn.Module:
    """A perceptron with residual blocks, from what is seen of a row to a logit for each category."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = nn.Sequential(
                nn.LayerNorm(sizes.width),
                nn.Linear(sizes.width, sizes.width),
                nn.SiLU(),
                nn.Dropout(sizes.dropout),
                nn.Linear(sizes.width, sizes.width),
            )

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            return hidden + self.inside(hidden)

    return nn.Sequential(
        nn.Linear(layout.width + len(layout.widths), sizes.width),
        nn.SiLU(),
        *(Block() for _ in range(sizes.blocks)),
        nn.LayerNorm(sizes.width),
        nn.Linear(sizes.width, layout.width),
    )


def _seen_row(codes: torch.Tensor, seen: torch.Tensor, layout: Layout) -> torch.Tensor:
    """The network's input: a one for each category that is seen, and which columns are seen."""
    import torch

    shown = torch.zeros(len(codes), layout.width, device=codes.device)
    shown.scatter_(1, codes + torch.tensor(layout.starts, device=codes.device), seen.float())
    return torch.cat([shown, seen.float()], dim=1)


def _masked_loss(network: torch.nn.Module, codes: torch.Tensor, seen: torch.Tensor, layout: Layout) -> torch.Tensor:
    """The cross-entropy of the columns that are not seen, a mean over each row's and over the rows."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = network(_seen_row(codes, seen, layout)).split(layout.widths, dim=1)
    each = [cross_entropy(part, codes[:, place], reduction="none") for place, part in enumerate(logits)]
    hidden = (~seen).float()
    return ((torch.stack(each, dim=1) * hidden).sum(1) / hidden.sum(1)).mean()


def _drawn(network: torch.nn.Module, rows: int, layout: Layout, device: str) -> torch.Tensor:
    """The categories of new rows, int64 (rows, columns)."""
    import torch

    columns = len(layout.widths)
    codes = torch.zeros(rows, columns, dtype=torch.int64, device=device)
    seen = torch.zeros(rows, columns, dtype=torch.bool, device=device)
    orders = torch.rand(rows, columns).argsort(1).to(device)
    column_of = torch.from_numpy(layout.column_of).to(device)
    starts = torch.tensor(layout.starts, device=device)
    for step in range(columns):
        column = orders[:, step]
        logits = network(_seen_row(codes, seen, layout))
        # The largest of logits and Gumbel noise is a draw by the softmax.
        noise = -torch.log(torch.rand(logits.shape).clamp_(1e-9, 1 - 1e-7)).to(device)
        perturbed = (logits - torch.log(noise)).masked_fill(column_of[None] != column[:, None], -math.inf)
        codes.scatter_(1, column[:, None], (perturbed.argmax(1) - starts[column])[:, None])
        seen.scatter_(1, column[:, None], True)
    return codes
