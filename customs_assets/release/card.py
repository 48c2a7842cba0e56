"""The dataset card: what the release is, how it was made, how like its source it is, and what it is not for."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd

from customs_assets.benchmark.split import ChronologicalSplit, span
from customs_assets.declaration import BY_NAME, FORM, FORM_CODES, RELEASED
from customs_assets.fidelity.table_two import MetricScore, table_two
from customs_assets.release.rounding import Rounding
from customs_assets.release.succession import Succession
from customs_assets.settings import LawOrigin, Settings
from customs_assets.synthesis.polish import DONORS_PER_GROUP

# Each score of Table 2 for somebody who does not know the metric.
_IN_PLAIN_WORDS: dict[str, str] = {
    "KSComplement": "Numbers ({numbers}) are distributed as in the source, but for {missed} of the rows.",
    "TVComplement": "Each code and each identity is as frequent as in the source, but for {missed} of the rows.",
    "CorrelationSimilarity": "Numbers move together as in the source; the difference is {missed} of the largest possible one.",
    "ContingencySimilarity": "Pairs of columns combine their values as in the source, but for {missed} of the rows.",
    "RangeCoverage": "Numbers cover {score} of the source's ranges. The extremes are left out on purpose.",
    "CategoryCoverage": "{score} of the source's codes and identities occur. Rare ones are left out or exchanged on purpose.",
    "BoundaryAdherence": "{score} of the numbers lie between the source's smallest and largest.",
    "NewRowSynthesis": "{score} of the rows match no row of the source.",
}

# The numbers of the declarations, in short.
_NUMBERS = [
    short
    for name, short in (("tax_rate", "tax rate"), ("net_mass", "mass"), ("item_price", "price"))
    if name not in FORM.absent
]

_POLICIES = {
    "random": "which rows keep them is random",
    "inspection": "an inspection keeps those whose goods and origin were fraud most often",
}

_LAWS: dict[LawOrigin, str] = {
    "given": "A tariff law was given with the source. Product codes, tax types, tax rates and routes are lawful under it.",
    "simulated": "The law is that of the simulated administration, which does not exist. Product codes, tax types, tax rates "
    "and routes are lawful under it, and under no other.",
    "nomenclature": "No tariff law was given. A tax type may have a rate where at least {k} importers declared it for the "
    "heading, and an origin may have a tax type where at least {k} importers declared both; nobody has looked whether that is "
    "the law. Product codes come from the Harmonized System 2022 (datasets/harmonized-system, under ODC-PDDL 1.0), and from "
    "what at least {k} importers declared.",
}

_TUPLES = (
    "A tariff tuple ({names}) is shown by parts: {parts}. A part is kept where at least {k} "
    "importers declared it, inspected or not{dominance}.{straight} Any "
    "other part is exchanged among declarations of like goods that rest on at least {k} inspected importers, or drawn from "
    "those that were placed nearby. A product code that is not kept may be replaced by another code of the law, whether anybody "
    "declared that one or not. So a tuple may occur that nobody declared, and one that a single importer declared may occur by "
    "chance. {lane} that fewer than {k} importers declared in a month, inspected or not, may "
    "occur in another month. Chapters and origins nearly keep their months."
)

# What a tariff tuple has, and its parts, by attribute.
_TUPLE_NAMES = {
    "hs10_code": "HS code",
    "country_of_departure": "departure",
    "country_of_origin": "origin",
    "tax_rate": "tax rate",
    "tax_type": "tax type",
}
_TUPLE_PARTS = {
    "hs10_code": "the product code",
    "country_of_origin": "the origin, given the goods",
    "country_of_departure": "the departure, given goods and origin",
    "tax_type": "the claim, given goods and origin",
}
_STRAIGHT = " A departure from the country of origin is kept with its origin."

# Without tax types there is no law but that of product codes.
_CODES_ALONE = (
    "No tariff law was given, and declarations have no tax types. Product codes come from the Harmonized System 2022 "
    "(datasets/harmonized-system, under ODC-PDDL 1.0), and from what at least {k} importers declared."
)

_CARD = """\
# Synthetic import declarations

About {rows} artificial import declarations of {months}, with {count} attributes each. They were made by the method of *Customs
Import Declaration Datasets* (Jeong, Kim, Park, Choi). No row describes a real shipment, and no ID belongs to a real person or
company. {form}Every row has a label. {fraud} are marked as fraud: this is the share among *inspected* declarations.

## Files

| part | months | rows | files |
| --- | --- | --- | --- |
{files}

`{partly}` is the training part with all but {kept:.0%} of its labels erased ({policy}). It is for
methods that learn from few labels. An erased label is an empty cell; everything else is as in `train`.

{split}

Each month also has a file of its own, `declarations-YYYY-MM.csv`. {succession}

CSV files are UTF-8 with commas and the published headers. Read every code as text, because leading zeros count.
`data_dictionary.csv` explains the columns. `SHA256SUMS` has a checksum for every file: `sha256sum -c SHA256SUMS`.
`datapackage.json` describes the tables for Frictionless tools, which can check every cell. `metadata.json` describes them for
SDV and SDMetrics (`Metadata.load_from_json`); all of it comes from the form, nothing from a declaration.

{read}## How like its source it is

Table 2 of the paper, over all months, identities included. Scores lie between 0 and 1; 1 is best. SDMetrics {sdmetrics} computed
it, with the metadata of SDV {sdv}. Contingency table similarity and new row synthesis were computed by the same definitions
without the library. Every pair of columns counts, and numbers are cut into ten bins of the source. (The library's own
`QualityReport` leaves out pairs without a trend since version 0.27, so its scores are others.)

{table_two}

In plain words:

{plain}

{rounded}

These scores compare columns, and pairs of columns, with the source. They do not prove that relations between traders, signs of
fraud, or privacy are kept: a table of columns drawn independently scores nearly as well. The publisher measured those too. The
evidence report has a verdict for each claim.

## How it was made

{model} drafts the rows of each month ({epochs} epochs). Every random draw comes from a secret.

{law}

{tuples}

- Every other code ({codes}) was declared by at least {k} importers.
- Every other value is drawn from at least {donors} source rows like it.
- An amount that fewer than {k} importers wrote is not shown. It is drawn at random from a band of amounts of at least {k}
  importers, and the edges of the band carry noise.
- Item price = net mass x a noisy unit price of the goods{residual}.
- {parties} are new. An ID takes declarations of several real parties, and of one of them no
  more than 1 in {k}, rounded up. (Where one party makes most of a trade, up to 1% of all
  declarations break this; of a party with more than 1 in {k} of all declarations, as many as have to.) So an ID
  of few declarations rests on few parties. IDs were drawn anew for this release and mean nothing outside it.

{despite}## Limits of use

- Use it to test methods. Do not base decisions about shipments, goods, countries or traders on it.
- It describes inspected declarations, which are not a random sample of trade.
- Rare product codes stand for one another: which of them occurs, and how often, says nothing of the trade in it. The same holds
  of rare lanes and claims.
- Train a detector again on real declarations before you use it.
"""


def dataset_card(
    parts: Mapping[str, pd.DataFrame],
    split: ChronologicalSplit,
    scores: Sequence[MetricScore],
    settings: Settings,
    partly_labelled: str,
    law: LawOrigin,
    rounding: Rounding,
    succession: Succession,
    reading: Mapping[str, Any] | None = None,
) -> str:
    """The card as Markdown, without the date of its making, so that the same release has the same card.

    Args:
        parts: the released rows by part: train, and validation and test where there are any.
        split: the months of each part.
        scores: the release's scores of Table 2.
        settings: the settings that it was made with.
        partly_labelled: name without suffix of the files that have the training part with most labels erased.
        law: which law it is under.
        rounding: how its numbers are told.
        succession: the releases before it, and until when its declarations were known.
        reading: how the months of the source were read (``source.accounts.together``); left out where that is not known.
    """
    rows = sum(len(part) for part in parts.values())
    files = [(name, span(getattr(split, name)), len(part)) for name, part in parts.items()]
    files.append((partly_labelled, span(split.train), len(parts["train"])))
    return _CARD.format(
        rows=rounding.count_text(rows),
        months=span([*split.train, *split.validation, *split.test]),
        fraud=_capitalized(rounding.percent(sum(int(part["fraud"].sum()) for part in parts.values()) / rows)),
        files="\n".join(
            f"| {name} | {months} | {rounding.count_text(count)} | `{name}.csv`, `{name}.parquet` |"
            for name, months, count in files
        ),
        partly=partly_labelled,
        kept=settings.labels_kept,
        policy=_POLICIES[settings.label_policy],
        split=split.note,
        sdmetrics=version("sdmetrics"),
        sdv=version("sdv"),
        table_two=table_two(scores, as_text=rounding.score_text),
        plain="\n".join(_plain(scores, rounding)),
        rounded=_rounded_in_words(rounding),
        read=_reading_in_words(reading or {}, rounding),
        succession=escaped(" ".join(succession.in_words())),
        law=law_in_words(law, settings),
        tuples=tuples_in_words(settings),
        model="A CTGAN" if settings.synthesizer == "ctgan" else f"The synthesizer `{settings.synthesizer}`",
        count=len(RELEASED),
        form=_form_in_words(),
        codes=_codes_in_words(),
        parties=_parties_in_words(),
        epochs=settings.epochs,
        k=settings.min_group,
        donors=DONORS_PER_GROUP * settings.min_group,
        residual=" x a residual" if settings.price == "residual" else "",
        despite=_despite_in_words(settings.release_despite),
    )


def _form_in_words() -> str:
    """Which form the declarations have, and what is absent from it; nothing of the default form."""
    if not FORM.absent:
        return ""
    absent = [BY_NAME[name].header.lower() for name in FORM.absent]
    return (
        f"Their columns are those of the form {FORM.name} ({escaped(FORM.title)}). It has no {', no '.join(absent)}.\n"
    )


def _reading_in_words(reading: Mapping[str, Any], rounding: Rounding) -> str:
    """How the source was read: the form, rows kept and set aside, what was mended; nothing where that is not known."""
    if not reading:
        return ""
    aside, told = reading["rows_in"] - reading["kept"], rounding.count_text
    lines = [
        f"The declarations were read by the form {reading['form']} ({escaped(reading['title'])}). Of {told(reading['rows_in'])} "
        f"declarations {told(reading['kept'])} were kept, of which {told(reading['inspected'])} were inspected; "
        f"{told(aside) if aside else 'none'} broke the form and were set aside."
    ]
    if reading["reasons"]:
        reasons = ", ".join(
            f"{reason.replace('_', ' ')} ({told(count)})" for reason, count in reading["reasons"].items()
        )
        lines.append(f"- Set aside for: {reasons}.")
    lines += [
        f"- {_capitalized(BY_NAME[column].header.lower() if column in BY_NAME else column)}: {what} ({told(rows)} rows)."
        for column, what, rows, *_ in reading["mended"]
    ]
    return (
        "## How the source was read\n\n"
        + lines[0]
        + "\n\n"
        + "".join(f"{line}\n" for line in lines[1:])
        + "\n" * (len(lines) > 1)
    )


def _codes_in_words() -> str:
    """The codes that stand by themselves, in short."""
    if not FORM.absent:
        return "office, type, use, payment, mode"
    return ", ".join(BY_NAME[name].header.lower() for name in FORM_CODES) or "there is none"


def _parties_in_words() -> str:
    """Who is named on the declarations, in the plural."""
    plural = {
        "importer_id": "importers",
        "seller_id": "sellers",
        "declarant_id": "declarants",
        "courier_id": "couriers",
    }
    *most, last = (word for name, word in plural.items() if name not in FORM.absent)
    return _capitalized(f"{', '.join(most)} and {last}" if most else last)


def _despite_in_words(despite: Mapping[str, str]) -> str:
    """Which privacy claims the publisher set aside, and why; nothing where there is none."""
    if not despite:
        return ""
    claims = "\n".join(f"- {escaped(key)}: {escaped(reason)}" for key, reason in despite.items())
    return (
        "## Released despite\n\nThe publisher chose that these privacy claims do not withhold the release, for the reasons "
        f"given. The evidence report says what was measured.\n\n{claims}\n\n"
    )


def escaped(text: str) -> str:
    """Text of others that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()#|])", r"\\\1", html.escape(text, quote=False))


def law_in_words(law: LawOrigin, settings: Settings) -> str:
    """Which law a release is under, for its readers."""
    text = _CODES_ALONE if law == "nomenclature" and "tax_type" in FORM.absent else _LAWS[law]
    return text.format(k=settings.min_group)


def tuples_in_words(settings: Settings) -> str:
    """How tariff tuples are shown, for the readers of a release."""
    shares = (("no importer", settings.dominance_one), ("no two importers together", settings.dominance_two))
    limits = [f"{who} may be expected to have {100 * share:.4g}% or more" for who, share in shares if share < 1]
    dominance = ""
    if limits:
        dominance = ". Larger importers keep it in a share of their declarations only: of its value, and of its mass, "
        dominance += ", and ".join(limits)
    routes = "country_of_departure" not in FORM.absent
    return _TUPLES.format(
        k=settings.min_group,
        dominance=dominance,
        names=", ".join(told for name, told in _TUPLE_NAMES.items() if name not in FORM.absent),
        parts="; ".join(told for name, told in _TUPLE_PARTS.items() if name not in FORM.absent),
        straight=_STRAIGHT if routes else "",
        lane="A product with its origin and departure" if routes else "A product with its origin",
    )


def _plain(scores: Sequence[MetricScore], rounding: Rounding) -> list[str]:
    """A sentence for each score that was measured and may be told."""
    told = {score.metric: rounding.score(score.metric, score.score) for score in scores}
    sentences = [
        _IN_PLAIN_WORDS[metric].format(
            score=rounding.percent(score), missed=rounding.percent(1 - score), numbers=", ".join(_NUMBERS)
        )
        for metric, score in told.items()
        if score is not None
    ]
    return [f"- {_capitalized(sentence)}" for sentence in sentences] or [
        "- There are too few importers to tell a score."
    ]


def _rounded_in_words(rounding: Rounding) -> str:
    """How the numbers of the card are told, for its readers."""
    step = rounding.step()
    shares = "shares and scores are not told" if step is None else f"shares and scores to {step:g}"
    return f"All measures here are rounded: counts to {rounding.base}, {shares}."


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
