"""What suites are made of: the form of a suite, and the expectations that suites share, each in one line.

Every expectation has a description of its own: the sentence that a finding shows. The suites stand in ``suites`` and
``evidence_suites``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from customs_assets.expectations.validation import Piece
from customs_assets.lake import Lake
from customs_assets.settings import Settings

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# What to do where a suite does not hold, unless it says otherwise.
_REPORT_FAULT = "This is a fault of the pipeline, not of the data: please report it with the run's log."


@dataclass(frozen=True)
class Examined:
    """The partition that a suite judges."""

    lake: Lake
    settings: Settings
    asset: str
    partition: str

    def frame(self, asset: str | None = None) -> pd.DataFrame:
        """The table of this partition, of the judged asset or of another."""
        return self.lake.read_frame(asset or self.asset, self.partition)


Examine: TypeAlias = "Callable[[Examined], Piece | Iterator[Piece]]"


@dataclass(frozen=True)
class Suite:
    """A list of expectations on one asset.

    Attributes:
        asset: asset key.
        name: name of the check.
        examine: returns the frame that is judged and what is expected of it; for a table that may not fit into memory, both
            piece by piece.
        description: what is expected, for the UI.
        remedy: what to do where it does not hold.
        level: ``error`` blocks what is downstream, ``warning`` does not.
        key: column that names a row in findings.
        hidden: columns whose values must not appear in findings.
    """

    asset: str
    name: str
    examine: Examine
    description: str
    remedy: str = _REPORT_FAULT
    level: Literal["error", "warning"] = "error"
    key: str = "declaration_id"
    hidden: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether a failure blocks what is downstream."""
        return self.level == "error"

    def pieces(self, examined: Examined) -> Iterable[Piece]:
        """What is judged, as pieces."""
        pieces = self.examine(examined)
        return [pieces] if isinstance(pieces, tuple) else pieces


def suite(asset: str, name: str, **options: Any) -> Callable[[Examine], Suite]:
    """Make a suite of a function. The function's docstring is the description."""

    def of(examine: Examine) -> Suite:
        return Suite(asset, name, examine, **{"description": " ".join((examine.__doc__ or "").split()), **options})

    return of


def expect(kind: str, description: str, **arguments: Any) -> Expectation:
    """Great Expectations' ``Expect<kind>``."""
    import great_expectations.expectations as gxe

    return getattr(gxe, f"Expect{kind}")(description=description, **arguments)


def between(column: str, low: Any, high: Any, description: str) -> Expectation:
    """Every value lies between two bounds, bounds included; None leaves an end open."""
    bounds = {name: value for name, value in (("min_value", low), ("max_value", high)) if value is not None}
    return expect("ColumnValuesToBeBetween", description, column=column, **bounds)


def in_set(column: str, values: Iterable[Any], description: str) -> Expectation:
    """Every value is in a set."""
    return expect("ColumnValuesToBeInSet", description, column=column, value_set=list(values))


def not_in_set(column: str, values: Iterable[Any], description: str) -> Expectation:
    """No value is in a set."""
    return expect("ColumnValuesToNotBeInSet", description, column=column, value_set=list(values))


def exactly(column: str, values: Iterable[Any], description: str) -> Expectation:
    """The distinct values are those of a set."""
    return expect("ColumnDistinctValuesToEqualSet", description, column=column, value_set=list(values))


def matches(column: str, pattern: str, description: str) -> Expectation:
    """Every value matches a regular expression."""
    return expect("ColumnValuesToMatchRegex", description, column=column, regex=pattern)


def not_missing(column: str, description: str) -> Expectation:
    """No value is missing."""
    return expect("ColumnValuesToNotBeNull", description, column=column)


def unique(column: str, description: str) -> Expectation:
    """No value occurs twice."""
    return expect("ColumnValuesToBeUnique", description, column=column)


def row_count(count: int, why: str) -> Expectation:
    """The table has exactly ``count`` rows."""
    return expect("TableRowCountToEqual", f"there are {count} rows: {why}", value=count)
