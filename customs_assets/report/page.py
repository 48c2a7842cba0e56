"""The evidence page: one HTML file that opens from disk without a network, inside or outside form, in four languages.

What belongs here turns the evidence into rows of text for ``page.html``, the template, which says what stands where. What the
outside form leaves out or rounds stands in ``outside``, the words in ``wording``.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from customs_assets.benchmark.cells import no_rows
from customs_assets.benchmark.claims import table_three_claims
from customs_assets.benchmark.detectors import DEEP_TITLES, DETECTORS, TITLES
from customs_assets.benchmark.split import split_months
from customs_assets.claims import Claim, Subject
from customs_assets.claims import from_json as claims_from_json
from customs_assets.declaration import STAND_INS
from customs_assets.disclosure.confidential import rounded_up
from customs_assets.fidelity.table_two import METRICS, MetricScore, from_json
from customs_assets.figures import rendered
from customs_assets.release.files import CHECKSUMS
from customs_assets.release.rounding import Rounding
from customs_assets.report.detectors_compared import (
    at_random_table,
    at_stake_heads,
    at_stake_table,
    at_stake_words,
    orders_at_random,
    ranking_table,
    table_three,
)
from customs_assets.report.drift import drift_figures, drift_sentences
from customs_assets.report.figures import all_figures
from customs_assets.report.form import Form
from customs_assets.report.library import library_reports
from customs_assets.report.outside import PARTS, outside_evidence, outside_scores
from customs_assets.report.reading import what_was_read
from customs_assets.report.summary import answers
from customs_assets.report.trade import PREFIX as OF_TRADE
from customs_assets.report.trade import trade_claims_of, trade_figures
from customs_assets.report.weeks import weeks_figures, weeks_section
from customs_assets.report.wording import Words
from customs_assets.settings import Language, LawOrigin, Settings
from customs_assets.weeks.comparison import weeks_claims

_SETTINGS = (
    "synthesizer",
    "epochs",
    "min_group",
    "dominance_one",
    "dominance_two",
    "rows",
    "price",
    "rehearsal_epochs",
)
# The words of what a tariff tuple has, of its parts, and of who is named, by attribute.
_TUPLE_NAMES = {
    "hs10_code": "hs",
    "country_of_departure": "departure",
    "country_of_origin": "origin",
    "tax_rate": "rate",
    "tax_type": "type",
}
_TUPLE_PARTS = {
    "hs10_code": "code",
    "country_of_origin": "origin",
    "country_of_departure": "departure",
    "tax_type": "claim",
}
_PARTIES = {"importer_id": "importers", "seller_id": "sellers", "declarant_id": "declarants"}

_LIBRARIES = (
    "customs_assets",
    "catboost",
    "duckdb",
    "lightgbm",
    "numpy",
    "pandas",
    "scikit-learn",
    "sdmetrics",
    "sdv",
    "shap",
    "xgboost-cpu",
)


@dataclass(frozen=True)
class Evidence:
    """What a page is made from.

    Attributes:
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
        requests: how many pairs of product and partner country traders want withheld.
        withheld: why nothing is released; empty where the candidate is released.
        signed: who signed or refused the release, a pair of act (``signed_by``, ``refused_by``) and its ``name``, ``date`` and
            ``reason`` each.
        succession: sentences on the releases before this one, and on the day by which its labels were known.
        deep_attacks: as the asset of that name, where it is of the candidate's rows; None where it was not made yet.
        deep_detectors: the rows of the networks' cells, where they are of these months; None or no row where there is none.
        drift: as the asset of that name, by month; empty where the page is made without it.
        reading: how the months were read, together (``source.accounts``); empty where earlier versions read them.
        trade_patterns: as the asset of that name; None where the page is made without it.
        inspection_weeks: the cells of the asset of that name that are of the lake's declarations; empty where none was made.
        is_unclear: whether there are records of signatures of which it cannot be told whether they count.
    """

    release_quality: Sequence[Mapping[str, Any]]
    release_evidence: Mapping[str, Any]
    release_privacy: Mapping[str, Any]
    fraud_benchmark: Mapping[str, pd.DataFrame]
    quality_report: Mapping[str, Sequence[Mapping[str, Any]]]
    privacy_report: Mapping[str, Mapping[str, Any]]
    release_candidate: Mapping[str, bytes]
    provenance: Sequence[tuple[str, str, str, str]]
    settings: Settings
    law: LawOrigin
    requests: int
    withheld: Sequence[str]
    signed: Sequence[tuple[str, Mapping[str, str]]] = ()
    succession: Sequence[str] = ()
    deep_attacks: Mapping[str, Any] | None = None
    deep_detectors: pd.DataFrame | None = None
    drift: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    trade_patterns: Mapping[str, Any] | None = None
    inspection_weeks: Sequence[Mapping[str, Any]] = ()
    is_unclear: bool = False

    @property
    def claims(self) -> list[Claim]:
        """The claims of the page, those of Table 3 and of trade patterns included."""
        own = all_claims(self.release_evidence, self.fraud_benchmark, self.release_privacy)
        return [*own, *trade_claims_of(self.trade_patterns)]

    @property
    def months(self) -> Sequence[str]:
        """The months."""
        return self.release_evidence["months"]


def page(evidence: Evidence, language: Language = "en", outside: bool = False) -> bytes:
    """The whole page as UTF-8: style, script and Plotly included.

    Args:
        evidence: what it is made from.
        language: the language of its words.
        outside: whether it is the form that may be published with the release.
    """
    from plotly.offline import get_plotlyjs

    settings, document = evidence.settings, evidence.release_evidence
    rounding = Rounding(settings.min_group, document["importers"]) if outside else None
    form = Form(Words(language), settings.min_group, rounding)
    words, scores = form.words, from_json(evidence.release_quality)
    if rounding is not None:
        document, scores = outside_evidence(document, rounding), outside_scores(scores, rounding)
    of_trade = trade_claims_of(evidence.trade_patterns, form)
    claims = [claim for claim in evidence.claims if not claim.key.startswith(OF_TRADE)] + of_trade
    months = evidence.months
    precision = pd.concat(evidence.fraud_benchmark.values(), ignore_index=True)
    quality = {month: from_json(evidence.quality_report[month]) for month in months}
    membership = evidence.release_privacy.get("membership")
    drawn = all_figures(scores, document, quality, membership, form)
    networks = no_rows() if evidence.deep_detectors is None else evidence.deep_detectors
    drift = evidence.drift if form.has("drift") else {}
    drawn |= drift_figures(drift, form)
    simulated = evidence.inspection_weeks if form.has("inspection-weeks") else ()
    drawn |= weeks_figures(simulated, form) | trade_figures(evidence.trade_patterns, form)
    return rendered(
        "report/page.html",
        lang=language,
        title=words("top.title", first=words.month(months[0]), last=words.month(months[-1])),
        figures={name: words.figure(figure) for name, figure in drawn.items()},
        plotly=get_plotlyjs(),
        w=words,
        form=form,
        parts=PARTS,
        withheld=_withheld(evidence, claims, form),
        rounded=_rounded(rounding, form),
        evidence=document,
        succession=evidence.succession,
        summary=_summary(evidence, claims, form),
        cards=[_card(subject, [claim for claim in claims if claim.subject is subject], form) for subject in Subject],
        claims=[_claim(claim, form) for claim in claims if not _stands_elsewhere(claim)],
        privacy_claims=[_claim(claim, form) for claim in claims if claim.subject is Subject.PRIVACY],
        law=_law(evidence, words),
        tuples=_tuples(settings, words),
        requests=_requests(evidence.requests, words),
        read=what_was_read(evidence.reading, form),
        trained_on=_trained_on(evidence, form),
        trains_fewer_epochs=_trains_fewer_epochs(evidence),
        despite=[_despite(entry, claims, form) for entry in evidence.release_privacy.get("despite", [])],
        membership=_membership(membership, form),
        strongest=_strongest(membership, words),
        deep_attacks=evidence.deep_attacks,
        deep_claims=[
            _claim(claim, form) for claim in claims_from_json((evidence.deep_attacks or {"claims": []})["claims"])
        ],
        deep_table=_deep_table(evidence.deep_attacks, form),
        table_two=_table_two(scores, evidence.release_evidence["table_2"], form),
        library=library_reports(evidence.release_evidence.get("sdmetrics"), form),
        table_three=table_three(precision, document["rows"]["test"], form),
        ranking=ranking_table(precision, document["rows"]["test"], form),
        at_stake=at_stake_table(precision, form),
        at_stake_heads=at_stake_heads(precision, form),
        at_stake_words=at_stake_words(precision),
        networks=at_stake_table(networks, form, DEEP_TITLES),
        networks_heads=at_stake_heads(networks, form),
        networks_ranking=ranking_table(
            pd.concat([precision, networks] if len(networks) else [precision], ignore_index=True),
            document["rows"]["test"],
            form,
        ),
        inspected_at_random=at_random_table(precision, form),
        orders_at_random=orders_at_random(precision, form),
        at_random=form.share(
            sum(evidence.release_evidence["figure_4"]["critical_fraud"]["synthetic"][1:]), document["rows"]["test"]
        ),
        kept=_kept(evidence.release_evidence["partly_labelled"], words),
        partly_labelled=_partly_labelled(evidence, document, form),
        product_codes=[_product(row, form) for row in document["product_codes"]],
        metrics=[words.translated(metric.title) for metric in METRICS],
        months_compared=_months_compared(quality, scores, evidence.privacy_report, form),
        has_drift=bool(drift),
        drift=drift_sentences(drift, form),
        trade_claims=[_claim(claim, form) for claim in of_trade],
        trade_drawn={"-".join(name.split("-")[:2]) for name in drawn},
        has_trade=evidence.trade_patterns is not None,
        weeks=weeks_section(simulated, form),
        weeks_claims=[_claim(claim, form) for claim in weeks_claims(simulated)],
        months=", ".join(months),
        split=_split(months, words),
        settings=[(name, *_setting(settings, name, words)) for name in _SETTINGS],
        versions=[(library, _version(library, words)) for library in _LIBRARIES],
        provenance=evidence.provenance,
        checksums=[line.split("  ", 1)[::-1] for line in evidence.release_candidate[CHECKSUMS].decode().splitlines()],
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


def _withheld(evidence: Evidence, claims: Sequence[Claim], form: Form) -> str:
    """Why nothing is released, in one line; empty where the candidate is released. The gate's reasons have notes: they stay."""
    if not evidence.withheld or form.rounding is None:
        return "; ".join(evidence.withheld)
    private = [claim for claim in claims if claim.subject is Subject.PRIVACY]
    objecting = [
        claim for claim in private if claim.blocks_release or (claim.holds is False and math.isnan(claim.measured))
    ]
    titles = [form.words.title(claim, form.min_group) for claim in objecting]
    return "; ".join(titles) or form.words("form.not_told")


def _rounded(rounding: Rounding | None, form: Form) -> list[str]:
    """How the outside form tells its numbers; nothing for the inside form."""
    if rounding is None:
        return []
    step = rounding.step()
    if step is None:
        return [form.words("top.outside"), form.words("top.rounded_none", base=rounding.base)]
    values = {"base": rounding.base, "step": form.words.digits(f"{step:g}"), "k": rounding.min_group}
    return [form.words("top.outside"), form.words("top.rounded", **values)]


def _summary(evidence: Evidence, claims: Sequence[Claim], form: Form) -> dict[str, Any]:
    """The two minutes: what was attacked, what an attacker gains, what was withheld, who signed."""
    words, rehearsal = form.words, evidence.release_privacy.get("rehearsal")
    counts = {name: form.count(rehearsal[name]) for name in ("training", "control")} if rehearsal else {}
    not_shown = next((c.measured for c in claims if c.key == "codes_not_shown"), math.nan)
    share = words("form.not_told") if math.isnan(not_shown) else form.percent(not_shown)
    signed = [words(f"summary.{act}", **{**of, "date": words.day(of["date"])}) for act, of in evidence.signed]
    return {
        "attacked": words("summary.rehearsal", **counts) if counts else words("summary.no_rehearsal"),
        "answers": answers(claims, form),
        "left_out": [
            words("summary.left_codes", k=form.min_group, share=share, kinds=words(f"summary.kinds_{_kinds()}")),
            words("summary.left_amounts", k=form.min_group),
            words("summary.left_names", parties=_parties(words)),
            _requests(evidence.requests, words),
        ],
        "signed": signed or [words("summary.unclear" if evidence.is_unclear else "summary.nobody")],
    }


def _stands_elsewhere(claim: Claim) -> bool:
    """Whether a claim has a table of its own, in its section."""
    return claim.subject is Subject.PRIVACY or claim.key.startswith(OF_TRADE)


def _card(subject: Subject, claims: Sequence[Claim], form: Form) -> dict[str, Any]:
    """How many claims of a subject hold, and which fail. The outside form names those that fail, and does not count."""
    words = form.words
    of_trade = [claim for claim in claims if claim.key.startswith(OF_TRADE) and claim.holds is False]
    failing = [words.title(claim, form.min_group) for claim in claims if claim.holds is False and claim not in of_trade]
    # They are many, and stand in a section of their own.
    failing += [words("trade.failing")] if of_trade else []
    fails = sum(claim.holds is False for claim in claims)
    holding = sum(claim.holds is True for claim in claims)
    unmeasured = any(math.isnan(claim.measured) and claim.note.startswith("not measured") for claim in claims)
    counted = words("top.hold_one") if holding == 1 else words("top.hold_many", holding=holding)
    if failing:
        verdict, said = "fails", words("top.fails", failing=fails, judged=holding + fails)
    elif unmeasured or not holding:
        verdict, said = "open", words("top.open")
    else:
        verdict, said = "holds", words("top.holds")
    if form.rounding is not None:
        said = words("top.fails_some") if failing else said
        counted = words("top.others_hold") if failing and holding else ""
    return {
        "subject": words(f"top.{subject}"),
        "verdict": verdict,
        "words": said,
        "holding": counted,
        "failing": failing,
    }


def _claim(claim: Claim, form: Form) -> dict[str, Any]:
    """A claim as a row of text."""
    return {
        "title": form.words.title(claim, form.min_group),
        "note": claim.note if form.has("notes") else "",
        "verdict": {True: "holds", False: "fails"}.get(claim.holds),  # pyright: ignore[reportArgumentType]
        "goal": form.goal(claim),
        **{name: form.number(getattr(claim, name)) for name in ("measured", "ceiling", "floor")},
    }


def _tuples(settings: Settings, words: Words) -> str:
    """How tariff tuples are shown, for the readers of a release."""
    shares = (("law.dominance_one", settings.dominance_one), ("law.dominance_two", settings.dominance_two))
    limits = [words(key, share=words.digits(f"{100 * share:.4g}%")) for key, share in shares if share < 1]
    dominance = words("law.dominance", limits=words("law.and").join(limits)) if limits else ""
    told = {name: words(f"law.name_{key}") for name, key in _TUPLE_NAMES.items() if name not in STAND_INS}
    parts = [words(f"law.part_{key}") for name, key in _TUPLE_PARTS.items() if name not in STAND_INS]
    routes = "country_of_departure" not in STAND_INS
    return words(
        "law.tuples",
        k=settings.min_group,
        dominance=dominance,
        names=", ".join(told.values()),
        parts=words("law.part_and").join(parts),
        straight=words("law.straight") if routes else "",
        lane=words("law.lane" if routes else "law.lane_without"),
    )


def _law(evidence: Evidence, words: Words) -> str:
    """Which law a release is under; without tax types, what is known of product codes."""
    alone = evidence.law == "nomenclature" and "tax_type" in STAND_INS
    return words("law.codes_alone" if alone else f"law.{evidence.law}", k=evidence.settings.min_group)


def _kinds() -> str:
    """Which parts of tariff tuples the form has beside goods and origin."""
    if "tax_type" not in STAND_INS:
        return "claims"
    return "goods" if "country_of_departure" in STAND_INS else "routes"


def _parties(words: Words) -> str:
    """Who is named on declarations, as far as the form has them; couriers go without saying."""
    *most, last = (words(f"summary.{key}") for name, key in _PARTIES.items() if name not in STAND_INS)
    return words("summary.parties_and").join([", ".join(most), last]) if most else last


def _requests(pairs: int, words: Words) -> str:
    return words("law.requests", pairs=words.count(rounded_up(pairs))) if pairs else words("law.no_requests")


def _trained_on(evidence: Evidence, form: Form) -> str:
    """Which rows were used for what. Why there was no attack, a measure says in English."""
    rehearsal, rows = evidence.release_privacy.get("rehearsal"), evidence.release_evidence["rows"]
    if rehearsal is None:
        return evidence.release_privacy["trained_on"] if form.rounding is None else form.words("privacy.no_attack")
    counts = {"rows": rows["synthetic"], "source": rows["source"]}
    counts |= {name: rehearsal[name] for name in ("training", "control")}
    told = {name: form.count(count) for name, count in counts.items()}
    return form.words("privacy.trained_on", epochs=rehearsal["epochs"], **told)


def _trains_fewer_epochs(evidence: Evidence) -> bool:
    """Whether attacks were measured on models of fewer epochs than the release's, of the kind for which that was tried."""
    rehearsal, settings = evidence.release_privacy.get("rehearsal"), evidence.settings
    return rehearsal is not None and settings.synthesizer == "ctgan" and rehearsal["epochs"] < settings.epochs


def _despite(entry: Mapping[str, str], claims: Sequence[Claim], form: Form) -> str:
    """A claim that was set aside, with the publisher's reason."""
    claim = next((claim for claim in claims if claim.key == entry["claim"]), None)
    key = "top.despite_fails" if entry["objection"] else "top.despite_holds"
    title = entry["title"] if claim is None else form.words.title(claim, form.min_group)
    return form.words("top.despite", title=title, objection=form.words(key), reason=entry["reason"])


def _membership(measures: Mapping[str, Any] | None, form: Form) -> list[list[str]]:
    """A row a membership attack: what it looks at, what the attacker knows, AUC and true positives. Empty where none was made."""
    return [
        [
            form.words.attack(attack["name"], attack["title"]),
            form.words.translated(attack["knows"]),
            *(form.number(attack[measure]) for measure in ("auc", "tpr_10", "tpr_01")),
        ]
        for attack in (measures or {"attacks": []})["attacks"]
    ]


def _strongest(measures: Mapping[str, Any] | None, words: Words) -> str:
    """The attack whose band of chance the ROC figure shows."""
    name = measures["strongest"]["tpr_01"]["attack"] if measures else ""
    return next(
        (words.attack(name, a["title"]) for a in (measures or {"attacks": []})["attacks"] if a["name"] == name), ""
    )


def _table_two(scores: Sequence[MetricScore], references: Mapping[str, Any], form: Form) -> list[list[str]]:
    """A row a metric: property, metric, columns, our score, those of ceiling and floor, the paper's."""
    tables = [scores, *(from_json(references[name]) for name in ("ceiling", "floor"))]
    by_metric = [{score.metric: score.score for score in table} for table in tables]
    return [
        [
            *(form.words.translated(text) for text in (metric.property, metric.title, metric.column_type)),
            *(form.score(metric.name, table.get(metric.name, math.nan)) for table in by_metric),
            form.words.digits(f"{metric.paper_score:.4f}"),
        ]
        for metric in METRICS
    ]


def _partly_labelled(evidence: Evidence, document: Mapping[str, Any], form: Form) -> list[list[str]]:
    """Precision@5% of a detector that learns from a random share of the labels, from an inspection's, and from all."""
    precision = pd.concat(evidence.fraud_benchmark.values(), ignore_index=True)
    all_labels = precision.loc[precision["dataset"] == "synthetic"].assign(policy="all").to_dict("records")
    cells = evidence.release_evidence["partly_labelled"]
    means = {
        (row["detector"], row["policy"]): row["precision_mean"]
        for row in [*cells, *all_labels]
        if row["inspection_rate"] == 0.05
    }
    at_top, policies = int(document["rows"]["test"] * 0.05), ("random", "inspection", "all")
    return [
        [
            form.words.translated(TITLES[detector]),
            *(form.share(means.get((detector, policy), math.nan), at_top) for policy in policies),
        ]
        for detector in DETECTORS
        if cells
    ]


def _kept(cells: Sequence[Mapping[str, Any]], words: Words) -> str:
    """The share of the labels that was kept, as the data set's name says it."""
    share = str(cells[0]["dataset"]).split(", ")[-1].removesuffix("% labelled") if cells else ""
    return words("form.percent", n=words.digits(share))


def _product(row: Mapping[str, Any], form: Form) -> list[str]:
    """A row of the second task; the shares were rounded where they have to be."""
    shares = (row[name] for name in ("from_synthetic", "from_source", "blind"))
    level = form.words.translated(row["level"])
    return [level, form.words("product.top", n=row["top"]), *(form.number(share) for share in shares)]


def _deep_table(found: Mapping[str, Any] | None, form: Form) -> list[list[str]]:
    """A row an attack with shadow models: what it looks at, AUC and true positives. Empty where none was made."""
    return [
        [
            form.words.translated(attack["title"]),
            *(form.number(attack[measure]) for measure in ("auc", "tpr_10", "tpr_01")),
        ]
        for attack in (found or {"attacks": []})["attacks"]
    ]


def _months_compared(
    quality: Mapping[str, Sequence[MetricScore]],
    scores: Sequence[MetricScore],
    privacy_report: Mapping[str, Mapping[str, Any]],
    form: Form,
) -> list[list[str]]:
    """A row a month: the scores of Table 2, copied rows and distance; below, the scores of all months together."""
    rows = []
    for name, of in [*quality.items(), ("", scores)]:
        claims = claims_from_json(privacy_report[name]["claims"]) if name in privacy_report else []
        measured = {claim.key: form.number(claim.measured) for claim in claims}
        by_metric = {score.metric: score.score for score in of}
        texts = [form.score(metric.name, by_metric.get(metric.name, math.nan)) for metric in METRICS]
        title = name or form.words("months_section.together")
        rows.append([title, *texts, measured.get("copies", ""), measured.get("distance", "")])
    return rows


def _split(months: Sequence[str], words: Words) -> str:
    """Which months the detectors trained, validated and were tested on."""

    def span(periods: Sequence[str]) -> str:
        if len(periods) < 2:
            return periods[0] if periods else words("form.none")
        return words("form.to", low=periods[0], high=periods[-1])

    split = split_months(months)
    return words("run.split", train=span(split.train), validation=span(split.validation), test=span(split.test))


def _setting(settings: Settings, name: str, words: Words) -> tuple[str, str]:
    """A setting's value, and what it means."""
    value = getattr(settings, name)
    return words("run.not_set") if value is None else str(value), words(f"settings.{name}")


def _version(library: str, words: Words) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return words("run.not_installed")
