"""The suites: what is expected of each artifact, derived from the declaration schema wherever it can be.

A suite fetches what it judges and lists expectations on it. Error-level suites hold what must be true (keys, codes, dates,
labels, law, reconciliation, confidentiality); warning-level ones hold floors of quality. How a suite is run stands in
``validation.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    RELEASED,
    RELEASED_TUPLE,
    TARIFF_TUPLE,
    Attribute,
    Kind,
)
from customs_assets.expectations.validation import Piece
from customs_assets.fidelity.fidelity import PAPER_SCORES
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, read_sql, to_frame
from customs_assets.privacy.gate import CANDIDATE
from customs_assets.secret_files import release_secret
from customs_assets.settings import Settings
from customs_assets.source.address import is_simulated

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

# What identities are: names, tokens inside the pipeline, or tokens of the published shape.
Identities = Literal["names", "tokens", "published"]

LABEL_PAIRS = [(0, 0), (1, 1), (1, 2)]

# A source of which more than this share is quarantined is worth a look before anything is published.
QUARANTINE_SHARE = 0.01

# Declarations of an importer who alone makes up most of a trade cannot all be dealt to identities of mixed origin.
OVER_SHARE = 0.01

# Scores below these floors are worth a look: the paper's own, which the pipeline is there to beat.
# Range coverage has none: the extremes are one importer's own.
FLOORS = {metric: score for metric, score in PAPER_SCORES.items() if metric != "RangeCoverage"}

# A month of some thousand rows covers fewer categories and extremes than eighteen months together.
MONTHLY_FLOORS = {
    **FLOORS,
    "CategoryCoverage": 0.6,
    "ContingencySimilarity": 0.7,
    "TVComplement": 0.8,
}


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
        level: ``error`` blocks what is downstream, ``warning`` does not.
        description: what is expected, for the UI.
        remedy: what to do where it does not hold.
        examine: the frame that is judged, and what is expected of it; for a table that may be too large to hold, these piece by
            piece.
        key: column that names a row in findings.
        hidden: columns whose values must not appear in findings.
    """

    asset: str
    name: str
    level: Literal["error", "warning"]
    description: str
    remedy: str
    examine: Callable[[Examined], Piece | Iterator[Piece]]
    key: str = "declaration_id"
    hidden: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether a failure blocks what is downstream."""
        return self.level == "error"

    def pieces(self, examined: Examined) -> Iterable[Piece]:
        """What is judged, as pieces: a table that is held whole is one."""
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
        repeated_ids: where the rows are a piece of a table, the IDs that the whole has more than once; None where they are all.
    """
    import great_expectations.expectations as gxe

    unique = "declaration IDs are unique"
    expected: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(
            column_set=[a.name for a in attributes], exact_match=False, description="all 22 attributes are there"
        ),
        gxe.ExpectColumnValuesToBeUnique(column="declaration_id", description=unique)
        if repeated_ids is None
        else gxe.ExpectColumnValuesToNotBeInSet(
            column="declaration_id", value_set=list(repeated_ids), description=unique
        ),
        gxe.ExpectColumnPairValuesToBeInSet(
            column_A="fraud",
            column_B="critical_fraud",
            value_pairs_set=LABEL_PAIRS,
            ignore_row_if="both_values_are_missing",
            description="critical fraud is 0 where there is no fraud, 1 or 2 where there is",
        ),
    ]
    for attribute in attributes:
        expected += _attribute_expectations(attribute, month, identities=identities, labelled=labelled)
    return expected


def _attribute_expectations(
    attribute: Attribute, month: str, *, identities: Identities, labelled: bool
) -> list[Expectation]:
    import great_expectations.expectations as gxe

    name = attribute.name
    expected: list[Expectation] = []
    if attribute.kind is not Kind.LABEL or labelled:
        expected.append(gxe.ExpectColumnValuesToNotBeNull(column=name, description=f"{name} is never missing"))
    match attribute.kind:
        case Kind.DATE if month:
            start, end = pd.Timestamp(month), pd.Timestamp(month) + pd.offsets.MonthEnd(0)
            expected.append(
                gxe.ExpectColumnValuesToBeBetween(
                    column=name, min_value=start, max_value=end, description=f"dates lie in {month}"
                )
            )
        case Kind.NUMBER:
            expected.append(
                gxe.ExpectColumnValuesToBeBetween(
                    column=name,
                    min_value=0,
                    max_value=attribute.maximum,
                    description=f"{name} lies between 0 and {attribute.maximum:g} {attribute.unit}",
                )
            )
        case Kind.IDENTITY if identities == "names":
            if not attribute.optional:
                expected.append(
                    gxe.ExpectColumnValuesToMatchRegex(column=name, regex=r"\S", description=f"{name} names somebody")
                )
        case Kind.IDENTITY if identities == "tokens":
            expected.append(_code_expectation(replace(attribute, pattern=TOKEN_PATTERN)))
        case Kind.KEY | Kind.CODE | Kind.IDENTITY:
            expected.append(_code_expectation(attribute))
        case _:
            pass
    return expected


def _code_expectation(attribute: Attribute) -> Expectation:
    import great_expectations.expectations as gxe

    if attribute.values is not None:
        known = sorted(attribute.values | ({""} if attribute.optional else set()))
        return gxe.ExpectColumnValuesToBeInSet(
            column=attribute.name, value_set=known, description=f"{attribute.name} is a code of its list"
        )
    empty = "|" if attribute.optional else ""
    return gxe.ExpectColumnValuesToMatchRegex(
        column=attribute.name,
        regex=f"^(?:{attribute.pattern}{empty})$",
        description=f"{attribute.name} has the form of its code",
    )


def _rows(expected: int, why: str) -> Expectation:
    import great_expectations.expectations as gxe

    return gxe.ExpectTableRowCountToEqual(value=expected, description=f"there are {expected} rows: {why}")


def _raw(examined: Examined) -> Iterator[Piece]:
    import great_expectations.expectations as gxe

    lake, month = examined.lake, examined.partition
    with lake.connect() as connection:
        raw = {"raw": lake.sql_path(examined.asset, month)}
        repeated = [row[0] for row in connection.execute(read_sql("repeated_declaration_ids.sql"), raw).fetchall()]
    expected = declaration_expectations(ATTRIBUTES, month, identities="names", labelled=False, repeated_ids=repeated)
    rows = 0
    for piece in lake.read_pieces(examined.asset, month, [a.name for a in ATTRIBUTES]):
        rows += piece.num_rows
        yield to_frame(piece), expected
    quarantine = lake.read_table("quarantine", month)
    rows_in = int((quarantine.schema.metadata or {})[b"rows_in"])
    kept = rows_in - quarantine.num_rows
    said = f"there are {kept} rows: {rows_in} rows in, {quarantine.num_rows} of them quarantined"
    yield (
        pd.DataFrame({"rows": [rows]}),
        [gxe.ExpectColumnSumToBeBetween(column="rows", min_value=kept, max_value=kept, description=said)],
    )


def _quarantine(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    frame = examined.frame()
    return frame, [
        gxe.ExpectColumnValuesToNotBeNull(column=name, description=f"every row set aside has its {name}")
        for name in ("reason", "detail", "file", "row")
    ]


def _quarantined_share(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    quarantine = examined.lake.read_table("quarantine", examined.partition)
    rows_in = int((quarantine.schema.metadata or {})[b"rows_in"])
    reasons = quarantine.column("reason").to_pandas().value_counts()
    shares = pd.DataFrame({"reason": reasons.index.astype(str), "share": reasons.to_numpy() / max(rows_in, 1)})
    return shares, [
        gxe.ExpectColumnSumToBeBetween(
            column="share",
            max_value=QUARANTINE_SHARE,
            description=f"at most {QUARANTINE_SHARE:.0%} of the month's {rows_in} rows are quarantined",
        )
    ]


def _labelled(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.simulation.tariff import lawful_tuples

    raw = examined.lake.read_table("raw_declarations", examined.partition, ["fraud"])
    inspected = raw.num_rows - raw.column("fraud").null_count
    frame = examined.frame()
    expected = [
        *declaration_expectations(ATTRIBUTES, examined.partition, identities="names", labelled=True),
        _rows(inspected, f"{inspected} of {raw.num_rows} declarations were inspected"),
    ]
    if not is_simulated(examined.settings.source):
        return frame, expected
    # Of the simulated administration alone the law is known; elsewhere the source's own tuples are all there is.
    expected.append(
        gxe.ExpectColumnValuesToBeInSet(
            column="tariff_tuple", value_set=["lawful"], description="the tariff schedule allows every tariff tuple"
        )
    )
    lawful = lawful_tuples(pa.Table.from_pandas(frame[list(TARIFF_TUPLE)], preserve_index=False))
    return frame.assign(tariff_tuple=np.where(lawful, "lawful", "unlawful")), expected


def _unit_prices(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    codes = sorted(set(examined.frame("labelled_declarations")["hs10_code"]))
    frame = examined.frame()
    rested = frame.loc[frame["category"] != ""]
    return frame.assign(
        rests_on=frame["importers"].where(frame.index.isin(rested.index), examined.settings.min_group)
    ), [
        gxe.ExpectColumnValuesToBeInSet(
            column="hs10_code", value_set=codes, description="only product codes of the month have a price"
        ),
        _rows(len(codes), "every product code of the month has a price"),
        gxe.ExpectColumnValuesToBeUnique(column="hs10_code", description="a product code has one price"),
        gxe.ExpectColumnValuesToBeBetween(
            column="unit_price", min_value=0, strict_min=True, max_value=1e13, description="prices are positive"
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="rests_on",
            min_value=examined.settings.min_group,
            description=f"a price rests on at least {examined.settings.min_group} importers, or on all goods",
        ),
    ]


def _anonymized(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    frame, labelled = examined.frame(), examined.frame("labelled_declarations")
    columns = examined.settings.business_numbers
    numbers = read_business_numbers(examined.lake, examined.partition, columns) if columns else None
    who = parties(labelled, numbers)
    expected = [
        *declaration_expectations(ATTRIBUTES, examined.partition, identities="tokens", labelled=True),
        _rows(len(labelled), "those of labelled_declarations"),
    ]
    for role in IDENTITIES:
        said = {*labelled[role], *who[role]}
        if numbers is not None and role in numbers:
            said |= set(numbers[role].dropna())
        expected.append(
            gxe.ExpectColumnValuesToNotBeInSet(
                column=role, value_set=sorted(said - {""}), description=f"no {role} of the source is left"
            )
        )
        count = who[role].nunique()
        counted = {role: f"as many {role}s as the source has, spellings made alike: no two became one"}
        if len(frame) == len(labelled):
            # Told by their places, so that no name stands beside its token, not even here.
            places = pd.factorize(who[role])[0] * (len(frame) + 1) + pd.factorize(frame[role])[0]
            pair = f"{role} before and after"
            frame[pair] = places
            counted[pair] = f"every {role} of the source became one token, wherever it stands"
        expected += [
            gxe.ExpectColumnUniqueValueCountToBeBetween(
                column=column, min_value=count, max_value=count, description=description
            )
            for column, description in counted.items()
        ]
    return frame, expected


def _model(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.generator.checkpoint import from_bytes

    model = from_bytes(examined.lake.read_bytes(examined.lake.path(examined.asset, examined.partition, "safetensors")))
    return model.loss_values, [
        _rows(examined.settings.epochs, "one for each epoch that was asked for"),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=loss, min_value=-1e6, max_value=1e6, description=f"the {loss.replace('_', ' ')} stayed finite"
            )
            for loss in ("generator_loss", "discriminator_loss")
        ),
    ]


def _synthetic(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    frame, source = examined.frame(), examined.frame("anonymized_declarations")
    lawful = set(tuple_text(source.assign(hs6_code=source["hs10_code"].str[:6])))
    count = examined.settings.rows or len(source)
    expected = [
        *declaration_expectations(RELEASED, examined.partition, identities="tokens", labelled=True),
        _rows(count, "as many as were asked for"),
        gxe.ExpectColumnValuesToBeInSet(
            column="tariff_tuple", value_set=sorted(lawful), description="every tariff tuple is lawful"
        ),
        gxe.ExpectColumnValuesToNotBeInSet(
            column="row",
            value_set=sorted(set(row_text(source.assign(hs6_code=source["hs10_code"].str[:6])))),
            description="no row equals a source row in everything but its key and date",
        ),
    ]
    safe = examined.lake.read_frame("safe_groups")
    for column in FORM_CODES:
        codes = sorted(safe.loc[safe["kind"] == column, "code"])
        said = f"every {column} is one that at least {examined.settings.min_group} importers declared over all months"
        expected.append(gxe.ExpectColumnValuesToBeInSet(column=column, value_set=codes, description=said))
    enough = safe.loc[(safe["kind"] == "tuple") & (safe["importers"] >= examined.settings.min_group)]
    expected.append(
        gxe.ExpectColumnValuesToBeInSet(
            column="shown_tuple",
            value_set=sorted(tuple_text(enough)),
            description=f"every tariff tuple rests on at least {examined.settings.min_group} importers over all months",
        )
    )
    composed = examined.lake.read_frame("composed_identities")
    for role in IDENTITIES:
        expected.append(
            gxe.ExpectColumnValuesToBeInSet(
                column=role,
                value_set=sorted({*composed[role], ""}),
                description=f"every {role} is a composed identity",
            )
        )
    tuples = tuple_text(frame)
    return frame.assign(tariff_tuple=tuples, shown_tuple=tuples, row=row_text(frame)), expected


def _safe_groups(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.disclosure.safe_groups import KINDS

    return examined.frame(), [
        gxe.ExpectColumnValuesToBeBetween(
            column="importers",
            min_value=examined.settings.min_group,
            description=f"every group rests on at least {examined.settings.min_group} importers",
        ),
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(KINDS), description="every kind is known"),
    ]


def _composed(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.disclosure.identities import ROLES, over_share

    frame = examined.frame()
    months = examined.lake.partitions("anonymized_declarations")
    source = examined.lake.read_frames("anonymized_declarations", months).set_index("declaration_id")
    source = source.loc[frame["declaration_id"]]
    # Where a role has fewer than twice k identities, there is no dealing them so that none holds more than a k-th of another.
    judged = [role for role in ROLES if source[role.sources].nunique() >= 2 * examined.settings.min_group]
    over = [
        over_share(
            pd.factorize(frame.loc[named, role.name])[0],
            pd.factorize(source[role.sources].to_numpy()[named])[0],
            examined.settings.min_group,
        ).mean()
        for role in judged
        if (named := (frame[role.name] != "").to_numpy()).any()
    ]
    return frame.assign(over=max(over, default=0.0)), [
        gxe.ExpectColumnValuesToBeUnique(
            column="declaration_id", description="every declaration has its identities once"
        ),
        _rows(len(source), "one for each declaration of all months"),
        gxe.ExpectColumnValuesToBeBetween(
            column="over",
            max_value=OVER_SHARE,
            description=f"at most {OVER_SHARE:.0%} of declarations give a new identity more of one source identity than a "
            f"{examined.settings.min_group}th",
        ),
    ]


def _rehearsed(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.privacy.rehearsal import Rehearsal, told_reason

    lake, settings = examined.lake, examined.settings
    months = lake.partitions("anonymized_declarations")
    source = {month: lake.read_frame("anonymized_declarations", month) for month in months}
    frame = examined.frame()
    table = lake.read_table(examined.asset)
    rehearsal = Rehearsal.of(table, source, release_secret(settings.release_secret).load())
    if isinstance(rehearsal, str):
        # A table that says itself why it is empty is sound: nothing is measured on it, and so nothing released.
        sound = told_reason(table) == rehearsal and not table.num_rows
        return pd.DataFrame({"rehearsed": ["no, and why" if sound else "no"]}), [
            gxe.ExpectColumnValuesToBeInSet(
                column="rehearsed",
                value_set=["no, and why"],
                description=f"the rehearsal is one of this source: {rehearsal}",
            )
        ]
    training = rehearsal.training.assign(hs6_code=rehearsal.training["hs10_code"].str[:6])
    behind = training.groupby(list(RELEASED_TUPLE))["importer_id"].nunique()
    enough = behind.index[behind >= settings.min_group].to_frame(index=False)
    return frame.assign(shown_tuple=tuple_text(frame)), [
        *declaration_expectations(RELEASED, "", identities="tokens", labelled=True),
        _rows(len(training), "as many as the training half has"),
        gxe.ExpectColumnValuesToBeInSet(
            column="shown_tuple",
            value_set=sorted(tuple_text(enough)),
            description=f"every tariff tuple rests on at least {settings.min_group} importers of the training half",
        ),
    ]


def _propensity(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    content = examined.lake.read_json(examined.asset)
    return pd.DataFrame({"rate": content["rates"]}), [
        gxe.ExpectColumnValuesToBeBetween(
            column="rate", min_value=0, max_value=1, description="rates lie between 0 and 1"
        ),
        gxe.ExpectColumnValuesToBeIncreasing(column="rate", description="rates rise with the score"),
    ]


def _scores(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    scores = _score_frame(examined)
    return scores, [
        gxe.ExpectColumnDistinctValuesToEqualSet(
            column="metric", value_set=sorted(PAPER_SCORES), description="all eight metrics of Table 2 are there"
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="score", min_value=0, max_value=1, description="scores lie between 0 and 1"
        ),
    ]


def _score_frame(examined: Examined) -> pd.DataFrame:
    content = examined.lake.read_json(examined.asset, examined.partition)
    return pd.DataFrame({"metric": [m["metric"] for m in content], "score": [m["score"] for m in content]})


def _floors(floors: dict[str, float]) -> Callable[[Examined], tuple[pd.DataFrame, list[Expectation]]]:
    def examine(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
        import great_expectations.expectations as gxe

        scores = _score_frame(examined).set_index("metric")["score"]
        wide = pd.DataFrame([scores.to_dict()])
        return wide, [
            gxe.ExpectColumnValuesToBeBetween(
                column=metric, min_value=floor, description=f"{metric} is at least {floor:.4f}"
            )
            for metric, floor in floors.items()
        ]

    return examine


def _candidate(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.release.files import CHECKSUMS, read_release

    folder = examined.lake.path(examined.asset, suffix="")
    released = read_release(lambda name: examined.lake.read_bytes(f"{folder}/{name}"))
    lines = examined.lake.read_bytes(f"{folder}/{CHECKSUMS}").decode().splitlines()
    listed = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    actual = {name: hashlib.sha256(examined.lake.read_bytes(f"{folder}/{name}")).hexdigest() for name in listed}
    months = examined.lake.partitions("synthetic_declarations")
    synthetic = examined.lake.read_frames("synthetic_declarations", months)
    expected = [
        *declaration_expectations(RELEASED, "", identities="published", labelled=True),
        _rows(len(synthetic), f"those of {len(months)} synthetic months"),
        gxe.ExpectColumnValuesToBeInSet(
            column="checksums", value_set=["match"], description="every file of the release matches its checksum"
        ),
    ]
    for role in IDENTITIES:
        expected.append(
            gxe.ExpectColumnValuesToNotBeInSet(
                column=role,
                value_set=sorted(set(synthetic[role]) - {""}),
                description=f"no {role} of the anonymized tables is released",
            )
        )
    return released.assign(checksums="match" if listed == actual else "differ"), expected


def _release(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    released, candidate = (examined.lake.read_folder(asset) for asset in (examined.asset, CANDIDATE))
    files = sorted({*released, *candidate})
    same = ["yes" if released.get(name) == candidate.get(name) else "no" for name in files]
    return pd.DataFrame({"file": files, "same": same}), [
        gxe.ExpectColumnValuesToBeInSet(
            column="same", value_set=["yes"], description="every file is the candidate's, and none is missing"
        )
    ]


def _benchmark(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    from customs_assets.benchmark.precision import INSPECTION_RATES

    return examined.frame(), [
        gxe.ExpectColumnDistinctValuesToEqualSet(
            column="inspection_rate", value_set=list(INSPECTION_RATES), description="both inspection rates are there"
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=0, max_value=1, description=f"{column} lies between 0 and 1"
            )
            for column in ("precision_mean", "precision_std")
        ),
    ]


def _signal(examined: Examined) -> tuple[pd.DataFrame, list[Expectation]]:
    import great_expectations.expectations as gxe

    source = "anonymized_declarations" if "source" in examined.partition.split("|") else "synthetic_declarations"
    months = examined.lake.partitions(source)
    fraud = np.concatenate([examined.lake.read_table(source, month).column("fraud").to_numpy() for month in months])
    base_rate = float(fraud.mean())
    return examined.frame(), [
        gxe.ExpectColumnValuesToBeBetween(
            column="precision_mean",
            min_value=base_rate,
            description=f"a detector finds more fraud than drawing at random would ({base_rate:.3f})",
        )
    ]


def tuple_text(declarations: pd.DataFrame) -> pd.Series:
    """The released tariff tuple of each row as one text."""
    return _joined(declarations, RELEASED_TUPLE)


def row_text(declarations: pd.DataFrame) -> pd.Series:
    """Everything of each released row but its key and date as one text."""
    return _joined(declarations, [a.name for a in RELEASED if a.kind not in (Kind.KEY, Kind.DATE)])


def _joined(declarations: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    texts = [declarations[column].astype(str) for column in columns]
    return texts[0].str.cat(pd.concat(texts[1:], axis=1), sep=" ")


_FIX_SOURCE = "Mend the rows named at the source, or the source's address, and materialize the month again."
_FIX_CODE = "This is a fault of the pipeline, not of the data: please report it with the run's log."
_LOOK = "Compare the month's figures with its neighbours before publishing."

SUITES: tuple[Suite, ...] = (
    Suite(
        "raw_declarations",
        "form_and_reconciliation",
        "error",
        "Keys unique, codes in their lists, dates in the month, labels consistent; rows in = kept + quarantined.",
        _FIX_SOURCE,
        _raw,
        hidden=IDENTITIES,
    ),
    Suite(
        "quarantine",
        "reasons",
        "error",
        "Every row set aside says why and where it stood.",
        _FIX_CODE,
        _quarantine,
        key="row",
    ),
    Suite(
        "quarantine",
        "share",
        "warning",
        f"At most {QUARANTINE_SHARE:.0%} of a month is set aside.",
        "Look at the reasons in the quarantine table; the source may have changed its form.",
        _quarantined_share,
        key="reason",
    ),
    Suite(
        "labelled_declarations",
        "inspected_rows",
        "error",
        "Exactly the inspected rows, both labels on each.",
        _FIX_CODE,
        _labelled,
        hidden=IDENTITIES,
    ),
    Suite(
        "unit_prices",
        "prices",
        "error",
        "Every product code has one positive price that rests on enough importers.",
        _FIX_CODE,
        _unit_prices,
        key="hs10_code",
    ),
    Suite(
        "anonymized_declarations",
        "nobody_named",
        "error",
        "The labelled rows, with tokens for names and business numbers: no raw identity is left.",
        _FIX_CODE,
        _anonymized,
        hidden=IDENTITIES,
    ),
    Suite(
        "ctgan_model",
        "training",
        "error",
        "The model loads, was trained as long as asked, and its losses stayed finite.",
        "Lower the learning rate or look at the month's model table; then materialize the model again.",
        _model,
        key="epoch",
    ),
    Suite(
        "safe_groups",
        "k_importers",
        "error",
        "Nothing stands in the table that fewer than k importers declared.",
        _FIX_CODE,
        _safe_groups,
        key="kind",
    ),
    Suite(
        "composed_identities",
        "composed",
        "error",
        "Every declaration has new identities, and none takes more than a k-th of its rows from one of the source's.",
        _FIX_CODE,
        _composed,
    ),
    Suite(
        "fraud_propensity",
        "rates",
        "error",
        "Rates between 0 and 1 that rise with the score.",
        _FIX_CODE,
        _propensity,
        key="rate",
    ),
    Suite(
        "rehearsed_declarations",
        "k_importers_of_the_training_half",
        "error",
        "The form and the labels hold in every row; every tariff tuple rests on k importers of the training half.",
        _FIX_CODE,
        _rehearsed,
    ),
    Suite(
        "synthetic_declarations",
        "lawful_and_consistent",
        "error",
        "The form, the law, the k rule and the labels hold in every row; no row copies a source row.",
        _FIX_CODE,
        _synthetic,
    ),
    Suite("quality_report", "scores", "error", "Eight scores between 0 and 1.", _FIX_CODE, _scores, key="metric"),
    Suite(
        "quality_report",
        "floors",
        "warning",
        "Monthly scores stand above their floors.",
        _LOOK,
        _floors(MONTHLY_FLOORS),
    ),
    Suite("release_quality", "scores", "error", "Eight scores between 0 and 1.", _FIX_CODE, _scores, key="metric"),
    Suite("release_quality", "floors", "warning", "No score of Table 2 is under the paper's.", _LOOK, _floors(FLOORS)),
    Suite(
        CANDIDATE,
        "files_and_tokens",
        "error",
        "Files match their checksums, IDs are unique over all months, identities are re-drawn.",
        _FIX_CODE,
        _candidate,
    ),
    Suite(
        RELEASE,
        "as_judged",
        "error",
        "Every file is the candidate's, byte for byte: what was judged is what is released.",
        _FIX_CODE,
        _release,
        key="file",
    ),
    Suite(
        "fraud_benchmark",
        "precision",
        "error",
        "Precision at both inspection rates, between 0 and 1.",
        _FIX_CODE,
        _benchmark,
        key="inspection_rate",
    ),
    Suite(
        "fraud_benchmark",
        "signal",
        "warning",
        "A detector does better than chance.",
        "Look at the month's labels: with no signal the data set is no benchmark.",
        _signal,
        key="inspection_rate",
    ),
)
