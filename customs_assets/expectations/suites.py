"""The suites over tables: what is expected of each artifact, derived from the declaration schema wherever it can be.

A suite fetches what it judges and lists expectations on it. Error-level suites hold what must be true: keys, codes, dates,
labels, law, reconciliation, confidentiality. Warning-level suites hold floors of quality. How a suite is run stands in
``validation``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.anonymization.business_numbers import read_business_numbers
from customs_assets.anonymization.identities import TOKEN_PATTERN, parties
from customs_assets.declaration import (
    ATTRIBUTES,
    FORM_CODES,
    IDENTITIES,
    LABEL_PAIRS,
    RELEASED,
    RELEASED_TUPLE,
    TARIFF_TUPLE,
    Attribute,
    Kind,
)
from customs_assets.expectations.expect import (
    between,
    exactly,
    expect,
    in_set,
    matches,
    not_in_set,
    not_missing,
    row_count,
    unique,
)
from customs_assets.expectations.validation import Piece
from customs_assets.fidelity.comparison import with_hs6
from customs_assets.fidelity.table_two import PAPER_SCORES
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, read_sql, to_frame
from customs_assets.privacy.gate import CANDIDATE
from customs_assets.secret_files import release_secret
from customs_assets.settings import Settings
from customs_assets.source.address import is_simulated

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# What identities are: names, tokens inside the pipeline, or tokens as published.
Identities = Literal["names", "tokens", "published"]

# A source of which more than this share is quarantined is worth a look before anything is published.
QUARANTINE_SHARE = 0.01

# Share of declarations that may give a new identity too much of one source identity: an importer who alone makes up most of a
# trade cannot be dealt to identities of mixed origin.
OVER_SHARE = 0.01

# Scores below these floors are worth a look: the paper's own, which the pipeline is there to beat. Range coverage has none,
# because the extremes are one importer's own. One month covers fewer categories than eighteen months together.
FLOORS = {metric: score for metric, score in PAPER_SCORES.items() if metric != "RangeCoverage"}
MONTHLY_FLOORS = {**FLOORS, "CategoryCoverage": 0.6, "ContingencySimilarity": 0.7, "TVComplement": 0.8}

# What to do where a suite does not hold.
_FIX_SOURCE = "Mend the rows named at the source, or the source's address, and materialize the month again."
_FIX_CODE = "This is a fault of the pipeline, not of the data: please report it with the run's log."
_LOOK = "Compare the month's figures with its neighbours before publishing."


@dataclass(frozen=True)
class Examined:
    """The partition that a suite looks at."""

    lake: Lake
    settings: Settings
    asset: str
    partition: str

    def frame(self, asset: str | None = None) -> pd.DataFrame:
        """The table of this partition of an artifact (of the suite's own by default)."""
        return self.lake.read_frame(asset or self.asset, self.partition)


@dataclass(frozen=True)
class Suite:
    """A list of expectations on one artifact.

    Attributes:
        asset: asset key.
        name: name of the check.
        examine: gives the frame that is judged and what is expected of it; for a table that may be too large to hold, these piece
            by piece.
        description: what is expected, for the UI.
        remedy: what to do where it does not hold.
        level: ``error`` blocks what is downstream, ``warning`` does not.
        key: column that names a row in findings.
        hidden: columns whose values must not appear in findings.
    """

    asset: str
    name: str
    examine: Callable[[Examined], Piece | Iterator[Piece]]
    description: str
    remedy: str = _FIX_CODE
    level: Literal["error", "warning"] = "error"
    key: str = "declaration_id"
    hidden: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether a failure blocks what is downstream."""
        return self.level == "error"

    def pieces(self, examined: Examined) -> Iterable[Piece]:
        """What is judged, as pieces."""
        found = self.examine(examined)
        return [found] if isinstance(found, tuple) else found


def declaration_expectations(
    attributes: Sequence[Attribute],
    month: str,
    *,
    identities: Identities,
    labelled: bool,
    repeated_ids: Sequence[str] | None = None,
) -> list[Expectation]:
    """What the form asks of every declaration, derived from the schema.

    Args:
        attributes: the columns, in order.
        month: ``YYYY-MM``; empty where several months stand together.
        identities: what identities are: names have no pattern, tokens have that of the pipeline or the published one.
        labelled: whether every row must carry both labels.
        repeated_ids: where the rows are a piece of a table, the IDs that the table has more than once; None where they are all.
    """
    one_id = "declaration IDs are unique"
    expected = [
        expect(
            "TableColumnsToMatchSet",
            "all 22 attributes are there",
            column_set=[a.name for a in attributes],
            exact_match=False,
        ),
        unique("declaration_id", one_id)
        if repeated_ids is None
        else not_in_set("declaration_id", repeated_ids, one_id),
        expect(
            "ColumnPairValuesToBeInSet",
            "critical fraud is 0 where there is no fraud, 1 or 2 where there is",
            column_A="fraud",
            column_B="critical_fraud",
            value_pairs_set=list(LABEL_PAIRS.values()),
            ignore_row_if="both_values_are_missing",
        ),
    ]
    for a in attributes:
        if a.kind is not Kind.LABEL or labelled:
            expected.append(not_missing(a.name, f"{a.name} is never missing"))
        match a.kind:
            case Kind.DATE if month:
                start = pd.Timestamp(month)
                expected.append(between(a.name, start, start + pd.offsets.MonthEnd(0), f"dates lie in {month}"))
            case Kind.NUMBER:
                said = f"{a.name} lies between 0 and {a.maximum:g} {a.unit}"
                expected.append(between(a.name, 0, a.maximum, said))
            case Kind.IDENTITY if identities == "names":
                if not a.optional:
                    expected.append(matches(a.name, r"\S", f"{a.name} names somebody"))
            case Kind.IDENTITY if identities == "tokens":
                expected.append(_well_formed(replace(a, pattern=TOKEN_PATTERN)))
            case Kind.KEY | Kind.CODE | Kind.IDENTITY:
                expected.append(_well_formed(a))
            case _:
                pass
    return expected


def _well_formed(attribute: Attribute) -> Expectation:
    name, empty = attribute.name, "|" if attribute.optional else ""
    if attribute.values is not None:
        codes = sorted(attribute.values | ({""} if attribute.optional else set()))
        return in_set(name, codes, f"{name} is a code of its list")
    return matches(name, f"^(?:{attribute.pattern}{empty})$", f"{name} has the form of its code")


def _quarantined(examined: Examined) -> tuple[pa.Table, int]:
    """The month's quarantine, and how many rows came in."""
    quarantine = examined.lake.read_table("quarantine", examined.partition)
    return quarantine, int((quarantine.schema.metadata or {})[b"rows_in"])


def _raw(examined: Examined) -> Iterator[Piece]:
    lake, month = examined.lake, examined.partition
    with lake.connect() as connection:
        raw = {"raw": lake.sql_path(examined.asset, month)}
        repeated = [row[0] for row in connection.execute(read_sql("repeated_declaration_ids.sql"), raw).fetchall()]
    expected = declaration_expectations(ATTRIBUTES, month, identities="names", labelled=False, repeated_ids=repeated)
    rows = 0
    for piece in lake.read_pieces(examined.asset, month, [a.name for a in ATTRIBUTES]):
        rows += piece.num_rows
        yield to_frame(piece), expected
    quarantine, rows_in = _quarantined(examined)
    kept = rows_in - quarantine.num_rows
    said = f"there are {kept} rows: {rows_in} rows in, {quarantine.num_rows} of them quarantined"
    counted = expect("ColumnSumToBeBetween", said, column="rows", min_value=kept, max_value=kept)
    yield pd.DataFrame({"rows": [rows]}), [counted]


def _quarantine(examined: Examined) -> Piece:
    columns = ("reason", "detail", "file", "row")
    return examined.frame(), [not_missing(name, f"every row set aside has its {name}") for name in columns]


def _quarantined_share(examined: Examined) -> Piece:
    quarantine, rows_in = _quarantined(examined)
    reasons = quarantine.column("reason").to_pandas().value_counts()
    shares = pd.DataFrame({"reason": reasons.index.astype(str), "share": reasons.to_numpy() / max(rows_in, 1)})
    said = f"at most {QUARANTINE_SHARE:.0%} of the month's {rows_in} rows are quarantined"
    return shares, [expect("ColumnSumToBeBetween", said, column="share", max_value=QUARANTINE_SHARE)]


def _labelled(examined: Examined) -> Piece:
    from customs_assets.simulation.tariff import lawful_tuples

    raw = examined.lake.read_table("raw_declarations", examined.partition, ["fraud"])
    inspected = raw.num_rows - raw.column("fraud").null_count
    frame = examined.frame()
    expected = [
        *declaration_expectations(ATTRIBUTES, examined.partition, identities="names", labelled=True),
        row_count(inspected, f"{inspected} of {raw.num_rows} declarations were inspected"),
    ]
    if not is_simulated(examined.settings.source):
        return frame, expected
    # Of the simulated administration alone the law is known; elsewhere the source's own tuples are all there is.
    expected.append(in_set("tariff_tuple", ["lawful"], "the tariff schedule allows every tariff tuple"))
    lawful = lawful_tuples(pa.Table.from_pandas(frame[list(TARIFF_TUPLE)], preserve_index=False))
    return frame.assign(tariff_tuple=np.where(lawful, "lawful", "unlawful")), expected


def _unit_prices(examined: Examined) -> Piece:
    k = examined.settings.min_group
    codes = sorted(set(examined.frame("labelled_declarations")["hs10_code"]))
    frame = examined.frame()
    # A price of no category rests on all goods.
    return frame.assign(rests_on=frame["importers"].where(frame["category"] != "", k)), [
        in_set("hs10_code", codes, "only product codes of the month have a price"),
        row_count(len(codes), "every product code of the month has a price"),
        unique("hs10_code", "a product code has one price"),
        expect(
            "ColumnValuesToBeBetween",
            "prices are positive",
            column="unit_price",
            min_value=0,
            strict_min=True,
            max_value=1e13,
        ),
        between("rests_on", k, None, f"a price rests on at least {k} importers, or on all goods"),
    ]


def _anonymized(examined: Examined) -> Piece:
    frame, labelled = examined.frame(), examined.frame("labelled_declarations")
    columns = examined.settings.business_numbers
    numbers = read_business_numbers(examined.lake, examined.partition, columns) if columns else None
    who = parties(labelled, numbers)
    expected = [
        *declaration_expectations(ATTRIBUTES, examined.partition, identities="tokens", labelled=True),
        row_count(len(labelled), "those of labelled_declarations"),
    ]
    for role in IDENTITIES:
        raw = {*labelled[role], *who[role]}
        if numbers is not None and role in numbers:
            raw |= set(numbers[role].dropna())
        expected.append(not_in_set(role, sorted(raw - {""}), f"no {role} of the source is left"))
        count = who[role].nunique()
        counted = {role: f"as many {role}s as the source has, spellings made alike: no two became one"}
        if len(frame) == len(labelled):
            # Told by their places, so that no name stands beside its token, not even here.
            pair = f"{role} before and after"
            frame[pair] = pd.factorize(who[role])[0] * (len(frame) + 1) + pd.factorize(frame[role])[0]
            counted[pair] = f"every {role} of the source became one token, wherever it stands"
        expected += [
            expect("ColumnUniqueValueCountToBeBetween", said, column=column, min_value=count, max_value=count)
            for column, said in counted.items()
        ]
    return frame, expected


def _model(examined: Examined) -> Piece:
    from customs_assets.generator.checkpoint import from_bytes

    model = from_bytes(examined.lake.read_bytes(examined.lake.path(examined.asset, examined.partition, "safetensors")))
    return model.loss_values, [
        row_count(examined.settings.epochs, "one for each epoch that was asked for"),
        *(
            between(loss, -1e6, 1e6, f"the {loss.replace('_', ' ')} stayed finite")
            for loss in ("generator_loss", "discriminator_loss")
        ),
    ]


def _synthetic(examined: Examined) -> Piece:
    k, frame = examined.settings.min_group, examined.frame()
    source = with_hs6(examined.frame("anonymized_declarations"))
    safe = examined.lake.read_frame("safe_groups")
    composed = examined.lake.read_frame("composed_identities")
    enough = safe.loc[(safe["kind"] == "tuple") & (safe["importers"] >= k)]
    copied = "no row equals a source row in everything but its key and date"
    expected = [
        *declaration_expectations(RELEASED, examined.partition, identities="tokens", labelled=True),
        row_count(examined.settings.rows or len(source), "as many as were asked for"),
        in_set("tariff_tuple", sorted(set(tuple_text(source))), "every tariff tuple is lawful"),
        not_in_set("row", sorted(set(row_text(source))), copied),
    ]
    for column in FORM_CODES:
        codes = sorted(safe.loc[safe["kind"] == column, "code"])
        said = f"every {column} is one that at least {k} importers declared over all months"
        expected.append(in_set(column, codes, said))
    said = f"every tariff tuple rests on at least {k} importers over all months"
    expected.append(in_set("shown_tuple", sorted(tuple_text(enough)), said))
    expected += [
        in_set(role, sorted({*composed[role], ""}), f"every {role} is a composed identity") for role in IDENTITIES
    ]
    tuples = tuple_text(frame)
    return frame.assign(tariff_tuple=tuples, shown_tuple=tuples, row=row_text(frame)), expected


def _safe_groups(examined: Examined) -> Piece:
    from customs_assets.disclosure.safe_groups import KINDS

    k = examined.settings.min_group
    return examined.frame(), [
        between("importers", k, None, f"every group rests on at least {k} importers"),
        in_set("kind", KINDS, "every kind is known"),
    ]


def _composed(examined: Examined) -> Piece:
    from customs_assets.disclosure.identities import ROLES, over_share

    k, frame = examined.settings.min_group, examined.frame()
    months = examined.lake.partitions("anonymized_declarations")
    source = examined.lake.read_frames("anonymized_declarations", months).set_index("declaration_id")
    source = source.loc[frame["declaration_id"]]
    # Where a role has fewer than twice k identities, there is no dealing them so that none holds more than a k-th of another.
    judged = [role for role in ROLES if source[role.sources].nunique() >= 2 * k]
    over = [
        over_share(
            pd.factorize(frame.loc[named, role.name])[0], pd.factorize(source[role.sources].to_numpy()[named])[0], k
        ).mean()
        for role in judged
        if (named := (frame[role.name] != "").to_numpy()).any()
    ]
    said = f"at most {OVER_SHARE:.0%} of declarations give a new identity more of one source identity than a {k}th"
    return frame.assign(over=max(over, default=0.0)), [
        unique("declaration_id", "every declaration has its identities once"),
        row_count(len(source), "one for each declaration of all months"),
        between("over", None, OVER_SHARE, said),
    ]


def _rehearsed(examined: Examined) -> Piece:
    from customs_assets.privacy.rehearsal import Rehearsal, told_reason

    lake, settings = examined.lake, examined.settings
    months = lake.partitions("anonymized_declarations")
    source = {month: lake.read_frame("anonymized_declarations", month) for month in months}
    frame, table = examined.frame(), lake.read_table(examined.asset)
    rehearsal = Rehearsal.of(table, source, release_secret(settings.release_secret).load())
    if isinstance(rehearsal, str):
        # A table that says itself why it is empty is sound: nothing is measured on it, and so nothing released.
        sound = told_reason(table) == rehearsal and not table.num_rows
        said = f"the rehearsal is one of this source: {rehearsal}"
        rows = pd.DataFrame({"rehearsed": ["no, and why" if sound else "no"]})
        return rows, [in_set("rehearsed", ["no, and why"], said)]
    behind = with_hs6(rehearsal.training).groupby(list(RELEASED_TUPLE))["importer_id"].nunique()
    enough = behind.index[behind >= settings.min_group].to_frame(index=False)
    said = f"every tariff tuple rests on at least {settings.min_group} importers of the training half"
    return frame.assign(shown_tuple=tuple_text(frame)), [
        *declaration_expectations(RELEASED, "", identities="tokens", labelled=True),
        row_count(len(rehearsal.training), "as many as the training half has"),
        in_set("shown_tuple", sorted(tuple_text(enough)), said),
    ]


def _propensity(examined: Examined) -> Piece:
    rates = pd.DataFrame({"rate": examined.lake.read_json(examined.asset)["rates"]})
    return rates, [
        between("rate", 0, 1, "rates lie between 0 and 1"),
        expect("ColumnValuesToBeIncreasing", "rates rise with the score", column="rate"),
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


def _candidate(examined: Examined) -> Piece:
    from customs_assets.release.files import CHECKSUMS, read_release

    folder = examined.lake.path(examined.asset, suffix="")
    released = read_release(lambda name: examined.lake.read_bytes(f"{folder}/{name}"))
    lines = examined.lake.read_bytes(f"{folder}/{CHECKSUMS}").decode().splitlines()
    listed = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    actual = {name: hashlib.sha256(examined.lake.read_bytes(f"{folder}/{name}")).hexdigest() for name in listed}
    months = examined.lake.partitions("synthetic_declarations")
    synthetic = examined.lake.read_frames("synthetic_declarations", months)
    return released.assign(checksums="match" if listed == actual else "differ"), [
        *declaration_expectations(RELEASED, "", identities="published", labelled=True),
        row_count(len(synthetic), f"those of {len(months)} synthetic months"),
        in_set("checksums", ["match"], "every file of the release matches its checksum"),
        *(
            not_in_set(role, sorted(set(synthetic[role]) - {""}), f"no {role} of the anonymized tables is released")
            for role in IDENTITIES
        ),
    ]


def _release(examined: Examined) -> Piece:
    released, candidate = (examined.lake.read_folder(asset) for asset in (examined.asset, CANDIDATE))
    files = sorted({*released, *candidate})
    same = ["yes" if released.get(name) == candidate.get(name) else "no" for name in files]
    said = "every file is the candidate's, and none is missing"
    return pd.DataFrame({"file": files, "same": same}), [in_set("same", ["yes"], said)]


def _benchmark(examined: Examined) -> Piece:
    from customs_assets.benchmark.precision import INSPECTION_RATES

    return examined.frame(), [
        exactly("inspection_rate", INSPECTION_RATES, "both inspection rates are there"),
        *(between(name, 0, 1, f"{name} lies between 0 and 1") for name in ("precision_mean", "precision_std")),
    ]


def _signal(examined: Examined) -> Piece:
    source = "anonymized_declarations" if "source" in examined.partition.split("|") else "synthetic_declarations"
    months = examined.lake.partitions(source)
    fraud = np.concatenate([examined.lake.read_table(source, month).column("fraud").to_numpy() for month in months])
    base_rate = float(fraud.mean())
    said = f"a detector finds more fraud than drawing at random would ({base_rate:.3f})"
    return examined.frame(), [between("precision_mean", base_rate, None, said)]


def tuple_text(declarations: pd.DataFrame) -> pd.Series:
    """The released tariff tuple of each row as one text."""
    return _joined(declarations, RELEASED_TUPLE)


def row_text(declarations: pd.DataFrame) -> pd.Series:
    """Everything of each released row but its key and date as one text."""
    return _joined(declarations, [a.name for a in RELEASED if a.kind not in (Kind.KEY, Kind.DATE)])


def _joined(declarations: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    texts = [declarations[column].astype(str) for column in columns]
    return texts[0].str.cat(pd.concat(texts[1:], axis=1), sep=" ")


SUITES: tuple[Suite, ...] = (
    Suite(
        "raw_declarations",
        "form_and_reconciliation",
        _raw,
        "Keys unique, codes in their lists, dates in the month, labels consistent; rows in = kept + quarantined.",
        _FIX_SOURCE,
        hidden=IDENTITIES,
    ),
    Suite("quarantine", "reasons", _quarantine, "Every row set aside says why and where it stood.", key="row"),
    Suite(
        "quarantine",
        "share",
        _quarantined_share,
        f"At most {QUARANTINE_SHARE:.0%} of a month is set aside.",
        "Look at the reasons in the quarantine table; the source may have changed its form.",
        "warning",
        key="reason",
    ),
    Suite(
        "labelled_declarations",
        "inspected_rows",
        _labelled,
        "Exactly the inspected rows, both labels on each.",
        hidden=IDENTITIES,
    ),
    Suite(
        "unit_prices",
        "prices",
        _unit_prices,
        "Every product code has one positive price that rests on enough importers.",
        key="hs10_code",
    ),
    Suite(
        "anonymized_declarations",
        "nobody_named",
        _anonymized,
        "The labelled rows, with tokens for names and business numbers: no raw identity is left.",
        hidden=IDENTITIES,
    ),
    Suite(
        "ctgan_model",
        "training",
        _model,
        "The model loads, was trained as long as asked, and its losses stayed finite.",
        "Lower the learning rate or look at the month's model table; then materialize the model again.",
        key="epoch",
    ),
    Suite(
        "safe_groups",
        "k_importers",
        _safe_groups,
        "Nothing stands in the table that fewer than k importers declared.",
        key="kind",
    ),
    Suite(
        "composed_identities",
        "composed",
        _composed,
        "Every declaration has new identities, and none takes more than a k-th of its rows from one of the source's.",
    ),
    Suite("fraud_propensity", "rates", _propensity, "Rates between 0 and 1 that rise with the score.", key="rate"),
    Suite(
        "rehearsed_declarations",
        "k_importers_of_the_training_half",
        _rehearsed,
        "The form and the labels hold in every row; every tariff tuple rests on k importers of the training half.",
    ),
    Suite(
        "synthetic_declarations",
        "lawful_and_consistent",
        _synthetic,
        "The form, the law, the k rule and the labels hold in every row; no row copies a source row.",
    ),
    Suite("quality_report", "scores", _scores, "Eight scores between 0 and 1.", key="metric"),
    Suite(
        "quality_report",
        "floors",
        partial(_floors, MONTHLY_FLOORS),
        "Monthly scores stand above their floors.",
        _LOOK,
        "warning",
    ),
    Suite("release_quality", "scores", _scores, "Eight scores between 0 and 1.", key="metric"),
    Suite(
        "release_quality",
        "floors",
        partial(_floors, FLOORS),
        "No score of Table 2 is under the paper's.",
        _LOOK,
        "warning",
    ),
    Suite(
        CANDIDATE,
        "files_and_tokens",
        _candidate,
        "Files match their checksums, IDs are unique over all months, identities are re-drawn.",
    ),
    Suite(
        RELEASE,
        "as_judged",
        _release,
        "Every file is the candidate's, byte for byte: what was judged is what is released.",
        key="file",
    ),
    Suite(
        "fraud_benchmark",
        "precision",
        _benchmark,
        "Precision at both inspection rates, between 0 and 1.",
        key="inspection_rate",
    ),
    Suite(
        "fraud_benchmark",
        "signal",
        _signal,
        "A detector does better than chance.",
        "Look at the month's labels: with no signal the data set is no benchmark.",
        "warning",
        key="inspection_rate",
    ),
)
