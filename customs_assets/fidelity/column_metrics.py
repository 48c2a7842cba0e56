"""The metrics of Table 2 that look at one column at a time.

Each is a few lines of NumPy with SDMetrics' name and SDMetrics' result (section 3.2 of the paper, equations 1 and 4),
because importing the library costs more than a month's whole report. What looks at two columns or at whole rows is
elsewhere. A score that is not defined (nothing to compare, a source without range) is NaN, as in the library's report.
"""

from __future__ import annotations

import math

import numpy as np

from customs_assets.fidelity.comparison import Codes, Numbers

# SDMetrics rounds to this many decimals before it compares distributions, so that representation makes no step.
_DECIMALS = 14

# SDMetrics gives a category that the source has not a count of this much instead of none.
_REGULARIZATION = 1e-6


def ks_complement(numbers: Numbers) -> float:
    """KSComplement: 1 less the largest distance between the two empirical distribution functions; missing left out."""
    source = np.sort(np.round(_known(numbers.source), _DECIMALS))
    synthetic = np.sort(np.round(_known(numbers.synthetic), _DECIMALS))
    if not (len(source) and len(synthetic)):
        return math.nan
    steps = np.concatenate([source, synthetic])
    distances = np.searchsorted(source, steps, "right") / len(source)
    distances -= np.searchsorted(synthetic, steps, "right") / len(synthetic)
    return float(1 - np.abs(distances).max())


def tv_complement(codes: Codes) -> float:
    """TVComplement: 1 less the total variation distance between the two frequencies (equation 1); missing left out."""
    source, synthetic = _counts(codes)
    source = np.where((source == 0) & (synthetic > 0), _REGULARIZATION, source)
    if not (source.any() and synthetic.any()):
        return math.nan
    return float(1 - np.abs(synthetic / synthetic.sum() - source / source.sum()).sum() / 2)


def range_coverage(numbers: Numbers) -> float:
    """RangeCoverage: how much of the source's range the synthetic range covers (equation 4); NaN where it has none."""
    source, synthetic = _known(numbers.source), _known(numbers.synthetic)
    if not (len(source) and len(synthetic)) or source.min() == source.max():
        return math.nan
    span = source.max() - source.min()
    below = max((synthetic.min() - source.min()) / span, 0.0)
    above = max((source.max() - synthetic.max()) / span, 0.0)
    return float(max(1 - (below + above), 0.0))


def category_coverage(codes: Codes) -> float:
    """CategoryCoverage: share of the source's categories that the synthetic column has too."""
    source, synthetic = (counts > 0 for counts in _counts(codes))
    return float((source & synthetic).sum() / source.sum()) if source.any() else math.nan


def boundary_adherence(numbers: Numbers) -> float:
    """BoundaryAdherence: share of synthetic values between the source's least and largest.

    A missing value is out of bounds, unless the source has missing values: then they are left out.
    """
    source = _known(numbers.source)
    synthetic = numbers.synthetic if len(source) == len(numbers.source) else _known(numbers.synthetic)
    if not (len(source) and len(synthetic)):
        return math.nan
    return float(((synthetic >= source.min()) & (synthetic <= source.max())).mean())


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _counts(codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Rows per category, the missing value left out."""
    source = np.bincount(codes.source, minlength=codes.size)[1:]
    synthetic = np.bincount(codes.synthetic, minlength=codes.size)[1:]
    return source, synthetic
