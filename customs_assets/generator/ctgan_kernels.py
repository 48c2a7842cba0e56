"""The element-by-element loops of a training step, compiled with Numba.

Loops that NumPy would run as a dozen passes over memory belong here: Adam, batch normalization, the softmax of many narrow
segments, sums over looked-up rows. Every function writes into the arrays it is given, which are C-contiguous, and works on
float32 and float64 alike. Compiled code is kept beside this file, or in the user's cache where that folder is read-only.

A sum is taken in one fixed order that depends on the array's shape alone, so the same inputs give the same bytes. Numbers are
passed, and zeros and ones made, in the arrays' own type: Numba takes a whole number beside a float32 for a float64, and needs
twice the time.
"""

from __future__ import annotations

import numpy as np

from customs_assets.compiled import compiled

# Sums may be split into vector lanes and products fused into sums. NaN and infinity keep their meaning: they show that a training
# diverges.
_REARRANGED = {"contract", "reassoc", "nsz"}


@compiled(fastmath=_REARRANGED)
def adam(
    parameter: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    decay: float,
    first_beta: float,
    first_rest: float,
    second_beta: float,
    second_rest: float,
    step_size: float,
    root_size: float,
    epsilon: float,
) -> None:
    """One step of Adam (Kingma and Ba 2015) on flat arrays of one length; all numbers of the arrays' own type.

    Args:
        parameter, first, second: the parameter and its two moments, updated.
        gradient: without the weight decay, which is added here: ``decay`` times the parameter.
        first_beta, second_beta: what is kept of each moment; ``first_rest`` and ``second_rest`` are the rest to 1.
        step_size: the learning rate over the first moment's bias correction.
        root_size: one over the root of the second moment's bias correction.
        epsilon: added to the root of the second moment.
    """
    for i in range(parameter.size):
        slope = gradient[i] + decay * parameter[i]
        mean = first_beta * first[i] + first_rest * slope
        square = second_beta * second[i] + second_rest * slope * slope
        first[i] = mean
        second[i] = square
        parameter[i] -= step_size * mean / (np.sqrt(square) * root_size + epsilon)


@compiled(fastmath=_REARRANGED)
def add_looked_up(table: np.ndarray, positions: np.ndarray, out: np.ndarray) -> None:
    """``out[i] += table[positions[i, j]]`` for every i and j; positions (rows, any), out (rows, table's width)."""
    for i in range(positions.shape[0]):
        for j in range(positions.shape[1]):
            place = positions[i, j]
            for k in range(out.shape[1]):
                out[i, k] += table[place, k]


@compiled(fastmath=_REARRANGED)
def add_rows(table: np.ndarray, positions: np.ndarray, rows: np.ndarray) -> None:
    """``table[positions[i, j]] += rows[i]`` for every i and j, positions that repeat summed; positions (rows, any)."""
    for i in range(positions.shape[0]):
        for j in range(positions.shape[1]):
            place = positions[i, j]
            for k in range(rows.shape[1]):
                table[place, k] += rows[i, k]


@compiled(fastmath=_REARRANGED)
def normalize(
    hidden: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    epsilon: float,
    inverse: np.ndarray,
    joined: np.ndarray,
    first: int,
) -> None:
    """Batch normalization and ReLU.

    Args:
        hidden: (batch, units); turned into the normalized values, before scale and shift.
        scale, shift: (units,).
        epsilon: added to the variance.
        inverse: (units,), filled with one over the deviations.
        joined: (batch, any), whose columns from ``first`` on are filled with the result.
    """
    batch, units = hidden.shape
    zero = hidden.dtype.type(0)
    mean = np.zeros(units, hidden.dtype)
    square = np.zeros(units, hidden.dtype)
    for i in range(batch):
        for k in range(units):
            mean[k] += hidden[i, k]
    for k in range(units):
        mean[k] /= batch
    for i in range(batch):
        for k in range(units):
            centred = hidden[i, k] - mean[k]
            hidden[i, k] = centred
            square[k] += centred * centred
    for k in range(units):
        inverse[k] = 1 / np.sqrt(square[k] / batch + epsilon)
    for i in range(batch):
        for k in range(units):
            normalized = hidden[i, k] * inverse[k]
            hidden[i, k] = normalized
            scaled = normalized * scale[k] + shift[k]
            joined[i, first + k] = max(scaled, zero)


@compiled(fastmath=_REARRANGED)
def normalize_backward(
    gradient: np.ndarray,
    joined: np.ndarray,
    first: int,
    normalized: np.ndarray,
    inverse: np.ndarray,
    scale: np.ndarray,
    by_scale: np.ndarray,
    by_shift: np.ndarray,
    by_hidden: np.ndarray,
) -> None:
    """The gradient of :func:`normalize`, through ReLU and batch normalization.

    Args:
        gradient: by the result, the first ``units`` columns of (batch, any); overwritten.
        joined, first, normalized, inverse, scale: as :func:`normalize` left them, ``normalized`` being its ``hidden``.
        by_scale, by_shift: (units,), filled.
        by_hidden: (batch, units), filled.
    """
    batch, units = normalized.shape
    zero = normalized.dtype.type(0)
    by_scale[:] = 0
    by_shift[:] = 0
    for i in range(batch):
        for k in range(units):
            slope = gradient[i, k] if joined[i, first + k] > zero else zero
            gradient[i, k] = slope
            by_shift[k] += slope
            by_scale[k] += slope * normalized[i, k]
    share = normalized.dtype.type(1 / batch)
    mean_shift, mean_scale, size = by_shift * share, by_scale * share, scale * inverse
    for i in range(batch):
        for k in range(units):
            by_hidden[i, k] = (gradient[i, k] - mean_shift[k] - normalized[i, k] * mean_scale[k]) * size[k]


@compiled(fastmath=_REARRANGED)
def perturb_segments(
    logits: np.ndarray, noise: np.ndarray, starts: np.ndarray, widths: np.ndarray, sharpness: float
) -> None:
    """Turn noise into perturbed logits, ``sharpness`` times the difference, less the largest of its segment.

    Args:
        logits: (batch, width), the segments last.
        noise: (batch, width of all segments); overwritten.
        starts, widths: of the segments in ``noise``, (segments,).
        sharpness: one over the softmax's temperature.
    """
    scalars = logits.shape[1] - noise.shape[1]
    for i in range(noise.shape[0]):
        for segment in range(starts.size):
            first, after = starts[segment], starts[segment] + widths[segment]
            largest = (logits[i, scalars + first] - noise[i, first]) * sharpness
            for k in range(first, after):
                perturbed = (logits[i, scalars + k] - noise[i, k]) * sharpness
                noise[i, k] = perturbed
                largest = max(largest, perturbed)
            for k in range(first, after):
                noise[i, k] -= largest


@compiled(fastmath=_REARRANGED)
def share_segments(exponentials: np.ndarray, starts: np.ndarray, widths: np.ndarray, out: np.ndarray) -> None:
    """Divide by the sum of each segment, into the last columns of ``out`` (batch, width)."""
    scalars = out.shape[1] - exponentials.shape[1]
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for i in range(exponentials.shape[0]):
        for segment in range(starts.size):
            first, after = starts[segment], starts[segment] + widths[segment]
            total = zero
            for k in range(first, after):
                total += exponentials[i, k]
            share = one / total
            for k in range(first, after):
                out[i, scalars + k] = exponentials[i, k] * share


@compiled(fastmath=_REARRANGED)
def segments_backward(
    gradient: np.ndarray, vectors: np.ndarray, starts: np.ndarray, widths: np.ndarray, sharpness: float
) -> None:
    """Turn the gradient by data vectors into that by logits, in place: tanh first, then a softmax each segment.

    Args:
        gradient, vectors: (batch, width), the scalars first.
        starts, widths: of the segments, counted from the end of the scalars.
        sharpness: one over the softmax's temperature.
    """
    scalars = gradient.shape[1] - widths.sum()
    zero, one = gradient.dtype.type(0), gradient.dtype.type(1)
    for i in range(gradient.shape[0]):
        for k in range(scalars):
            gradient[i, k] *= one - vectors[i, k] * vectors[i, k]
        for segment in range(starts.size):
            first = scalars + starts[segment]
            after = first + widths[segment]
            mean = zero
            for k in range(first, after):
                mean += gradient[i, k] * vectors[i, k]
            for k in range(first, after):
                gradient[i, k] = (gradient[i, k] - mean) * vectors[i, k] * sharpness


@compiled(fastmath=_REARRANGED)
def cross_entropy(
    logits: np.ndarray, starts: np.ndarray, widths: np.ndarray, targets: np.ndarray, gradient: np.ndarray
) -> float:
    """Mean over the batch of the cross entropy of one segment of each row with the category asked for.

    Args:
        logits: (batch, width).
        starts, widths: of each row's segment, (batch,).
        targets: where in the row the category asked for stands, (batch,).
        gradient: (batch, width); the loss's gradient by the logits is added to it.
    """
    batch = logits.shape[0]
    zero, share = logits.dtype.type(0), logits.dtype.type(1 / batch)
    loss = 0.0
    for i in range(batch):
        first, after = starts[i], starts[i] + widths[i]
        largest = logits[i, first]
        for k in range(first, after):
            largest = max(largest, logits[i, k])
        total = zero
        for k in range(first, after):
            total += np.exp(logits[i, k] - largest)
        size = share / total
        for k in range(first, after):
            gradient[i, k] += np.exp(logits[i, k] - largest) * size
        gradient[i, targets[i]] -= share
        loss += np.log(total) + largest - logits[i, targets[i]]
    return loss / batch


@compiled(fastmath=_REARRANGED)
def add_column_squares(columns: np.ndarray, count: int, squares: np.ndarray) -> None:
    """``squares[k] += sum of columns[i, k]**2 over i``, for the first ``count`` columns."""
    for i in range(columns.shape[0]):
        for k in range(count):
            squares[k] += columns[i, k] * columns[i, k]


@compiled(fastmath=_REARRANGED)
def scale_columns(columns: np.ndarray, count: int, factors: np.ndarray) -> None:
    """Multiply the first ``count`` columns by one factor each, in place."""
    for i in range(columns.shape[0]):
        for k in range(count):
            columns[i, k] *= factors[k]


@compiled(fastmath=_REARRANGED)
def leak(linear: np.ndarray, shift: np.ndarray, keep: np.ndarray, leaky: float, raised: float) -> None:
    """Leaky ReLU and dropout as one slope for each unit.

    Args:
        linear: (rows, units) without bias; turned into the layer's output.
        shift: the bias, (units,).
        keep: (rows, units), 0 or 1; turned into the slopes.
        leaky: slope of leaky ReLU under zero.
        raised: what dropout multiplies kept units by.
    """
    zero, leaking = linear.dtype.type(0), leaky * raised
    for i in range(linear.shape[0]):
        for k in range(linear.shape[1]):
            value = linear[i, k] + shift[k]
            slope = keep[i, k] * (raised if value > zero else leaking)
            keep[i, k] = slope
            linear[i, k] = value * slope
