"""Run a list of expectations on a frame, and say what failed: which column, how many rows, which values, where.

Great Expectations does the judging; what belongs here is calling it quietly and turning its results into findings that a
person can read. Which expectations an artifact has stands in ``suites.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# How many offending values and rows a finding shows.
EXAMPLES = 10

HIDDEN = "(hidden: confidential)"

# Great Expectations copies an expectation's configuration a hundred times while it works, its set of values included: sets
# longer than this are looked up beforehand.
LONG_SET = 20


@dataclass(frozen=True)
class Finding:
    """An expectation that did not hold.

    Attributes:
        expectation: what was expected, as a sentence.
        columns: the columns it is about; empty for the table as a whole.
        failing: how many rows failed, 0 where the expectation is about the table.
        examined: how many rows were looked at.
        values: some of the offending values, or what was observed.
        rows: keys of some of the offending rows.
    """

    expectation: str
    columns: str
    failing: int
    examined: int
    values: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What came of a suite: how many expectations were checked, and those that did not hold."""

    checked: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every expectation held."""
        return not self.findings


def validate(
    frame: pd.DataFrame, expectations: Sequence[Expectation], key: str | None = None, hidden: Collection[str] = ()
) -> Verdict:
    """Check expectations on a frame.

    Args:
        frame: what is judged.
        expectations: what is expected of it; an expectation's ``description`` is the sentence that a finding shows.
        key: the column that names a row in findings, if the frame has one.
        hidden: columns whose values must not appear in findings.

    Raises:
        RuntimeError: an expectation could not be evaluated (a mistake in the suite, not in the data).
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    frame, judged, looked_up = _look_up_long_sets(frame, expectations)
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
    findings = tuple(_finding(result, key, hidden, looked_up) for result in results if not result.success)
    return Verdict(len(results), findings)


def _look_up_long_sets(
    frame: pd.DataFrame, expectations: Sequence[Expectation]
) -> tuple[pd.DataFrame, list[Expectation], dict[str, str]]:
    """Turn membership in a long set into a column of the values that break it, of which there should be none.

    Returns:
        The frame with these columns, the expectations that now look at them, and whose values each new column holds.
    """
    import great_expectations.expectations as gxe

    judged: list[Expectation] = []
    breaking: dict[str, pd.Series] = {}
    looked_up: dict[str, str] = {}
    for expectation in expectations:
        members = isinstance(expectation, gxe.ExpectColumnValuesToBeInSet)
        strangers = isinstance(expectation, gxe.ExpectColumnValuesToNotBeInSet)
        if not (members or strangers) or len(expectation.value_set or ()) <= LONG_SET or expectation.mostly != 1:
            judged.append(expectation)
            continue
        values = frame[expectation.column]
        known = values.isin(expectation.value_set)
        name = f"{expectation.column} ({len(looked_up)})"
        breaking[name] = values.where(known if strangers else ~known)
        looked_up[name] = expectation.column
        judged.append(gxe.ExpectColumnValuesToBeNull(column=name, description=expectation.description))
    if not breaking:
        return frame, judged, looked_up
    return pd.concat([frame, pd.DataFrame(breaking)], axis=1), judged, looked_up


def _finding(result: Any, key: str | None, hidden: Collection[str], looked_up: Mapping[str, str]) -> Finding:
    config, outcome = result.expectation_config, result.result or {}
    if (result.exception_info or {}).get("raised_exception"):
        raise RuntimeError(f"{config.type} could not be evaluated: {result.exception_info['exception_message']}")
    columns = [str(config.kwargs[name]) for name in ("column", "column_A", "column_B") if name in config.kwargs]
    columns += [str(name) for name in config.kwargs.get("column_list", [])]
    columns = [looked_up.get(name, name) for name in columns]
    rows = [str(row[key]) for row in outcome.get("partial_unexpected_index_list") or [] if isinstance(row, dict)]
    values = outcome.get("partial_unexpected_list") or [outcome.get("observed_value")]
    shown = [HIDDEN] if set(columns) & set(hidden) else list(dict.fromkeys(str(v) for v in values if v is not None))
    return Finding(
        config.description or config.type.replace("_", " "),
        ", ".join(columns),
        int(outcome.get("unexpected_count") or 0),
        int(outcome.get("element_count") or 0),
        tuple(shown[:EXAMPLES]),
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
