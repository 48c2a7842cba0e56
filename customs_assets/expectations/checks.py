"""The one adapter from a suite to a Dagster asset check.

A check has the partitions of its asset, so each month has its own verdict. A suite of level ``error`` is a blocking check: a
failure stops what is downstream of that month alone. Its verdict is written to the lake, so that a later run does not build on
what failed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from customs_assets.expectations.deep_suites import DEEP_SUITES
from customs_assets.expectations.drift_suites import DRIFT_SUITES
from customs_assets.expectations.evidence_suites import EVIDENCE_SUITES
from customs_assets.expectations.expect import Examined, Suite
from customs_assets.expectations.league_suites import LEAGUE_SUITES
from customs_assets.expectations.network_suites import NETWORK_SUITES
from customs_assets.expectations.suites import SUITES
from customs_assets.expectations.trade_suites import TRADE_SUITES
from customs_assets.expectations.validation import Verdict, as_markdown, validate_pieces
from customs_assets.expectations.weeks_suites import WEEKS_SUITES
from customs_assets.graph import SOURCE_KEY
from customs_assets.lake import Lake, LakeError
from customs_assets.months import due_month
from customs_assets.resources import Pipeline


def asset_check_from_suite(suite: Suite, partitions: dg.PartitionsDefinition | None) -> dg.AssetChecksDefinition:
    """The asset check that runs a suite on the partition at hand, with the partitions of its asset."""

    @dg.asset_check(
        asset=suite.asset,
        name=suite.name,
        description=suite.description,
        blocking=suite.is_error,
        partitions_def=partitions,
    )
    def check(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else ""
        return judge(suite, pipeline, partition)

    return check


def judge(suite: Suite, pipeline: Pipeline, partition: str) -> dg.AssetCheckResult:
    """Run a suite on one partition and write its verdict to the lake."""
    lake = pipeline.lake
    # Read before the asset: the verdict is about these bytes, even if others replace them meanwhile.
    record = lake.record(suite.asset, partition)
    if record is not None and lake.checksum(record) != record.sha256:
        raise LakeError(f"{record.name} is not what was written; run `customs verify`, then `customs run`")
    pieces = suite.pieces(Examined(lake, pipeline.settings, suite.asset, partition))
    verdict = validate_pieces(pieces, suite.key, suite.hidden)
    if suite.is_error and record is not None:
        lake.save_verdict(record, suite.name, passed=verdict.holds)
    sentence = f"all {verdict.checked} expectations hold"
    if verdict.findings:
        sentence = (
            f"{len(verdict.findings)} of {verdict.checked} expectations do not hold; "
            f"first: {verdict.findings[0].expectation}. {suite.remedy}"
        )
    reasons = _reasons(lake, suite, partition, verdict)
    metadata: dict[str, Any] = {
        "expectations": verdict.checked,
        "findings": dg.MetadataValue.md(as_markdown(verdict)),
        "rows_failing": sum(reason["rows"] for reason in reasons),
    }
    if reasons:
        metadata |= {
            "why": "; ".join(f"{r['reason']}: {r['rows']}" if r["rows"] else r["reason"] for r in reasons),
            "reasons": dg.MetadataValue.json(reasons),
            "remedy": suite.remedy,
        }
    return dg.AssetCheckResult(
        passed=verdict.holds,
        severity=dg.AssetCheckSeverity.ERROR if suite.is_error else dg.AssetCheckSeverity.WARN,
        description=sentence,
        metadata=metadata,
    )


def _reasons(lake: Lake, suite: Suite, partition: str, verdict: Verdict) -> list[dict[str, Any]]:
    """What did not hold, and for how many rows. Alerts repeat this outside the administration, so it holds no value."""
    reasons = [{"reason": finding.expectation, "rows": finding.failing} for finding in verdict.findings]
    if reasons and suite.asset == "quarantine":
        counted = lake.read_table("quarantine", partition).column("reason").value_counts().to_pylist()
        reasons += [{"reason": f"quarantined: {item['values']}", "rows": item["counts"]} for item in counted]
    return reasons


def asset_checks(assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> list[dg.AssetChecksDefinition]:
    """The checks of every suite, each with the partitions of its asset."""
    specs = [spec for a in assets for spec in (a.specs if isinstance(a, dg.AssetsDefinition) else [a])]
    partitions = {spec.key.to_user_string(): spec.partitions_def for spec in specs}
    return [
        asset_check_from_suite(suite, partitions[suite.asset])
        for suite in (
            *SUITES,
            *DRIFT_SUITES,
            *EVIDENCE_SUITES,
            *DEEP_SUITES,
            *LEAGUE_SUITES,
            *NETWORK_SUITES,
            *TRADE_SUITES,
            *WEEKS_SUITES,
        )
    ]


@dg.asset_check(
    asset=SOURCE_KEY,
    description="The month that is due (CUSTOMS_DUE_DAY) has been read from the source.",
)
def month_on_time(pipeline: Pipeline) -> dg.AssetCheckResult:
    """Whether the latest month that is due is in the lake. A late month is reported once, not every day."""
    due_day = pipeline.settings.due_day
    month = due_month(datetime.now(UTC).date(), due_day)
    is_here = pipeline.lake.exists("raw_declarations", month)
    metadata: dict[str, Any] = {"month": month, "alert_key": f"late month {month}"}
    if not is_here:
        sentence = f"{month} was due on day {due_day} of the next month and is not in the lake."
        metadata["remedy"] = f"{sentence} Look whether the source has it, then materialize it."
    return dg.AssetCheckResult(
        passed=is_here,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{month} is in the lake" if is_here else metadata["remedy"],
        metadata=metadata,
    )
