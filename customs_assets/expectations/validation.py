"""Run a list of expectations on a frame, and report what failed: which column, how many rows, which values, where.

Great Expectations judges. What belongs here calls it and turns its results into findings that a person can read.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# How many failing values and rows a finding shows.
EXAMPLES = 10

HIDDEN = "(hidden: confidential)"

# A frame and the expectations on it.
Piece: TypeAlias = "tuple[pd.DataFrame, list[Expectation]]"


@dataclass(frozen=True)
class Finding:
    """An expectation that did not hold.

    Attributes:
        expectation: the expectation as a sentence.
        columns: the columns that it is about; empty for the whole table.
        failing: how many rows failed; 0 where the expectation is about the table.
        examined: how many rows were examined.
        values: some of the failing values, or what was observed.
        rows: keys of some of the failing rows.
    """

    expectation: str
    columns: str
    failing: int
    examined: int
    values: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The result of a suite: how many expectations were checked, and those that did not hold."""

    checked: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every expectation held."""
        return not self.findings


def validate_pieces(pieces: Iterable[Piece], key: str | None = None, hidden: Collection[str] = ()) -> Verdict:
    """Check expectations on a table that comes in pieces, with the same result as for the whole table.

    Expectations with the same description are one: the rows of all pieces are counted together. The other arguments are those of
    :func:`validate`; in pieces without the key column no rows are named.
    """
    examined: Counter[str | None] = Counter()
    findings: dict[str, Finding] = {}
    for frame, expectations in pieces:
        verdict = validate(frame, expectations, key if key in frame.columns else None, hidden)
        examined.update({expectation.description: len(frame) for expectation in expectations})
        for finding in verdict.findings:
            earlier = findings.get(finding.expectation)
            findings[finding.expectation] = finding if earlier is None else _together(earlier, finding)
    return Verdict(
        len(examined),
        tuple(replace(f, examined=examined[f.expectation]) if f.examined else f for f in findings.values()),
    )


def _together(one: Finding, other: Finding) -> Finding:
    values = tuple(dict.fromkeys(one.values + other.values))[:EXAMPLES]
    return replace(one, failing=one.failing + other.failing, values=values, rows=(one.rows + other.rows)[:EXAMPLES])


def validate(
    frame: pd.DataFrame, expectations: Sequence[Expectation], key: str | None = None, hidden: Collection[str] = ()
) -> Verdict:
    """Check expectations on a frame.

    Args:
        frame: the frame.
        expectations: each with a ``description``, the sentence that a finding shows.
        key: the column that names a row in findings, if the frame has one.
        hidden: columns whose values must not appear in findings.

    Raises:
        RuntimeError: an expectation could not be evaluated (a mistake in the suite, not in the data).
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    frame, judged, breaking_columns = _judge_distinct_values(frame, expectations)
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("frame").add_dataframe_asset("frame")
    batch = source.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})
    result_format: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    if key is not None:
        result_format["unexpected_index_column_names"] = [key]
    suite = gx.ExpectationSuite(name="suite", expectations=judged)
    results = batch.validate(suite, result_format=result_format).results
    findings = tuple(_finding(result, key, hidden, breaking_columns) for result in results if not result.success)
    return Verdict(len(results), findings)


def _judge_distinct_values(
    frame: pd.DataFrame, expectations: Sequence[Expectation]
) -> tuple[pd.DataFrame, list[Expectation], dict[str, str]]:
    """Judge sets and patterns on a column's distinct values, and leave only the failing rows to Great Expectations.

    A code occurs a thousand times in a month, and Great Expectations copies a set of values a hundred times.

    Returns:
        The frame, with one more column for each such expectation, which has the values that break it; the expectations, which now
        require these columns to be empty; and the original column of each.
    """
    import great_expectations.expectations as gxe

    judged: list[Expectation] = []
    breaking: dict[str, pd.Series] = {}
    breaking_columns: dict[str, str] = {}
    for expectation in expectations:
        if getattr(expectation, "column", None) not in frame.columns or getattr(expectation, "mostly", None) != 1:
            judged.append(expectation)
            continue
        values = frame[expectation.column]  # pyright: ignore[reportAttributeAccessIssue]
        codes, distinct = pd.factorize(values)
        match expectation:
            case gxe.ExpectColumnValuesToBeInSet(value_set=allowed) if allowed is not None:
                breaks = ~distinct.isin(allowed)
            case gxe.ExpectColumnValuesToNotBeInSet(value_set=refused) if refused is not None:
                breaks = distinct.isin(refused)
            case gxe.ExpectColumnValuesToMatchRegex(regex=str(pattern)):
                form = re.compile(pattern)
                breaks = np.array([form.search(str(value)) is None for value in distinct], bool)
            case _:
                judged.append(expectation)
                continue
        name = f"{expectation.column} ({len(breaking_columns)})"
        breaking_columns[name] = expectation.column
        # A missing value has the code -1 and breaks nothing.
        rows = np.append(breaks, False)[codes]
        breaking[name] = values.astype(object).where(rows) if rows.any() else pd.Series(None, frame.index, dtype=object)
        judged.append(gxe.ExpectColumnValuesToBeNull(column=name, description=expectation.description))
    if not breaking:
        return frame, judged, breaking_columns
    return pd.concat([frame, pd.DataFrame(breaking)], axis=1), judged, breaking_columns


def _finding(result: Any, key: str | None, hidden: Collection[str], breaking_columns: Mapping[str, str]) -> Finding:
    config, outcome = result.expectation_config, result.result or {}
    if (result.exception_info or {}).get("raised_exception"):
        raise RuntimeError(f"{config.type} could not be evaluated: {result.exception_info['exception_message']}")
    columns = [str(config.kwargs[name]) for name in ("column", "column_A", "column_B") if name in config.kwargs]
    columns += [str(name) for name in config.kwargs.get("column_list", [])]
    columns = [breaking_columns.get(name, name) for name in columns]
    rows = [str(row[key]) for row in outcome.get("partial_unexpected_index_list") or [] if isinstance(row, dict)]
    values = outcome.get("partial_unexpected_list") or [outcome.get("observed_value")]
    examples = [HIDDEN] if set(columns) & set(hidden) else list(dict.fromkeys(str(v) for v in values if v is not None))
    return Finding(
        config.description or config.type.replace("_", " "),
        ", ".join(columns),
        int(outcome.get("unexpected_count") or 0),
        int(outcome.get("element_count") or 0),
        tuple(examples[:EXAMPLES]),
        tuple(rows[:EXAMPLES]),
    )


def as_markdown(verdict: Verdict) -> str:
    """The findings of a verdict as a table, for a check's metadata."""
    if verdict.holds:
        return f"All {verdict.checked} expectations hold."
    lines = ["| expectation | column | rows failing | values | rows |", "| --- | --- | --- | --- | --- |"]
    for finding in verdict.findings:
        failing = f"{finding.failing} of {finding.examined}" if finding.examined else "table"
        cells = (finding.expectation, finding.columns, failing, ", ".join(finding.values), ", ".join(finding.rows))
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)
