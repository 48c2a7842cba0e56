"""The suites over tables: what is expected of each asset, derived from the declaration schema wherever possible.

A suite reads what it judges and lists the expectations on it. Suites of level ``error`` check what must be true: keys, codes,
dates, labels, law, reconciliation, confidentiality. Suites of level ``warning`` check floors of quality.
"""

# pyarrow.compute makes its functions when it is imported, where a type checker cannot see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.anonymization.business_numbers import read_business_numbers
from customs_assets.anonymization.identities import TOKEN_PATTERN, parties
from customs_assets.declaration import (
    ATTRIBUTES,
    BY_NAME,
    COUNTRIES,
    FORM_CODES,
    HELD,
    HELD_RELEASED,
    HS6,
    IDENTITIES,
    LABEL_PAIRS,
    RELEASED,
    RELEASED_TUPLE,
    TARIFF_TUPLE,
    Attribute,
    Kind,
)
from customs_assets.expectations.expect import (
    Examined,
    Suite,
    between,
    exactly,
    expect,
    in_set,
    matches,
    not_in_set,
    not_missing,
    row_count,
    suite,
    unique,
)
from customs_assets.expectations.validation import Piece
from customs_assets.fidelity.comparison import with_hs6
from customs_assets.fidelity.table_two import PAPER_SCORES
from customs_assets.graph import RELEASE
from customs_assets.lake import read_sql, to_frame
from customs_assets.lake.frozen import Frozen
from customs_assets.lake.told_apart import as_named_in, declarations_of
from customs_assets.law.reading import stated_origin
from customs_assets.law.rules import HS_CODE_PATTERN, ROUTE_COLUMNS, TARIFF_COLUMNS
from customs_assets.privacy.gate import CANDIDATE
from customs_assets.published import digest_of
from customs_assets.resources import Pipeline
from customs_assets.settings import is_simulated

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# What identities are: names, tokens of the pipeline, or published tokens.
Identities = Literal["names", "tokens", "published"]

# A larger share of quarantined rows is worth a look before anything is published.
QUARANTINE_SHARE = 0.01

# Share of declarations that may give a new identity too much of one source identity. An importer who alone makes up most of a
# trade cannot be dealt to identities of mixed origin.
OVER_SHARE = 0.01

# Scores below these floors are worth a look: the paper's own scores, which the pipeline should beat. Range coverage has no floor,
# because the extremes belong to single importers. One month covers fewer categories than eighteen months together.
FLOORS = {metric: score for metric, score in PAPER_SCORES.items() if metric != "RangeCoverage"}
MONTHLY_FLOORS = {**FLOORS, "CategoryCoverage": 0.6, "ContingencySimilarity": 0.7, "TVComplement": 0.8}

_FIX_SOURCE = "Mend the rows named at the source, or the source's address, and materialize the month again."
_LOOK = "Compare the month's figures with its neighbours before publishing."


def declaration_expectations(
    attributes: Sequence[Attribute],
    month: str,
    *,
    identities: Identities,
    labelled: bool,
    repeated_ids: Sequence[str] | None = None,
) -> list[Expectation]:
    """What the form requires of every declaration, derived from the schema.

    Args:
        attributes: the columns, in order.
        month: ``YYYY-MM``; empty for a table of several months.
        identities: names have no pattern; tokens have that of the pipeline or the published one.
        labelled: whether every row must have both labels.
        repeated_ids: where the rows are a piece of a table, the IDs that the table has more than once; None for a whole table.
    """
    names, key, one_id = [a.name for a in attributes], "declaration_id", "declaration IDs are unique"
    expected = [
        expect("TableColumnsToMatchSet", f"all {len(names)} attributes are there", column_set=names, exact_match=False),
        unique(key, one_id) if repeated_ids is None else not_in_set(key, repeated_ids, one_id),
    ]
    if "critical_fraud" in names:
        pair = expect(
            "ColumnPairValuesToBeInSet",
            "critical fraud is 0 where there is no fraud, 1 or 2 where there is",
            column_A="fraud",
            column_B="critical_fraud",
            value_pairs_set=list(LABEL_PAIRS.values()),
            ignore_row_if="both_values_are_missing",
        )
        expected.append(pair)
    for a in attributes:
        if a.kind is not Kind.LABEL or labelled:
            expected.append(not_missing(a.name, f"{a.name} is never missing"))
        match a.kind:
            case Kind.DATE if month:
                start = pd.Timestamp(month)
                expected.append(between(a.name, start, start + pd.offsets.MonthEnd(0), f"dates lie in {month}"))
            case Kind.NUMBER:
                expected.append(between(a.name, 0, a.maximum, f"{a.name} lies between 0 and {a.maximum:g} {a.unit}"))
            case Kind.IDENTITY if identities == "names":
                if not a.optional:
                    expected.append(matches(a.name, r"\S", f"{a.name} names somebody"))
            case Kind.KEY | Kind.CODE | Kind.IDENTITY:
                is_token = a.kind is Kind.IDENTITY and identities == "tokens"
                expected.append(_well_formed(replace(a, pattern=TOKEN_PATTERN) if is_token else a))
            case _:
                pass
    return expected


def _well_formed(attribute: Attribute) -> Expectation:
    name = attribute.name
    if attribute.values is not None:
        codes = sorted(attribute.values | ({""} if attribute.optional else set()))
        return in_set(name, codes, f"{name} is a code of its list")
    pattern = f"^(?:{attribute.pattern}{'|' if attribute.optional else ''})$"
    return matches(name, pattern, f"{name} has the form of its code")


def _read_quarantine(examined: Examined) -> tuple[pa.Table, int]:
    """The month's quarantine, and how many rows the source had."""
    quarantine = examined.lake.read_table("quarantine", examined.partition)
    return quarantine, int((quarantine.schema.metadata or {})[b"rows_in"])


@suite("tariff", "lines", key="hs_code")
def _tariff(examined: Examined) -> Piece:
    """Codes, tax types and rates have their form, each line stands there once, and the law is the one that the settings name."""
    lines, law = _law_table(examined, TARIFF_COLUMNS)
    rate = BY_NAME["tax_rate"]
    expected = [
        law,
        expect("TableRowCountToBeBetween", "there is a line at least", min_value=1),
        unique("row", "each line stands there once"),
        not_missing("hs_code", "every line has a product code"),
        matches("hs_code", f"^(?:{HS_CODE_PATTERN})$", "product codes have 2 to 12 digits"),
        matches("tax_type", f"^(?:{BY_NAME['tax_type'].pattern})$", "tax types have their form"),
        between("tax_rate", 0, rate.maximum, f"rates lie between 0 and {rate.maximum:g} per cent"),
    ]
    if examined.settings.law != "nomenclature":
        expected += [not_missing(name, f"every line has its {name}") for name in ("tax_type", "tax_rate")]
    return lines, expected


@suite("tariff_routes", "routes", key="tax_type")
def _tariff_routes(examined: Examined) -> Piece:
    """Every route is of a tax type of the tariff and of two countries of the list, and stands there once."""
    routes, law = _law_table(examined, ROUTE_COLUMNS)
    tax_types = examined.lake.read_table("tariff", columns=["tax_type"]).column("tax_type").drop_null()
    return routes, [
        law,
        unique("row", "each route stands there once"),
        *(not_missing(name, f"every route has its {name}") for name in ROUTE_COLUMNS),
        in_set("tax_type", sorted(tax_types.unique().to_pylist()), "every tax type is one of the tariff"),
        *(in_set(name, sorted(COUNTRIES), f"every {name} is a country of the list") for name in ROUTE_COLUMNS[1:]),
    ]


def _law_table(examined: Examined, columns: Sequence[str]) -> tuple[pd.DataFrame, Expectation]:
    """A table of the law with its rows as text, and that it is the law which the settings name."""
    table = examined.lake.read_table(examined.asset)
    frame = to_frame(table)
    rows = _joined(frame, columns)
    expected = in_set("law", [examined.settings.law], f"the law is {examined.settings.law}, as the settings say")
    return frame.assign(row=rows, law=stated_origin(table)), expected


@suite("raw_declarations", "form_and_reconciliation", remedy=_FIX_SOURCE, hidden=IDENTITIES)
def _raw(examined: Examined) -> Iterator[Piece]:
    """Keys unique, codes in their lists, dates in the month, labels consistent; rows in = kept + quarantined."""
    lake, month = examined.lake, examined.partition
    with lake.connect() as connection:
        raw = {"raw": lake.sql_path(examined.asset, month)}
        repeated = [row[0] for row in connection.execute(read_sql("repeated_declaration_ids.sql"), raw).fetchall()]
    expected = declaration_expectations(ATTRIBUTES, month, identities="names", labelled=False, repeated_ids=repeated)
    rows = 0
    for piece in lake.read_pieces(examined.asset, month, [a.name for a in ATTRIBUTES]):
        rows += piece.num_rows
        yield to_frame(piece), expected
    quarantine, rows_in = _read_quarantine(examined)
    kept = rows_in - quarantine.num_rows
    reconciled = f"there are {kept} rows: {rows_in} rows in, {quarantine.num_rows} of them quarantined"
    counted = expect("ColumnSumToBeBetween", reconciled, column="rows", min_value=kept, max_value=kept)
    yield pd.DataFrame({"rows": [rows]}), [counted]


@suite("quarantine", "reasons", key="row")
def _quarantine(examined: Examined) -> Piece:
    """Every row set aside says why and where it stood."""
    columns = ("reason", "detail", "file", "row")
    return examined.frame(), [not_missing(name, f"every row set aside has its {name}") for name in columns]


@suite(
    "quarantine",
    "share",
    description=f"At most {QUARANTINE_SHARE:.0%} of a month is set aside.",
    remedy="Look at the reasons in the quarantine table; the source may have changed its form.",
    level="warning",
    key="reason",
)
def _quarantined_share(examined: Examined) -> Piece:
    quarantine, rows_in = _read_quarantine(examined)
    reasons = quarantine.column("reason").to_pandas().value_counts()
    shares = pd.DataFrame({"reason": reasons.index.astype(str), "share": reasons.to_numpy() / max(rows_in, 1)})
    at_most = f"at most {QUARANTINE_SHARE:.0%} of the month's {rows_in} rows are quarantined"
    return shares, [expect("ColumnSumToBeBetween", at_most, column="share", max_value=QUARANTINE_SHARE)]


@suite("labelled_declarations", "inspected_rows", hidden=IDENTITIES)
def _labelled(examined: Examined) -> Piece:
    """Exactly the inspected rows, both labels on each."""
    from customs_assets.simulation.tariff import lawful_tuples

    raw = examined.lake.read_table("raw_declarations", examined.partition, ["fraud"])
    inspected = raw.num_rows - raw.column("fraud").null_count
    frame = examined.frame()
    expected = [
        *declaration_expectations(HELD, examined.partition, identities="names", labelled=True),
        row_count(inspected, f"{inspected} of {raw.num_rows} declarations were inspected"),
    ]
    if not is_simulated(examined.settings.source):
        return frame, expected
    # Only the simulated administration's law is known. For other sources the source's own tuples are all there is.
    expected.append(in_set("tariff_tuple", ["lawful"], "the tariff schedule allows every tariff tuple"))
    lawful = lawful_tuples(pa.Table.from_pandas(frame[list(TARIFF_TUPLE)], preserve_index=False))
    return frame.assign(tariff_tuple=np.where(lawful, "lawful", "unlawful")), expected


@suite("unit_prices", "prices", key="category")
def _unit_prices(examined: Examined) -> Piece:
    """Every category of goods has one positive price that rests on enough importers."""
    k = examined.settings.min_group
    codes = examined.frame("labelled_declarations")["hs10_code"]
    categories = sorted({code[:digits] for code in codes.unique() for digits in (0, 2, 4, 6, 10)})
    frame = examined.frame()
    positive = {"column": "unit_price", "min_value": 0, "strict_min": True, "max_value": 1e13}
    # A price of no category rests on all goods.
    all_goods = "priced" if (frame["category"] == "").any() else "without a price"
    return frame.assign(rests_on=frame["importers"].where(frame["category"] != "", k), all_goods=all_goods), [
        in_set("category", categories, "only goods of the month have a price"),
        in_set("all_goods", ["priced"], "all goods have a price, which every product code can fall back to"),
        unique("category", "a category has one price"),
        expect("ColumnValuesToBeBetween", "prices are positive", **positive),
        between("rests_on", k, None, f"a price rests on at least {k} importers, or on all goods"),
    ]


@suite("anonymized_declarations", "nobody_named", hidden=IDENTITIES)
def _anonymized(examined: Examined) -> Piece:
    """The labelled rows, with tokens for names and business numbers: no raw identity is left."""
    frame, labelled = examined.frame(), examined.frame("labelled_declarations")
    columns = examined.settings.business_numbers
    numbers = read_business_numbers(examined.lake, examined.partition, columns) if columns else None
    party = parties(labelled, numbers)
    expected = [
        *declaration_expectations(HELD, examined.partition, identities="tokens", labelled=True),
        row_count(len(labelled), "those of labelled_declarations"),
    ]
    for role in IDENTITIES:
        raw = {*labelled[role], *party[role]}
        if numbers is not None and role in numbers:
            raw |= set(numbers[role].dropna())
        expected.append(not_in_set(role, sorted(raw - {""}), f"no {role} of the source is left"))
        count = party[role].nunique()
        counted = {role: f"as many {role}s as the source has, spellings made alike: no two became one"}
        if len(frame) == len(labelled):
            # Parties and tokens are replaced by numbers, so that no name stands beside its token, not even here.
            pair = f"{role} before and after"
            frame[pair] = pd.factorize(party[role])[0] * (len(frame) + 1) + pd.factorize(frame[role])[0]
            counted[pair] = f"every {role} of the source became one token, wherever it stands"
        expected += [
            expect("ColumnUniqueValueCountToBeBetween", sentence, column=column, min_value=count, max_value=count)
            for column, sentence in counted.items()
        ]
    return frame, expected


@suite("population", "everyone_counted_once", key="hs6_code", hidden=("importer_id",))
def _population(examined: Examined) -> Piece:
    """Every declaration of the month stands behind one importer's token and one tariff tuple; nothing is added or lost."""
    from customs_assets.disclosure.population import KEY

    raw = examined.lake.read_table("raw_declarations", examined.partition, ["item_price", "net_mass"])
    codes = [HS6, *(BY_NAME[name] for name in ("country_of_origin", "country_of_departure", "tax_type"))]
    return examined.frame(), [
        *(not_missing(name, f"{name} is never missing") for name in KEY),
        _well_formed(replace(BY_NAME["importer_id"], pattern=TOKEN_PATTERN)),
        *map(_well_formed, codes),
        expect("CompoundColumnsToBeUnique", "an importer has one row for each tariff tuple", column_list=list(KEY)),
        between("declarations", 1, None, "a row stands for at least one declaration"),
        _sum_of("declarations", raw.num_rows, 0, f"{raw.num_rows} declarations are counted, those of raw_declarations"),
        *(between(name, 0, None, f"{name} is not negative") for name in ("value", "mass")),
        *(
            # A declaration's amount is rounded as sql/population.sql does.
            _sum_of(name, total := float(raw[column].to_numpy().sum()), 1e-9 * total + 1e-4 * raw.num_rows, sentence)
            for name, column, sentence in (
                ("value", "item_price", "the values add up to the item prices of raw_declarations"),
                ("mass", "net_mass", "the masses add up to the net masses of raw_declarations"),
            )
        ),
    ]


def _sum_of(column: str, total: float, tolerance: float, description: str) -> Expectation:
    bounds = {"min_value": total - tolerance, "max_value": total + tolerance}
    return expect("ColumnSumToBeBetween", description, column=column, **bounds)


@suite(
    "ctgan_model",
    "training",
    remedy="Lower the learning rate or look at the month's model table; then materialize the model again.",
    key="epoch",
)
def _model(examined: Examined) -> Piece:
    """The model loads, was trained as long as asked, and its losses stayed finite."""
    from customs_assets.generator.checkpoint import from_bytes

    model = from_bytes(examined.lake.read_bytes(examined.lake.path(examined.asset, examined.partition, "safetensors")))
    losses = [str(name) for name in model.loss_values.columns if name != "epoch"]
    epochs = examined.settings.epochs
    # A GAN takes all epochs that are asked for, others a share of them, and some are not trained step by step.
    trained = (
        row_count(epochs, "one for each epoch that was asked for")
        if "generator_loss" in losses
        else between("epoch", 0, epochs - 1, "no more epochs than were asked for")
    )
    return model.loss_values, [
        trained,
        *(between(name, -1e6, 1e6, f"the {name.replace('_', ' ')} stayed finite") for name in losses),
    ]


@suite("safe_groups", "k_importers", key="kind")
def _safe_groups(examined: Examined) -> Piece:
    """Nothing stands in the table that fewer than k importers declared."""
    from customs_assets.disclosure.safe_groups import KINDS

    k = examined.settings.min_group
    return examined.frame(), [
        between("importers", k, None, f"every group rests on at least {k} importers"),
        in_set("kind", KINDS, "every kind is known"),
    ]


@suite("disclosed_tuples", "account", key="part")
def _disclosed(examined: Examined) -> Piece:
    """Counted again from the population: every part that is shown rests on k importers, and every tuple is lawful."""
    from customs_assets.disclosure.account import parts_account
    from customs_assets.disclosure.dominance import Dominance
    from customs_assets.disclosure.parts import SafeParts, effective_law
    from customs_assets.law.law import Law

    lake, settings = examined.lake, examined.settings
    months = lake.partitions("anonymized_declarations")
    tuples, safe = lake.read_frame("disclosed_tuples"), lake.read_frame("safe_parts")
    frames = declarations_of(lake, months).values()
    # A month that came later has no tuples at all; in every other month each declaration has one.
    source = pd.concat(
        [rows for rows in frames if rows["declaration_id"].isin(tuples["declaration_id"]).any()], ignore_index=True
    )
    paths = [lake.sql_path("population", month) for month in lake.partitions("population")]
    dominance = Dominance(settings.dominance_one, settings.dominance_two)
    confidential = lake.read_frame("confidential_trade")
    account = parts_account(paths, source, tuples, safe, settings.min_group, dominance, confidential)
    law = effective_law(Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes")), SafeParts(safe))
    unlawful = int((~law.is_lawful(tuples)).sum())
    row = pd.DataFrame({"part": ["tuple"], "what": ["lawful"], "counted": [len(tuples)], "wrong": [unlawful]})
    sentence = f"every part rests on {settings.min_group} importers whom nobody dominates, and every tuple is lawful"
    return pd.concat([account, row], ignore_index=True), [
        between("wrong", 0, 0, sentence),
        _sum_of("counted", float(account["counted"].sum() + len(source)), 0.5, "every declaration has a tuple once"),
    ]


@suite("safe_parts", "parts", key="part")
def _safe_parts(examined: Examined) -> Piece:
    """Nothing stands in the table that fewer than k importers declared."""
    frame, k = examined.frame(), examined.settings.min_group
    return frame.assign(behind=frame["importers"].where(frame["importer_id"] == "", k)), [
        between("behind", k, None, f"every safe cell rests on at least {k} importers"),
        between("share", 0, 1, "shares lie between 0 and 1"),
        in_set("part", ["claim", "code", "departure", "origin", "rate"], "every part is known"),
    ]


@suite("composed_identities", "composed")
def _composed(examined: Examined) -> Piece:
    """Every declaration has a slot, and none of its identities takes more than a k-th of its rows from one of the source's."""
    from customs_assets.disclosure.identities import ROLES, over_share, too_few_donors
    from customs_assets.disclosure.large_parties import rows_without_room, unavoidable_share

    k, frame = examined.settings.min_group, examined.frame()
    months = examined.lake.partitions("anonymized_declarations")
    source = pd.concat(declarations_of(examined.lake, months).values()).set_index("declaration_id")
    shown = examined.lake.read_frame("disclosed_tuples").set_index("declaration_id")["of_declaration"]
    frozen = Frozen.of(examined.settings, examined.lake)
    if frozen.months:
        # Slots of published months were dealt with the goods that their declarations had then.
        shown = pd.concat([frozen.goods_of(), shown])
        shown = shown[~shown.index.duplicated()]
    goods, source = source.reindex(shown.loc[frame["declaration_id"]]), source.loc[frame["slot_id"]]
    # With fewer than twice k source identities, some new identity must hold more than a k-th of one of them.
    judged = [role for role in ROLES if source[role.sources].nunique() >= 2 * k]
    over = []
    for role in judged:
        named = (frame[role.name] != "").to_numpy()
        dealt = (pd.factorize(of[named])[0] for of in (frame[role.name].to_numpy(), source[role.sources].to_numpy()))
        if named.any():
            runs, owners = dealt
            # A party that makes more than a k-th of all declarations is more than a k-th of some new identity.
            over.append(over_share(runs, owners, k).mean() - unavoidable_share(runs, owners, k))
    if judged:
        runs, importers = (pd.factorize(table["importer_id"])[0] for table in (frame, goods))
        alike = pd.factorize(frame["hs6_code"] + frame["country_of_origin"])[0]
        few = too_few_donors(runs, importers, alike, k) & ~rows_without_room(runs, importers, k)
        over.append(few.mean())
    at_most = (
        f"at most {OVER_SHARE:.0%} of declarations give a new identity more of one source identity than a {k}th, "
        "beside those of parties that make more than that of all declarations"
    )
    return frame.assign(over=max(over, default=0.0)), [
        unique("declaration_id", "every declaration has one slot"),
        unique("slot_id", "every slot is one declaration's"),
        row_count(len(source), "one for each declaration of all months"),
        between("over", None, OVER_SHARE, at_most),
    ]


@suite("fraud_propensity", "rates", key="rate")
def _propensity(examined: Examined) -> Piece:
    """Rates between 0 and 1 that rise with the score."""
    rates = pd.DataFrame({"rate": examined.lake.read_json(examined.asset)["rates"]})
    return rates, [
        between("rate", 0, 1, "rates lie between 0 and 1"),
        expect("ColumnValuesToBeIncreasing", "rates rise with the score", column="rate"),
    ]


@suite("rehearsed_declarations", "k_importers_of_the_training_half")
def _rehearsed(examined: Examined) -> Piece:
    """The form, the labels and the law hold in every row; every code of the form rests on k importers of the training half."""
    from customs_assets.law.law import Law
    from customs_assets.privacy.rehearsal import Rehearsal, stated_reason

    lake, settings = examined.lake, examined.settings
    months = lake.partitions("anonymized_declarations")
    source = declarations_of(lake, months)
    frame, table = examined.frame(), lake.read_table(examined.asset)
    rehearsal = Rehearsal.of(table, source, Pipeline().secret)
    if isinstance(rehearsal, str):
        # An empty table that says why it is empty holds: nothing is measured on it, so nothing is released.
        holds = stated_reason(table) == rehearsal and not table.num_rows
        rows = pd.DataFrame({"rehearsed": ["no, and why" if holds else "no"]})
        return rows, [in_set("rehearsed", ["no, and why"], f"the rehearsal is one of this source: {rehearsal}")]
    enough = {}
    for column in FORM_CODES:
        importers = rehearsal.training.groupby(column)["importer_id"].nunique()
        enough[column] = sorted(importers.index[importers >= settings.min_group])
    sentence = f"one that at least {settings.min_group} importers of the training half declared"
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    # A law without rates says nothing of a tuple.
    lawful = law.is_lawful(frame) if law.has_rates else np.ones(len(frame), dtype=bool)
    return frame.assign(tariff_tuple=np.where(lawful, "lawful", "unlawful")), [
        *declaration_expectations(HELD_RELEASED, "", identities="tokens", labelled=True),
        *(
            [row_count(len(rehearsal.training), "as many as the training half has")]
            # Published months may have been amended since they were rehearsed.
            if not Frozen.of(settings, lake).months
            else []
        ),
        in_set("tariff_tuple", ["lawful"], "every tariff tuple is lawful"),
        *(in_set(column, codes, f"every {column} is {sentence}") for column, codes in enough.items()),
    ]


@suite("synthetic_declarations", "lawful_and_consistent")
def _synthetic(examined: Examined) -> Piece:
    """The form, the law, the k rule and the labels hold in every row; no row copies a source row."""
    k, frame = examined.settings.min_group, examined.frame()
    frozen = Frozen.of(examined.settings, examined.lake)
    if examined.partition in frozen:
        content = examined.lake.read_bytes(examined.lake.path(examined.asset, examined.partition))
        kept = "yes" if digest_of(content) == frozen.months[examined.partition].rows else "no"
        return frame.assign(as_published=kept), [
            *declaration_expectations(HELD_RELEASED, examined.partition, identities="tokens", labelled=True),
            in_set("as_published", ["yes"], "the month is as it was published; what it shows was judged then"),
        ]
    source = with_hs6(examined.frame("anonymized_declarations"))
    safe = examined.lake.read_frame("safe_groups")
    composed = examined.lake.read_frame("composed_identities")
    disclosed = examined.lake.read_frame("disclosed_tuples")
    own = as_named_in(source, examined.partition, disclosed)["declaration_id"]
    of_month = disclosed[disclosed["declaration_id"].isin(own)]
    over_all_months = f"at least {k} importers"
    return frame.assign(tariff_tuple=tuple_text(frame), row=row_text(frame)), [
        *declaration_expectations(HELD_RELEASED, examined.partition, identities="tokens", labelled=True),
        row_count(examined.settings.rows or len(source), "as many as were asked for"),
        in_set("tariff_tuple", sorted(set(tuple_text(of_month))), "every tariff tuple was disclosed for the month"),
        not_in_set(
            "row", sorted(set(row_text(source))), "no row equals a source row in everything but its key and date"
        ),
        *(
            in_set(
                column,
                sorted(safe.loc[safe["kind"] == column, "code"]),
                f"every {column} is one that {over_all_months} declared over all months",
            )
            for column in FORM_CODES
        ),
        *(in_set(role, sorted({*composed[role], ""}), f"every {role} is a composed identity") for role in IDENTITIES),
    ]


def _score_frame(examined: Examined) -> pd.DataFrame:
    content = examined.lake.read_json(examined.asset, examined.partition)
    return pd.DataFrame({"metric": [m["metric"] for m in content], "score": [m["score"] for m in content]})


def _scores(examined: Examined) -> Piece:
    return _score_frame(examined), [
        exactly("metric", sorted(PAPER_SCORES), "all eight metrics of Table 2 are there"),
        between("score", 0, 1, "scores lie between 0 and 1"),
    ]


def _floors(floors: Mapping[str, float], examined: Examined) -> Piece:
    scores = _score_frame(examined).set_index("metric")["score"]
    return pd.DataFrame([scores.to_dict()]), [
        between(metric, floor, None, f"{metric} is at least {floor:.4f}") for metric, floor in floors.items()
    ]


@suite(CANDIDATE, "files_and_tokens")
def _candidate(examined: Examined) -> Piece:
    """Files match their checksums, IDs are unique over all months, identities are re-drawn."""
    from customs_assets.release.files import CHECKSUMS, read_release

    read = partial(examined.lake.read_in_folder, examined.asset)
    released = read_release(read)
    lines = read(CHECKSUMS).decode().splitlines()
    listed = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    actual = {name: hashlib.sha256(read(name)).hexdigest() for name in listed}
    months = examined.lake.partitions("synthetic_declarations")
    synthetic = examined.lake.read_frames("synthetic_declarations", months)
    return released.assign(checksums="match" if listed == actual else "differ"), [
        *declaration_expectations(RELEASED, "", identities="published", labelled=True),
        row_count(len(synthetic), f"those of {len(months)} synthetic months"),
        in_set("checksums", ["match"], "every file of the release matches its checksum"),
        *(
            not_in_set(role, sorted(set(synthetic[role]) - {""}), f"no {role} of the anonymized tables is released")
            for role in IDENTITIES
            if role in released
        ),
    ]


@suite(RELEASE, "as_judged", key="file")
def _release(examined: Examined) -> Piece:
    """Every file is the candidate's, byte for byte: what was judged is what is released."""
    released, candidate = (examined.lake.read_folder(asset) for asset in (examined.asset, CANDIDATE))
    files = sorted({*released, *candidate})
    same = ["yes" if released.get(name) == candidate.get(name) else "no" for name in files]
    expected = in_set("same", ["yes"], "every file is the candidate's, and none is missing")
    return pd.DataFrame({"file": files, "same": same}), [expected]


@suite("fraud_benchmark", "precision", key="inspection_rate")
def _benchmark(examined: Examined) -> Piece:
    """Precision at each inspection rate, between 0 and 1."""
    from customs_assets.benchmark.cells import RATES

    frame = examined.frame()
    if frame.empty:
        return frame, [row_count(0, "the data set has nothing to learn from; the run's log says what it lacks")]
    return frame, [
        exactly("inspection_rate", RATES, "all inspection rates are there"),
        *(between(name, 0, 1, f"{name} lies between 0 and 1") for name in ("precision_mean", "precision_std")),
    ]


@suite(
    "fraud_benchmark",
    "signal",
    remedy="Look at the month's labels: with no signal the data set is no benchmark.",
    level="warning",
    key="inspection_rate",
)
def _signal(examined: Examined) -> Piece:
    """A detector does better than chance."""
    source = "anonymized_declarations" if "source" in examined.partition.split("|") else "synthetic_declarations"
    months = examined.lake.partitions(source)
    if (frame := examined.frame()).empty:
        return frame, [row_count(1, "a detector was measured: the labels have both kinds")]
    fraud = np.concatenate([examined.lake.read_table(source, month).column("fraud").to_numpy() for month in months])
    base_rate = float(fraud.mean())
    sentence = f"a detector finds more fraud than drawing at random would ({base_rate:.3f})"
    return frame, [between("precision_mean", base_rate, None, sentence)]


def tuple_text(declarations: pd.DataFrame) -> pd.Series:
    """The released tariff tuple of each row as one text."""
    return _joined(declarations, RELEASED_TUPLE)


def row_text(declarations: pd.DataFrame) -> pd.Series:
    """Each released row without key and date as one text."""
    return _joined(declarations, [a.name for a in RELEASED if a.kind not in (Kind.KEY, Kind.DATE)])


def _joined(declarations: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    texts = [declarations[column].astype(str) for column in columns]
    return texts[0].str.cat(pd.concat(texts[1:], axis=1), sep=" ")


def _score_suites(asset: str, floors: Mapping[str, float], floors_hold: str) -> tuple[Suite, Suite]:
    return (
        Suite(asset, "scores", _scores, "Eight scores between 0 and 1.", key="metric"),
        Suite(asset, "floors", partial(_floors, floors), floors_hold, _LOOK, "warning"),
    )


SUITES: tuple[Suite, ...] = (
    *(_tariff, _tariff_routes),
    *(_raw, _quarantine, _quarantined_share, _population, _labelled, _unit_prices, _anonymized),
    *(_safe_parts, _disclosed),
    *(_model, _safe_groups, _composed, _propensity, _rehearsed, _synthetic),
    *_score_suites("quality_report", MONTHLY_FLOORS, "Monthly scores stand above their floors."),
    *_score_suites("release_quality", FLOORS, "No score of Table 2 is under the paper's."),
    *(_candidate, _release, _benchmark, _signal),
)
