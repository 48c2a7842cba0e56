"""The page: the evidence on one HTML file that opens from disk, without a network.

Verdicts first, then the paper's tables and figures, each beside what it is read by, then what was run. What belongs here is what
stands where; the page's style and its script are in ``page.css`` and ``page.js`` beside this module, numbers come from the lake.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from customs_assets.benchmark.claims import table_three_claims
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.benchmark.table_three import PAPER, TITLES
from customs_assets.claims import Claim, Subject, number
from customs_assets.claims import from_json as claims_from_json
from customs_assets.fidelity.fidelity import METRICS, MetricScore, as_published, from_json, table_two_rows
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, Record
from customs_assets.privacy.gate import CANDIDATE, claims_against, other_rows
from customs_assets.release.files import CHECKSUMS
from customs_assets.report import figures
from customs_assets.settings import Settings

FOLDER = Path(__file__).parent

# What the numbers were computed by.
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

_SETTINGS = ("epochs", "min_group", "rows", "price", "rehearsal_epochs")


@dataclass(frozen=True)
class Content:
    """What the page shows.

    Attributes:
        claims: all claims, those of Table 3 included.
        scores: Table 2 over all months.
        ceiling: Table 2 of two halves of the source.
        floor: Table 2 of independent columns.
        monthly: score by metric, by month.
        monthly_privacy: claims by month.
        cells: rows of Table 3.
        evidence: the document of ``release_evidence``.
        trained_on: what was trained on what, in words.
        settings: what was set, as text.
        provenance: asset, partitions, code version and checksum of what the page rests on.
        checksums: lines of the candidate's ``SHA256SUMS``, which are the release's where there is one.
        withheld: why the gate lets nothing through; empty where the candidate is released.
    """

    claims: list[Claim]
    scores: list[MetricScore]
    ceiling: list[MetricScore]
    floor: list[MetricScore]
    monthly: dict[str, dict[str, float]]
    monthly_privacy: dict[str, list[Claim]]
    cells: pd.DataFrame
    evidence: Mapping[str, Any]
    trained_on: str
    settings: dict[str, str]
    provenance: list[tuple[str, str, str, str]]
    checksums: list[str]
    withheld: list[str]


def gathered(lake: Lake, settings: Settings) -> Content:
    """Read from the lake what the page shows.

    Raises:
        LakeError: something that the page rests on is missing.
    """
    evidence, privacy = lake.read_json("release_evidence"), lake.read_json("release_privacy")
    cells = pd.concat(
        [lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")], ignore_index=True
    )
    months = evidence["months"]
    monthly = {month: from_json(lake.read_json("quality_report", month)) for month in months}
    claims = [*claims_from_json(evidence["claims"]), *table_three_claims(cells), *claims_from_json(privacy["claims"])]
    return Content(
        claims=claims,
        scores=from_json(lake.read_json("release_quality")),
        ceiling=from_json(evidence["table_2"]["ceiling"]),
        floor=from_json(evidence["table_2"]["floor"]),
        monthly={
            month: {score.metric: as_published(score.metric, score.score) for score in scores}
            for month, scores in monthly.items()
        },
        monthly_privacy={
            month: claims_from_json(lake.read_json("privacy_report", month)["claims"]) for month in months
        },
        cells=cells,
        evidence=evidence,
        trained_on=privacy["trained_on"],
        settings={name: str(getattr(settings, name)) for name in _SETTINGS},
        provenance=_provenance(lake, months),
        checksums=lake.read_bytes(f"{lake.path(CANDIDATE, suffix='')}/{CHECKSUMS}").decode().splitlines(),
        withheld=[*claims_against(lake, months), *other_rows(lake)],
    )


def _provenance(lake: Lake, months: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Each artifact with its partitions, code version, and checksum (of a partitioned one, of the checksums of its parts)."""
    of_asset: dict[str, list[Record]] = {}
    for record in lake.records():
        # The page cannot name its own checksum; that of an earlier one would make it differ from a first one. The gate is
        # passed before the page is built or after, and what it lets through has the candidate's checksum.
        if record.asset not in ("evidence_report", RELEASE) and (
            "-" not in record.partition or record.partition in months
        ):
            of_asset.setdefault(record.asset, []).append(record)
    return [
        (
            asset,
            str(len(records)),
            ", ".join(sorted({record.code_version for record in records})),
            records[0].sha256 if len(records) == 1 else _digest([record.sha256 for record in records]),
        )
        for asset, records in of_asset.items()
    ]


def _digest(parts: Sequence[str]) -> str:
    import hashlib

    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def page(content: Content) -> bytes:
    """The whole page, UTF-8: style, script and Plotly included."""
    from plotly.offline import get_plotlyjs

    drawn = _figures(content)
    data = json.dumps(drawn, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    script, style = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    months = content.evidence["months"]
    title = f"Evidence: synthetic import declarations, {months[0]} to {months[-1]}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data: blob:\">",
        '<link rel="icon" href="data:,">',
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body>",
        _verdicts(content, title),
        _navigation(),
        *(_section(*section) for section in _sections(content)),
        f'<script type="application/json" id="figures">{data}</script>',
        f"<script>{get_plotlyjs()}</script><script>{script}</script></body></html>",
    ]
    return "\n".join(parts).encode()


def _figures(content: Content) -> dict[str, Any]:
    evidence = content.evidence
    drawn = {
        **figures.figure_three(evidence["figure_3"]),
        **figures.figure_four(evidence["figure_4"]),
        "figure-5": figures.figure_five(content.scores),
        "weeks": figures.weeks(evidence["days"]),
        "months": figures.months(content.monthly),
    }
    if evidence["figure_6"]:
        drawn["figure-6"] = figures.figure_six(evidence["figure_6"])
        drawn |= figures.figure_seven(evidence["figure_7"])
    return drawn


_NAVIGATION = (
    ("claims", "Claims"),
    ("table-2", "Table 2"),
    ("table-3", "Table 3"),
    ("figure-3", "Figures 3 to 7"),
    ("privacy", "Privacy"),
    ("months-compared", "Months"),
    ("run", "What was run"),
)


def _navigation() -> str:
    links = "".join(f'<a href="#{anchor}">{text}</a>' for anchor, text in _NAVIGATION)
    return f"<nav>{links}</nav><main>"


def _verdicts(content: Content, title: str) -> str:
    """The head of the page: for each subject how many claims hold, and which do not."""
    cards = []
    for subject in Subject:
        claims = [claim for claim in content.claims if claim.subject is subject]
        missed = [claim.title for claim in claims if claim.holds is False]
        held = sum(claim.holds is True for claim in claims)
        silent = sum(math.isnan(claim.measured) and claim.note.startswith("not measured") for claim in claims)
        verdict = "fails" if missed else "open" if silent or not held else "holds"
        word = {"fails": f"{len(missed)} of {held + len(missed)} fail", "open": "not fully measured", "holds": "holds"}[
            verdict
        ]
        listed = "".join(f"<li>{html.escape(name)}</li>" for name in missed)
        cards.append(
            f'<div class="card {verdict}"><h2>{subject.value.capitalize()}</h2><p class="verdict">{word}</p>'
            f"<p>{held} {'claim holds' if held == 1 else 'claims hold'}</p>{f'<ul>{listed}</ul>' if listed else ''}</div>"
        )
    rows = content.evidence["rows"]
    said = f"{rows['synthetic']:,} synthetic rows beside {rows['source']:,} inspected declarations"
    return (
        f"<header><h1>{html.escape(title)}</h1>{_gate(content)}<p>{said}</p>"
        f"<div class='cards'>{''.join(cards)}</div></header>"
    )


def _gate(content: Content) -> str:
    """What the gate says: released, or withheld and why."""
    if not content.withheld:
        return '<p class="gate holds">released</p>'
    return f'<p class="gate fails">withheld: {html.escape("; ".join(content.withheld))}</p>'


def _section(anchor: str, title: str, body: str) -> str:
    return f'<section id="{anchor}"><h2>{html.escape(title)}</h2>{body}</section>'


def _sections(content: Content) -> list[tuple[str, str, str]]:
    evidence = content.evidence
    return [
        (
            "claims",
            "Every claim, measured",
            _CLAIMS + _claims_table([c for c in content.claims if c.subject is not Subject.PRIVACY]),
        ),
        ("table-2", "Table 2: synthetic data quality", _TABLE_TWO + _table_two(content)),
        ("table-3", "Table 3: fraud detection", _TABLE_THREE + _table_three(content) + _partly_labelled(content)),
        (
            "figure-3",
            "Figure 3: representative attributes and their distribution",
            _plots(figures.figure_three(evidence["figure_3"])),
        ),
        (
            "figure-4",
            "Figure 4: distribution of representative features",
            _plots(figures.figure_four(evidence["figure_4"])),
        ),
        ("figure-5", "Figure 5: similarity of column pairs", _FIGURE_FIVE + _plots(["figure-5"], wide=True)),
        ("figure-6", "Figure 6: important features for fraud detection", _importance(content)),
        ("figure-7", "Figure 7: Shapley values that explain a decision", _explanation(content)),
        ("second-task", "A second task: which product is it?", _product_codes(content)),
        ("privacy", "Privacy", _privacy(content)),
        ("months-compared", "Months compared", _months(content)),
        ("run", "What was run", _run(content)),
    ]


_CLAIMS = (
    "<p>The ceiling is what a fresh honest sample of the truth scores: two halves of the source against each other, each of "
    "half as many rows. The floor is what a table scores whose columns were drawn independently of each other. A score between "
    "them says how much is kept.</p>"
)
_TABLE_TWO = (
    "<p>Scores lie between 0 and 1, 1 is best; ours over all months together. Independent columns beat the paper here and hold "
    "no relation at all, so Table 2 alone proves little.</p>"
)
_TABLE_THREE = (
    "<p>Share of frauds among the inspected 5% and 10%, mean and deviation over five seeds. A synthetic data set serves as a "
    "benchmark where its columns stand where the source's do, in the same order.</p>"
)
_FIGURE_FIVE = "<p>The paler, the more alike a pair of columns hangs together in source and synthetic declarations.</p>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: int) -> str:
    """A table that scrolls by itself; columns from ``numeric`` on are numbers. Cells are HTML already."""
    heading = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(_cell(cell, position >= numeric) for position, cell in enumerate(row))}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str, is_number: bool) -> str:
    return f'<td class="n">{text}</td>' if is_number else f"<td>{text}</td>"


def _claims_table(claims: Sequence[Claim]) -> str:
    rows = []
    for claim in claims:
        verdict = {True: '<b class="holds">holds</b>', False: '<b class="fails">fails</b>', None: "–"}[claim.holds]
        note = f"<small>{html.escape(claim.note)}</small>" if claim.note else ""
        numbers = [number(value) for value in (claim.measured, claim.ceiling, claim.floor)]
        rows.append([html.escape(claim.title) + note, verdict, f"<span>{html.escape(claim.goal)}</span>", *numbers])
    return _table(["Claim", "Verdict", "Goal", "Measured", "Ceiling", "Floor"], rows, numeric=3)


def _table_two(content: Content) -> str:
    beside = {"Ceiling": content.ceiling, "Floor": content.floor}
    found = table_two_rows(content.scores, beside)
    return _table(list(found[0]), [[html.escape(cell) for cell in row.values()] for row in found], numeric=3)


def _table_three(content: Content) -> str:
    means = {
        (row["detector"], row["dataset"], row["inspection_rate"]): (row["precision_mean"], row["precision_std"])
        for row in content.cells.to_dict("records")
    }
    columns = [(dataset, rate) for dataset in ("synthetic", "source") for rate in (0.05, 0.10)]
    rows = []
    for detector in DETECTORS:
        cells = [TITLES[detector]]
        for dataset, rate in columns:
            ours = means.get((detector, dataset, rate))
            cells.append(f"{ours[0]:.4f} ± {ours[1]:.4f}" if ours else "not run")
            cells.append(f"{PAPER[detector, dataset, rate]:.4f}")
        rows.append(cells)
    head = ["Model"] + [text for dataset, rate in columns for text in (f"{dataset.capitalize()} {rate:.0%}", "paper")]
    base = number(_base_rate(content))
    return _table(head, rows, numeric=1) + f"<p>Drawing at random finds {base} on the synthetic months.</p>"


def _base_rate(content: Content) -> float:
    shares = content.evidence["figure_4"]["critical_fraud"]["synthetic"]
    return shares[1] + shares[2]


def _partly_labelled(content: Content) -> str:
    """Table 3 on the variant of the release that keeps a part of its labels."""
    cells = content.evidence["partly_labelled"]
    if not cells:
        return ""
    found = {(row["detector"], row["policy"], row["inspection_rate"]): row["precision_mean"] for row in cells}
    whole = {
        (row["detector"], row["inspection_rate"]): row["precision_mean"]
        for row in content.cells.to_dict("records")
        if row["dataset"] == "synthetic"
    }
    rows = [
        [
            TITLES[detector],
            *(number(found.get((detector, policy, 0.05), math.nan)) for policy in ("random", "inspection")),
            number(whole.get((detector, 0.05), math.nan)),
        ]
        for detector in DETECTORS
    ]
    dataset = html.escape(cells[0]["dataset"])
    said = f"<h3>With most labels erased</h3><p>Precision@5% when detectors are trained on {dataset}: a random share, or what an "
    said += "inspection policy looks at, beside all labels.</p>"
    return said + _table(["Model", "random", "by inspection", "all labels"], rows, numeric=1)


def _plots(names: Sequence[str] | Mapping[str, Any], wide: bool = False) -> str:
    boxes = "".join(f'<div class="plot" data-figure="{name}"></div>' for name in names)
    return f'<div class="plots{" wide" if wide else ""}">{boxes}</div>'


def _importance(content: Content) -> str:
    found = content.evidence["figure_6"]
    if not found:
        return "<p>Not measured: the training months have frauds or others only.</p>"
    said = f"Share of XGBoost's splits. Spearman's correlation of the two orders: {found['rank_correlation']:.3f}."
    return f"<p>{said}</p>" + _plots(["figure-6"], wide=True)


def _explanation(content: Content) -> str:
    if not content.evidence["figure_7"]:
        return "<p>Not measured: the training months have frauds or others only.</p>"
    said = (
        "<p>XGBoost, trained on synthetic months: the synthetic test declaration that it is surest is fraud (identities are not "
        "shown), and the mean size of the contributions over 1,000 decisions.</p>"
    )
    return said + _plots(["figure-7-decision", "figure-7-summary"])


def _product_codes(content: Content) -> str:
    rows = [
        [row["level"], f"top {row['top']}", *(number(row[key]) for key in ("from_synthetic", "from_source", "blind"))]
        for row in content.evidence["product_codes"]
    ]
    if not rows:
        return "<p>Not measured.</p>"
    said = (
        "<p>Share of the source's test declarations whose product a random forest tells from all other attributes.</p>"
    )
    head = ["Level", "Guesses", "Trained on synthetic", "Trained on source", "Most frequent codes"]
    return said + _table(head, rows, numeric=2)


def _privacy(content: Content) -> str:
    claims = [claim for claim in content.claims if claim.subject is Subject.PRIVACY]
    return f"<p>{html.escape(content.trained_on)}</p>" + _claims_table(claims)


def _months(content: Content) -> str:
    head = ["Month", *(metric.title for metric in METRICS), "Copies", "Distance"]
    rows = []
    for month, scores in content.monthly.items():
        claims = {claim.key: claim for claim in content.monthly_privacy[month]}
        cells = [number(scores.get(metric.name, math.nan)) for metric in METRICS]
        rows.append([month, *cells, *(number(claims[key].measured) for key in ("copies", "distance"))])
    whole = {score.metric: as_published(score.metric, score.score) for score in content.scores}
    rows.append(["all together", *(number(whole[metric.name]) for metric in METRICS), "", ""])
    return _plots(["months", "weeks"], wide=True) + _table(head, rows, numeric=1)


def _run(content: Content) -> str:
    settings = [[name, html.escape(value)] for name, value in content.settings.items()]
    libraries = [[name, _version(name)] for name in _LIBRARIES]
    made = [[key, count, version, f"<code>{checksum}</code>"] for key, count, version, checksum in content.provenance]
    files = [[name, f"<code>{checksum}</code>"] for checksum, _, name in (c.partition("  ") for c in content.checksums)]
    return (
        f"<p>Months: {', '.join(content.evidence['months'])}. {html.escape(content.evidence['split'])}</p>"
        + "<h3>Settings</h3>"
        + _table(["Setting", "Value"], settings, numeric=2)
        + "<h3>Versions</h3>"
        + _table(["Library", "Version"], libraries, numeric=2)
        + "<h3>Artifacts</h3>"
        + _table(["Artifact", "Partitions", "Code", "SHA-256"], made, numeric=4)
        + "<h3>Files of the candidate, and of the release where there is one</h3>"
        + _table(["File", "SHA-256"], files, numeric=2)
        + "</main>"
    )


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
