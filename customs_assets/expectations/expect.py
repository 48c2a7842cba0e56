"""The expectations that suites use, each in one line: what is looked at, its bounds, and the sentence that a finding shows.

What belongs here builds Great Expectations' own expectations. Which artifact must hold which is said in ``suites``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation


def expect(kind: str, description: str, **arguments: Any) -> Expectation:
    """Great Expectations' ``Expect<kind>``."""
    import great_expectations.expectations as gxe

    return getattr(gxe, f"Expect{kind}")(description=description, **arguments)


def between(column: str, low: Any, high: Any, description: str) -> Expectation:
    """Every value lies between two bounds, ends included; None leaves an end open."""
    bounds = {name: value for name, value in (("min_value", low), ("max_value", high)) if value is not None}
    return expect("ColumnValuesToBeBetween", description, column=column, **bounds)


def in_set(column: str, values: Iterable[Any], description: str) -> Expectation:
    """Every value is one of some."""
    return expect("ColumnValuesToBeInSet", description, column=column, value_set=list(values))


def not_in_set(column: str, values: Iterable[Any], description: str) -> Expectation:
    """No value is one of some."""
    return expect("ColumnValuesToNotBeInSet", description, column=column, value_set=list(values))


def exactly(column: str, values: Iterable[Any], description: str) -> Expectation:
    """The distinct values are these and no other."""
    return expect("ColumnDistinctValuesToEqualSet", description, column=column, value_set=list(values))


def matches(column: str, pattern: str, description: str) -> Expectation:
    """Every value matches a regular expression."""
    return expect("ColumnValuesToMatchRegex", description, column=column, regex=pattern)


def not_missing(column: str, description: str) -> Expectation:
    """No value is missing."""
    return expect("ColumnValuesToNotBeNull", description, column=column)


def unique(column: str, description: str) -> Expectation:
    """No value stands twice."""
    return expect("ColumnValuesToBeUnique", description, column=column)


def row_count(count: int, why: str) -> Expectation:
    """The table has so many rows."""
    return expect("TableRowCountToEqual", f"there are {count} rows: {why}", value=count)
