"""CTGAN's generator and discriminator on NumPy arrays, with their gradients written out.

The mathematics of one forward and one backward pass belongs here (Xu et al. 2019, sections 4.2 and 4.4; the gradient penalty is
Gulrajani et al. 2017's). Everything random comes in as an argument. The module imports Numba, so it is imported only when a model
is trained, loaded or sampled.

Gradients are written out, rather than left to automatic differentiation, because most time is spent here:

* a one-hot is never multiplied: its weights are rows, looked up and summed;
* the first layer of the penalty's interpolates is the interpolate of the two first layers already computed;
* leaky ReLU and dropout together are one slope for each unit, so the gradient of the output by the input is a chain of the same
  products as back-propagation, and one pass over the stacked rows (interpolates, fake, real) serves both;
* the penalty's own gradient by the weights is one more pass up the same chain, without a second differentiation.

Dense products, logarithms and exponentials are NumPy's. Every other loop over elements is compiled (``ctgan_kernels``), since
NumPy would run it as many passes over the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from customs_assets.generator import ctgan_kernels as kernels
from customs_assets.generator.conditional_sampling import Conditions
from customs_assets.generator.model_table_transform import EncodedTable, TableTransform

LEAKY_SLOPE = 0.2
DROPOUT = 0.5
TEMPERATURE = 0.2
PENALTY_WEIGHT = 10.0
BATCH_NORM_EPSILON = 1e-5
ADAM_BETAS = (0.5, 0.9)
ADAM_EPSILON = 1e-8


def uniform_weights(rng: np.random.Generator, fan_in: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Initial weights or biases of a linear layer: uniform within one over the square root of its inputs."""
    weights = rng.random(shape, dtype=np.float32).astype(dtype, copy=False)
    weights -= 0.5
    weights *= 2.0 / np.sqrt(fan_in)
    return weights


class Adam:
    """Adam with weight decay in the gradient, as torch has it, stepping named arrays in place."""

    def __init__(self, parameters: dict[str, np.ndarray], learning_rate: float, weight_decay: float) -> None:
        self.gradients = {name: np.zeros_like(array) for name, array in parameters.items()}
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._steps = 0
        self._states = [
            (array.ravel(), self.gradients[name].ravel(), np.zeros_like(array.ravel()), np.zeros_like(array.ravel()))
            for name, array in parameters.items()
        ]

    def step(self) -> None:
        """One step along ``gradients``, which the networks' backward passes have filled."""
        self._steps += 1
        first, second = ADAM_BETAS
        step_size = self._learning_rate / (1.0 - first**self._steps)
        root_size = 1.0 / np.sqrt(1.0 - second**self._steps)
        numbers = (self._weight_decay, first, 1.0 - first, second, 1.0 - second, step_size, root_size, ADAM_EPSILON)
        for state in self._states:
            kernels.adam(*state, *(state[0].dtype.type(number) for number in numbers))


class Activation:
    """The generator's last step: tanh of the scalars and Gumbel softmax of every segment."""

    def __init__(self, transform: TableTransform) -> None:
        self.scalars = len(transform.continuous)
        self._widths = transform.segment_widths
        self._starts = transform.segment_starts - self.scalars
        self._condition_starts = transform.segment_starts[self.scalars :]
        self._condition_widths = self._widths[self.scalars :]

    def forward(self, logits: np.ndarray, exponential: np.ndarray, out: np.ndarray) -> None:
        """Write the data vectors (batch, width) into ``out``; ``exponential`` (batch, width - scalars) is overwritten.

        The Gumbel noise is minus the logarithm of the exponential noise.
        """
        np.tanh(logits[:, : self.scalars], out=out[:, : self.scalars])
        softmax = np.log(exponential, out=exponential)
        kernels.perturb_segments(logits, softmax, self._starts, self._widths, self._sharpness(logits))
        np.exp(softmax, out=softmax)
        kernels.share_segments(softmax, self._starts, self._widths, out)

    def backward(self, vectors: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Turn the gradient by the data vectors into the gradient by the logits, in place."""
        kernels.segments_backward(gradient, vectors, self._starts, self._widths, self._sharpness(vectors))
        return gradient

    def _sharpness(self, array: np.ndarray) -> float:
        return array.dtype.type(1.0 / TEMPERATURE)

    def add_condition_loss(self, logits: np.ndarray, conditions: Conditions, gradient: np.ndarray) -> float:
        """Cross entropy of the conditioned column's logits with the category asked for, mean over the batch.

        Its gradient by the logits is added to ``gradient``.
        """
        starts = self._condition_starts[conditions.columns]
        widths = self._condition_widths[conditions.columns]
        targets = self._condition_starts[0] + conditions.categories
        return kernels.cross_entropy(logits, starts, widths, targets, gradient)


class Generator:
    """Residual layers (linear, batch normalization, ReLU, joined to their input) and a linear output.

    Every layer sees the condition. It is one-hot, so its weights are the rows of ``condition.<layer>``. The dense inputs of all
    layers are columns of one buffer, the latest layer's first and the noise last, so that joining costs nothing.

    The residual layers have no bias: batch normalization would subtract it again. Batch normalization takes the batch's own
    statistics, in sampling too, as in ctgan.
    """

    def __init__(self, parameters: dict[str, np.ndarray], noise_width: int, layer_widths: Sequence[int]) -> None:
        self.parameters = parameters
        self.noise_width = noise_width
        self.layer_widths = tuple(layer_widths)
        # Where in the buffer the input of each layer starts; the output layer is the last.
        self._starts = [sum(self.layer_widths[layer:]) for layer in range(len(self.layer_widths) + 1)]
        self._buffer_width = self._starts[0] + noise_width
        self._buffer = np.empty((0, 0))
        self._normalized: list[np.ndarray] = []
        self._inverse_deviations: list[np.ndarray] = []
        self._touched = np.empty(0, np.int64)

    @staticmethod
    def shapes(
        noise_width: int, condition_width: int, layer_widths: Sequence[int], width: int
    ) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters. Layers are numbered from 0; the output layer is the last."""
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = noise_width
        for layer, outputs in enumerate((*layer_widths, width)):
            shapes[f"weight.{layer}"] = (inputs, outputs)
            if condition_width:
                shapes[f"condition.{layer}"] = (condition_width, outputs)
            if layer < len(layer_widths):
                shapes[f"scale.{layer}"] = (outputs,)
            shapes[f"shift.{layer}"] = (outputs,)
            inputs += outputs
        return shapes

    @classmethod
    def initial(
        cls,
        rng: np.random.Generator,
        noise_width: int,
        condition_width: int,
        layer_widths: Sequence[int],
        width: int,
        dtype: np.dtype,
    ) -> Generator:
        """A generator with torch's default initial weights."""
        parameters: dict[str, np.ndarray] = {}
        for name, shape in cls.shapes(noise_width, condition_width, layer_widths, width).items():
            kind, layer = name.split(".")
            fan_in = noise_width + sum(layer_widths[: int(layer)]) + condition_width
            if kind == "scale":
                parameters[name] = np.ones(shape, dtype)
            elif kind == "shift" and int(layer) < len(layer_widths):
                parameters[name] = np.zeros(shape, dtype)
            else:
                parameters[name] = uniform_weights(rng, fan_in, shape, dtype)
        return cls(parameters, noise_width, layer_widths)

    def _linear(self, layer: int, categories: np.ndarray | None, out: np.ndarray | None = None) -> np.ndarray:
        product = np.matmul(self._buffer[:, self._starts[layer] :], self.parameters[f"weight.{layer}"], out=out)
        if categories is not None:
            kernels.add_looked_up(self.parameters[f"condition.{layer}"], categories[:, None], product)
        return product

    def forward(self, noise: np.ndarray, categories: np.ndarray | None, out: np.ndarray | None = None) -> np.ndarray:
        """Logits (batch, width) from noise (batch, noise width) and the conditions' positions (batch,)."""
        if self._buffer.shape[0] != len(noise):
            self._buffer = np.empty((len(noise), self._buffer_width), noise.dtype)
        self._buffer[:, self._starts[0] :] = noise
        self._normalized, self._inverse_deviations = [], []
        for layer in range(len(self.layer_widths)):
            hidden = self._linear(layer, categories)
            inverse = np.empty(hidden.shape[1], hidden.dtype)
            kernels.normalize(
                hidden,
                self.parameters[f"scale.{layer}"],
                self.parameters[f"shift.{layer}"],
                hidden.dtype.type(BATCH_NORM_EPSILON),
                inverse,
                self._buffer,
                self._starts[layer + 1],
            )
            self._normalized.append(hidden)
            self._inverse_deviations.append(inverse)
        last = len(self.layer_widths)
        logits = self._linear(last, categories, out)
        logits += self.parameters[f"shift.{last}"]
        return logits

    def backward(self, gradient: np.ndarray, categories: np.ndarray | None, gradients: dict[str, np.ndarray]) -> None:
        """Fill ``gradients``, the same arrays at every call, from the gradient by the logits of the last forward pass."""
        last = len(self.layer_widths)
        by_hidden = self._linear_backward(last, gradient, categories, gradients)
        np.sum(gradient, axis=0, out=gradients[f"shift.{last}"])
        for layer in reversed(range(last)):
            units = self.layer_widths[layer]
            by_linear = np.empty_like(self._normalized[layer])
            kernels.normalize_backward(
                by_hidden,
                self._buffer,
                self._starts[layer + 1],
                self._normalized[layer],
                self._inverse_deviations[layer],
                self.parameters[f"scale.{layer}"],
                gradients[f"scale.{layer}"],
                gradients[f"shift.{layer}"],
                by_linear,
            )
            deeper = self._linear_backward(layer, by_linear, categories, gradients)
            if layer:
                deeper += by_hidden[:, units:]
                by_hidden = deeper

    def _linear_backward(
        self, layer: int, gradient: np.ndarray, categories: np.ndarray | None, gradients: dict[str, np.ndarray]
    ) -> np.ndarray:
        """Fill the layer's gradients. Returns the gradient by its input, without the noise, which needs none."""
        weight = self.parameters[f"weight.{layer}"]
        np.matmul(self._buffer[:, self._starts[layer] :].T, gradient, out=gradients[f"weight.{layer}"])
        if categories is not None:
            by_condition = gradients[f"condition.{layer}"]
            # Only the rows that the pass before filled are not zero, and this array may be the largest of all.
            by_condition[self._touched] = 0.0
            kernels.add_rows(by_condition, categories[:, None], gradient)
            if layer == 0:
                self._touched = categories
        hidden_inputs = self._starts[0] - self._starts[layer]
        return np.matmul(gradient, weight[:hidden_inputs].T)


class Discriminator:
    """A perceptron (leaky ReLU, dropout) over ``pac`` rows at a time, a pack. Each row has its data and its condition.

    The rows of the first layer's weights are ordered: the data of all rows of the pack, then their conditions.
    """

    def __init__(
        self, parameters: dict[str, np.ndarray], width: int, condition_width: int, layer_widths: Sequence[int], pac: int
    ) -> None:
        self.parameters = parameters
        self.width = width
        self.condition_width = condition_width
        self.layers = len(layer_widths) + 1
        self.pac = pac
        self._data_rows = pac * width
        self._fake = np.empty((0, 0))

    @staticmethod
    def shapes(width: int, condition_width: int, layer_widths: Sequence[int], pac: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters. Layers are numbered from 0; the output layer is the last."""
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = pac * (width + condition_width)
        for layer, outputs in enumerate((*layer_widths, 1)):
            shapes[f"weight.{layer}"] = (inputs, outputs)
            shapes[f"shift.{layer}"] = (outputs,)
            inputs = outputs
        return shapes

    @classmethod
    def initial(
        cls,
        rng: np.random.Generator,
        width: int,
        condition_width: int,
        layer_widths: Sequence[int],
        pac: int,
        dtype: np.dtype,
    ) -> Discriminator:
        """A discriminator with torch's default initial weights."""
        shapes = cls.shapes(width, condition_width, layer_widths, pac)
        parameters = {
            name: uniform_weights(rng, shapes[f"weight.{name.split('.')[1]}"][0], shape, dtype)
            for name, shape in shapes.items()
        }
        return cls(parameters, width, condition_width, layer_widths, pac)

    def fake_rows(self, batch: int, dtype: np.dtype) -> np.ndarray:
        """The buffer (batch, width) that a generator writes its data vectors to, and the next pass reads."""
        if len(self._fake) != batch:
            packs = batch // self.pac
            self._fake = np.zeros((batch, self.width), dtype)
            self._by_fake = np.empty((batch, self.width), dtype)
            # A column for each pack: the gradients by the first layer's input, since products with the tall weights are faster
            # so, and to their right the fake rows, for the one product that both enter.
            self._columns = np.empty((self._data_rows, 2 * packs), dtype)
            self._by_condition = np.empty((self.pac * self.condition_width, packs), dtype)
        return self._fake

    def _packed(self, rows: np.ndarray) -> np.ndarray:
        """Rows (batch, any) as packs (packs, pac * any), a view."""
        return rows.reshape(len(rows) // self.pac, -1)

    def _condition_rows(self, categories: np.ndarray) -> np.ndarray:
        """Positions of the conditions (packs, pac) among the first layer's weights."""
        slots = self._data_rows + np.arange(self.pac) * self.condition_width
        return categories.reshape(-1, self.pac) + slots

    def _data_positions(self, ones: np.ndarray) -> np.ndarray:
        """Positions of the real rows' ones (packs, pac * segments) among the first layer's weights."""
        slots = np.arange(self.pac)[:, None] * self.width
        return (ones.reshape(-1, self.pac, ones.shape[1]) + slots).reshape(len(ones) // self.pac, -1)

    def _scalar_positions(self, scalars: int) -> np.ndarray:
        """Positions of a pack's scalars (pac * scalars,) among the first layer's weights."""
        return (np.arange(self.pac)[:, None] * self.width + np.arange(scalars)).ravel()

    def _first_fake(self, categories: np.ndarray | None) -> np.ndarray:
        first = self._packed(self._fake) @ self.parameters["weight.0"][: self._data_rows]
        if categories is not None:
            kernels.add_looked_up(self.parameters["weight.0"], self._condition_rows(categories), first)
        return first

    def _first_real(self, real: EncodedTable, categories: np.ndarray | None) -> np.ndarray:
        scalar_rows = self.parameters["weight.0"][self._scalar_positions(real.scalars.shape[1])]
        first = self._packed(real.scalars) @ scalar_rows
        kernels.add_looked_up(self.parameters["weight.0"], self._data_positions(real.ones), first)
        if categories is not None:
            kernels.add_looked_up(self.parameters["weight.0"], self._condition_rows(categories), first)
        return first

    def _forward(
        self, first: np.ndarray, keep: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray], Sequence[np.ndarray]]:
        """Scores (rows,), the hidden layers, and in place of ``keep`` the slope of leaky ReLU and dropout for each unit."""
        hidden = []
        linear = first
        for layer in range(1, self.layers):
            leaky, raised = (linear.dtype.type(number) for number in (LEAKY_SLOPE, 1.0 / (1.0 - DROPOUT)))
            kernels.leak(linear, self.parameters[f"shift.{layer - 1}"], keep[layer - 1], leaky, raised)
            hidden.append(linear)
            linear = linear @ self.parameters[f"weight.{layer}"]
        scores = linear + self.parameters[f"shift.{self.layers - 1}"]
        return scores[:, 0], hidden, keep

    def _chain(self, by_score: np.ndarray, slopes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Gradients by each layer's linear output, first layer first, from those by the scores (rows, 1)."""
        chain = [by_score]
        for layer in range(self.layers - 1, 0, -1):
            chain.insert(0, (chain[0] @ self.parameters[f"weight.{layer}"].T) * slopes[layer - 1])
        return chain

    def generator_loss(self, categories: np.ndarray | None, keep: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
        """Minus the mean score of the rows in the buffer, and its gradient by them (batch, width), valid until the next call."""
        packs = len(self._fake) // self.pac
        scores, _, slopes = self._forward(self._first_fake(categories), keep)
        chain = self._chain(np.full((packs, 1), -1.0 / packs, self._fake.dtype), slopes)
        columns = self._columns[:, :packs]
        np.matmul(self.parameters["weight.0"][: self._data_rows], chain[0].T, out=columns)
        np.copyto(self._packed(self._by_fake), columns.T)
        return -float(scores.mean()), self._by_fake

    def loss(
        self,
        fake_categories: np.ndarray | None,
        real: EncodedTable,
        real_categories: np.ndarray | None,
        interpolation: np.ndarray,
        keep: Sequence[np.ndarray],
        gradients: dict[str, np.ndarray],
    ) -> tuple[float, float]:
        """The Wasserstein loss and the gradient penalty; ``gradients`` is filled with the gradient of their sum.

        Args:
            fake_categories, real_categories: positions of the conditions of the buffer's rows and of the real rows.
            real: the real rows.
            interpolation: the share of the real rows in each pack's interpolate, (packs,).
            keep: per hidden layer which units dropout keeps, (3 * packs, units): interpolates, fake and real packs;
                overwritten.
            gradients: by name of parameter, overwritten.
        """
        packs = len(interpolation)
        fake_first = self._first_fake(fake_categories)
        real_first = self._first_real(real, real_categories)
        share = interpolation[:, None]
        mixed = share * real_first + (1.0 - share) * fake_first
        scores, hidden, slopes = self._forward(np.concatenate([mixed, fake_first, real_first]), keep)
        by_score = np.repeat(np.array([1.0, 1.0 / packs, -1.0 / packs], mixed.dtype), packs)[:, None]
        chain = self._chain(by_score, slopes)
        penalty, by_chain = self._penalty(chain[0][:packs])
        self._first_backward(chain[0], fake_categories, real, real_categories, gradients["weight.0"])
        np.sum(chain[0][packs:], axis=0, out=gradients["shift.0"])
        for layer in range(1, self.layers):
            # The penalty's own pass up the chain takes the place of the interpolates, whose scores enter no loss.
            np.multiply(by_chain, slopes[layer - 1][:packs], out=hidden[layer - 1][:packs])
            np.matmul(hidden[layer - 1].T, chain[layer], out=gradients[f"weight.{layer}"])
            np.sum(chain[layer][packs:], axis=0, out=gradients[f"shift.{layer}"])
            if layer < self.layers - 1:
                by_chain = hidden[layer - 1][:packs] @ self.parameters[f"weight.{layer}"]
        fake_scores, real_scores = scores[packs : 2 * packs], scores[2 * packs :]
        return float(fake_scores.mean() - real_scores.mean()), penalty

    def _penalty(self, by_first: np.ndarray) -> tuple[float, np.ndarray]:
        """The penalty, and its gradient by ``by_first`` (packs, units), the scores' gradient by the first layer.

        The scores' gradient by the input, scaled to the penalty's gradient by it, is left in the buffers.
        """
        data_weight = self.parameters["weight.0"][: self._data_rows]
        condition_weight = self.parameters["weight.0"][self._data_rows :]
        by_data, by_condition = self._columns[:, : len(by_first)], self._by_condition
        np.matmul(data_weight, by_first.T, out=by_data)
        np.matmul(condition_weight, by_first.T, out=by_condition)
        squares = np.zeros(len(by_first), by_first.dtype)
        kernels.add_column_squares(self._columns, len(by_first), squares)
        kernels.add_column_squares(by_condition, len(by_first), squares)
        norms = np.sqrt(squares)
        excess = norms - 1.0
        # At a gradient of zero the norm has no derivative; torch takes zero.
        factors = np.divide(excess, norms, out=np.zeros_like(norms), where=norms > 0)
        factors *= 2.0 * PENALTY_WEIGHT / len(by_first)
        kernels.scale_columns(self._columns, len(by_first), factors)
        kernels.scale_columns(by_condition, len(by_first), factors)
        by_chain = by_data.T @ data_weight
        by_chain += by_condition.T @ condition_weight
        return float(PENALTY_WEIGHT * np.mean(excess * excess)), by_chain

    def _first_backward(
        self,
        by_first: np.ndarray,
        fake_categories: np.ndarray | None,
        real: EncodedTable,
        real_categories: np.ndarray | None,
        gradient: np.ndarray,
    ) -> None:
        """Fill the first layer's gradient: products for the interpolates and the fake data, additions for all ones."""
        packs = len(by_first) // 3
        by_mixed, by_fake, by_real = np.split(by_first, 3)
        np.copyto(self._columns[:, packs:], self._packed(self._fake).T)
        np.matmul(self._columns, by_first[: 2 * packs], out=gradient[: self._data_rows])
        np.matmul(self._by_condition, by_mixed, out=gradient[self._data_rows :])
        gradient[self._scalar_positions(real.scalars.shape[1])] += self._packed(real.scalars).T @ by_real
        kernels.add_rows(gradient, self._data_positions(real.ones), by_real)
        if fake_categories is not None and real_categories is not None:
            kernels.add_rows(gradient, self._condition_rows(fake_categories), by_fake)
            kernels.add_rows(gradient, self._condition_rows(real_categories), by_real)
