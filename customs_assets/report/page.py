"""The evidence page: one HTML file that opens from disk without a network.

What belongs here turns the evidence into rows of text for ``page.html``, the template, which says what stands where.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from customs_assets.benchmark.claims import table_three_claims
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.benchmark.table_three import DATASETS, PAPER, TITLES
from customs_assets.claims import Claim, Subject, number
from customs_assets.claims import from_json as claims_from_json
from customs_assets.fidelity.figures import figure_five, figure_four, figure_over_time
from customs_assets.fidelity.table_two import METRICS, from_json, table_two_rows
from customs_assets.figures import Figure, rendered
from customs_assets.release.card import law_in_words, tuples_in_words
from customs_assets.release.files import CHECKSUMS
from customs_assets.report.figures import figure_by_month, figure_seven, figure_six, figure_three
from customs_assets.settings import LawOrigin, Settings

_SETTINGS = ("epochs", "min_group", "dominance_one", "dominance_two", "rows", "price", "rehearsal_epochs")
_LIBRARIES = (
    "customs_assets",
    "catboost",
    "duckdb",
    "lightgbm",
    "numpy",
    "pandas",
    "scikit-learn",
    "shap",
    "xgboost-cpu",
)


def page(
    *,
    release_quality: Sequence[Mapping[str, Any]],
    release_evidence: Mapping[str, Any],
    release_privacy: Mapping[str, Any],
    fraud_benchmark: Mapping[str, pd.DataFrame],
    quality_report: Mapping[str, Sequence[Mapping[str, Any]]],
    privacy_report: Mapping[str, Mapping[str, Any]],
    release_candidate: Mapping[str, bytes],
    provenance: Sequence[tuple[str, str, str, str]],
    settings: Settings,
    law: LawOrigin,
    requests: str,
    withheld: Sequence[str],
    deep_attacks: Mapping[str, Any] | None = None,
) -> bytes:
    """The whole page as UTF-8: style, script and Plotly included.

    Args:
        release_quality: Table 2 over all months, as the asset of that name.
        release_evidence: as the asset of that name.
        release_privacy: as the asset of that name.
        fraud_benchmark: the rows of Table 3, by cell.
        quality_report: Table 2, by month.
        privacy_report: the privacy claims, by month.
        release_candidate: contents by file name; only ``SHA256SUMS`` is read.
        provenance: asset, number of partitions, code version and checksum of what the page is made from.
        settings: those that the data were made with.
        law: which law the release is under.
        requests: a sentence on traders' requests for confidentiality.
        withheld: why nothing is released; empty where the candidate is released.
        deep_attacks: as the asset of that name, where it is of the candidate's rows; None where it was not made yet.
    """
    from plotly.offline import get_plotlyjs

    months = release_evidence["months"]
    quality = {month: quality_report[month] for month in months}
    claims = all_claims(release_evidence, fraud_benchmark, release_privacy)
    references = {name.capitalize(): from_json(release_evidence["table_2"][name]) for name in ("ceiling", "floor")}
    precision = pd.concat(fraud_benchmark.values(), ignore_index=True)
    return rendered(
        "report/page.html",
        title=f"Evidence: synthetic import declarations, {months[0]} to {months[-1]}",
        figures=_figures(release_quality, release_evidence, quality),
        plotly=get_plotlyjs(),
        number=number,
        metrics=[metric.title for metric in METRICS],
        withheld=withheld,
        evidence=release_evidence,
        cards=[_card(subject, [claim for claim in claims if claim.subject is subject]) for subject in Subject],
        claims=[claim for claim in claims if claim.subject is not Subject.PRIVACY],
        privacy_claims=[claim for claim in claims if claim.subject is Subject.PRIVACY],
        law=law_in_words(law, settings),
        tuples=tuples_in_words(settings),
        requests=requests,
        trained_on=release_privacy["trained_on"],
        despite=release_privacy.get("despite", []),
        membership=_membership(release_privacy.get("membership")),
        deep_attacks=deep_attacks,
        deep_claims=claims_from_json(deep_attacks["claims"]) if deep_attacks else [],
        deep_table=_deep_table(deep_attacks),
        table_two=table_two_rows(from_json(release_quality), references),
        table_three=_table_three(precision),
        partly_labelled=_partly_labelled(release_evidence["partly_labelled"], precision),
        months_compared=_months_compared(quality, release_quality, privacy_report),
        settings=[(name, *_setting(settings, name)) for name in _SETTINGS],
        versions=[(library, _version(library)) for library in _LIBRARIES],
        provenance=provenance,
        checksums=[line.split("  ", 1)[::-1] for line in release_candidate[CHECKSUMS].decode().splitlines()],
    )


def all_claims(
    release_evidence: Mapping[str, Any],
    fraud_benchmark: Mapping[str, pd.DataFrame],
    release_privacy: Mapping[str, Any],
) -> list[Claim]:
    """The claims of the page, those of Table 3 included."""
    return [
        *claims_from_json(release_evidence["claims"]),
        *table_three_claims(pd.concat(fraud_benchmark.values(), ignore_index=True)),
        *claims_from_json(release_privacy["claims"]),
    ]


def _figures(
    release_quality: Sequence[Mapping[str, Any]],
    evidence: Mapping[str, Any],
    quality: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Figure]:
    figures = {
        **figure_three(evidence["figure_3"]),
        **figure_four(evidence["figure_4"]),
        "figure-5": figure_five(from_json(release_quality)),
        "months": figure_by_month({month: from_json(scores) for month, scores in quality.items()}),
        "weeks": figure_over_time(evidence["days"], "week"),
    }
    if evidence["figure_6"]:
        figures |= {"figure-6": figure_six(evidence["figure_6"]), **figure_seven(evidence["figure_7"])}
    return figures


def _card(subject: Subject, claims: Sequence[Claim]) -> dict[str, Any]:
    """How many claims of a subject hold, and which fail."""
    failing = [claim.title for claim in claims if claim.holds is False]
    holding = sum(claim.holds is True for claim in claims)
    unmeasured = any(math.isnan(claim.measured) and claim.note.startswith("not measured") for claim in claims)
    if failing:
        verdict, words = "fails", f"{len(failing)} of {holding + len(failing)} fail"
    elif unmeasured or not holding:
        verdict, words = "open", "not fully measured"
    else:
        verdict, words = "holds", "holds"
    return {"subject": subject.capitalize(), "verdict": verdict, "words": words, "holding": holding, "failing": failing}


def _table_three(precision: pd.DataFrame) -> list[list[str]]:
    """A row a detector: our mean and deviation, and the paper's mean, for each data set and inspection rate."""
    ours = {
        (row["detector"], row["dataset"], row["inspection_rate"]): (row["precision_mean"], row["precision_std"])
        for row in precision.to_dict("records")
    }
    rows = []
    for detector in DETECTORS:
        cells = [(detector, dataset, rate) for dataset in DATASETS for rate in (0.05, 0.10)]
        texts = (("{:.4f} ± {:.4f}".format(*ours[c]) if c in ours else "not run", f"{PAPER[c]:.4f}") for c in cells)
        rows.append([TITLES[detector], *(text for pair in texts for text in pair)])
    return rows


def _partly_labelled(cells: Sequence[Mapping[str, Any]], precision: pd.DataFrame) -> list[list[str]]:
    """Precision@5% of a detector that learns from a random share of the labels, from an inspection's, and from all."""
    all_labels = precision.loc[precision["dataset"] == "synthetic"].assign(policy="all").to_dict("records")
    means = {
        (row["detector"], row["policy"]): row["precision_mean"]
        for row in [*cells, *all_labels]
        if row["inspection_rate"] == 0.05
    }
    policies = ("random", "inspection", "all")
    return [
        [TITLES[detector], *(number(means.get((detector, policy), math.nan)) for policy in policies)]
        for detector in DETECTORS
        if cells
    ]


def _membership(measures: Mapping[str, Any] | None) -> list[list[str]]:
    """A row a membership attack: what it looks at, what the attacker knows, AUC and true positives. Empty where none was made."""
    return [
        [attack["title"], attack["knows"], *(number(attack[measure]) for measure in ("auc", "tpr_10", "tpr_01"))]
        for attack in (measures or {"attacks": []})["attacks"]
    ]


def _deep_table(found: Mapping[str, Any] | None) -> list[list[str]]:
    """A row an attack with shadow models: what it looks at, AUC and true positives. Empty where none was made."""
    return [
        [attack["title"], *(number(attack[measure]) for measure in ("auc", "tpr_10", "tpr_01"))]
        for attack in (found or {"attacks": []})["attacks"]
    ]


def _months_compared(
    quality_report: Mapping[str, Any], release_quality: Any, privacy_report: Mapping[str, Mapping[str, Any]]
) -> list[list[str]]:
    """A row a month: the scores of Table 2, copied rows and distance; below, the scores of all months together."""
    rows = []
    for name, scores in [*quality_report.items(), ("all together", release_quality)]:
        claims = claims_from_json(privacy_report[name]["claims"]) if name in privacy_report else []
        measured = {claim.key: number(claim.measured) for claim in claims}
        texts = [row["Ours"] for row in table_two_rows(from_json(scores))]
        rows.append([name, *texts, measured.get("copies", ""), measured.get("distance", "")])
    return rows


def _setting(settings: Settings, name: str) -> tuple[str, str]:
    """A setting's value, and what it means."""
    value = getattr(settings, name)
    return "not set" if value is None else str(value), Settings.model_fields[name].description or ""


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
