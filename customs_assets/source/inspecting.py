"""What a source would give, month by month, without making anything: ``customs inspect``.

What belongs here reads a source by a form, counts what is kept and set aside, and says what looks wrong. How a file is written is
seen in ``looking``; a form for it is proposed in ``guessing``.
"""

# A type checker does not see the functions of pyarrow.compute, which are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import SHIPPED, Form, FormError, open_form
from customs_assets.forms.elements import Places, written
from customs_assets.forms.reading import parse_form
from customs_assets.months import next_month, previous_month
from customs_assets.source.causes import why_nothing_kept
from customs_assets.source.files import FileSource, month_of_name
from customs_assets.source.guessing import Proposal, propose
from customs_assets.source.headers import missing_attributes
from customs_assets.source.looking import Look, look_at
from customs_assets.source.mending import Mend, Mends, merged
from customs_assets.source.months_of_files import file_hash, row_hashes
from customs_assets.source.reading import Source, SourceError

EXAMPLES = 3

# What looks wrong: a month with less than half the rows of the others, prices a hundred times those of the others, one party on
# most rows of a source that is not tiny, rates of tax that are shares, one label on all that were inspected.
_FEW = 0.5
_MUCH_ASIDE = 0.2
_A_SHARE = 1.0
_MUCH_DEARER = 100.0
_MOST = 0.5
_ENOUGH_ROWS = 20
_LAST_DAY = 20

# Codes that are no part of the goods: each has to be that of enough importers by itself.
_GOODS = {"hs10_code", "country_of_departure", "country_of_origin", "tax_type"}
_ALONE = {a.name for a in CATALOGUE if a.kind is Kind.CODE} - _GOODS

# What to do about the rows of a reason.
_CORRECT = "correct the form, or ask whoever made the extract"
_REMEDIES = {
    "duplicate_declaration_id": "are they items of a declaration (item_number), or do offices number them anew (key_with)?",
    "unknown_code": "say which code each stands for (codes)",
    "unknown_label": "say which word means what (labels.clean, labels.fraud, not_inspected)",
    "malformed_code": "say what the codes look like (pattern)",
    "malformed_hs_code": "say how many digits a product code has (hs_digits)",
    "malformed_date": "say how dates are written (dates)",
    "text_in_number": "say how numbers are marked (decimal, thousands)",
}


@dataclass
class MonthAccount:
    """What a month of a source would give.

    Attributes:
        month: ``YYYY-MM``.
        rows_in: the rows that it has.
        kept: those that are kept.
        inspected: those of them that carry labels.
        frauds: those of them in which fraud was found.
        importers: how many importers the inspected rows have.
        reasons: how many rows are set aside for each reason.
        examples: sentences about the first rows of each reason.
        why_not: why the month cannot be made; empty where it can.
        price_per_kg: the median; NaN where there is none.
        last_day: the last day that a row bears; 0 where there is none.
        highest_rate: the highest rate of tax, in percent; 0 where there is none.
    """

    month: str
    rows_in: int = 0
    kept: int = 0
    inspected: int = 0
    frauds: int = 0
    importers: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    why_not: str = ""
    price_per_kg: float = float("nan")
    last_day: int = 0
    highest_rate: float = 0.0


@dataclass
class Account:
    """What a source would give.

    Attributes:
        months: each month.
        mends: what was mended.
        looks_wrong: sentences about what a person should look at.
    """

    months: list[MonthAccount]
    mends: Mends
    looks_wrong: list[str]


@dataclass
class Recognition:
    """How the files of a source are written, and by which form they are read.

    Attributes:
        looks: each file as it is seen.
        form: the form by which they can be read; None where none can.
        chosen: why this form.
        proposal: the form that would read the first file, where no form that ships does.
    """

    looks: list[Look]
    form: Form | None
    chosen: str
    proposal: Proposal


def recognise(source: FileSource, name: str = "mine") -> Recognition:
    """Look at the files of a source: by the form that it was opened with, another that ships, or a proposed one.

    Raises:
        SourceError: there is no file, or the first cannot be read.
    """
    looks = [look_at(path, path.name, source.form) for path in source.files()]
    first = looks[0]
    proposal = propose(first, name, looks[1:])
    if _reads(source.form, first):
        return Recognition(looks, source.form, f"every column of the form {source.form.name} is there", proposal)
    shipped = [open_form(form) for form in SHIPPED]
    if first.kind == "XML":
        # The elements of a declaration are many, so the form that takes most of them reads it best.
        shipped.sort(key=lambda form: -len(form.attributes))
    for form in shipped:
        if _reads(form, first):
            return Recognition(
                looks, form, f"every column of the form {form.name} is there (CUSTOMS_FORM={form.name})", proposal
            )
    try:
        form = parse_form(proposal.text, name)
    except FormError as error:
        return Recognition(looks, None, str(error), proposal)
    if missing := _missing(form, first):
        return Recognition(looks, None, f"no column was taken for {', '.join(missing)}", proposal)
    return Recognition(looks, form, "no form that ships reads it; the proposed one does", proposal)


def _reads(form: Form, look: Look) -> bool:
    """Whether a form has the marks and the columns of a file."""
    if look.kind == "CSV" and form.separator != look.separator:
        return False
    if look.kind in ("CSV", "Excel") and form.skip_lines != look.skip_lines:
        return False
    return not _missing(form, look)


def _missing(form: Form, look: Look) -> list[str]:
    """The attributes of a form that a file has no column or no element for."""
    if look.kind != "XML":
        return missing_attributes([form.spelled(header) for header in look.headers], form)
    found = [name for name, paths in form.elements.columns.items() if _stands(paths, look)]
    # An element that says nothing is left out.
    left_out = {a.name for a in form.attributes if a.optional or a.kind is Kind.LABEL}
    return [name for name in missing_attributes(found, form) if name not in left_out]


def taken_for(form: Form, look: Look, header: str) -> str:
    """What a form takes a column for (of XML, what stands at a path); empty where for nothing."""
    if look.kind != "XML":
        return form.spelled(header) if form.known(header) else ""
    return ", ".join(name for name, paths in form.elements.columns.items() if header in map(written, paths))


def _stands(paths: Sequence[Places], look: Look) -> bool:
    """Whether an XML file has something at one of some paths."""
    return any(written(places) in look.headers or places[0].plain in look.headers for places in paths)


@dataclass
class _Parties:
    """Who is on the rows: the rows of each importer; and importers of each code that stands by itself, ``min_group`` at most."""

    importers: Counter[str] = field(default_factory=Counter)
    of_codes: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, rows: pa.Table, inspected: pa.Table, min_group: int) -> None:
        """Count some rows, and those of them that were inspected."""
        self.importers.update(rows.column("importer_id").to_pylist())
        for name in sorted(_ALONE & set(inspected.column_names)):
            codes = self.of_codes.setdefault(name, {})
            pairs = inspected.select([name, "importer_id"]).group_by([name, "importer_id"]).aggregate([])
            for code, importer in zip(
                *(pairs.column(column).to_pylist() for column in pairs.column_names), strict=True
            ):
                known = codes.setdefault(code, set())
                if len(known) < min_group:
                    known.add(importer)


def account(source: Source, min_group: int, today: date | None = None) -> Account:
    """Read a source month by month, and keep nothing.

    Args:
        source: the source.
        min_group: ``k``: how many importers have to stand behind what is shown.
        today: the day of reading; the present day where it is None.

    Raises:
        SourceError: it cannot be read.
    """
    months, mends, parties = [], [], _Parties()
    for month in source.months():
        found, mended = _month(source, month, min_group, today or date.today(), parties)
        months.append(found)
        mends += mended
    wrong = [
        *_of_gaps(months),
        *_of_months(months),
        *_of_rows(months),
        *_of_parties(parties, min_group),
        *_of_mends(mends),
    ]
    if isinstance(source, FileSource):
        wrong += _same_rows(source)
    return Account(months, merged(mends), wrong)


def _month(
    source: Source, month: str, min_group: int, today: date, parties: _Parties
) -> tuple[MonthAccount, list[Mend]]:
    found = MonthAccount(month)
    inspected: set[str] = set()
    prices: list[np.ndarray] = []
    stream = source.stream_month(month)
    for piece in stream:
        labelled = piece.filter(piece.column("fraud").is_valid())
        parties.add(piece, labelled, min_group)
        found.frauds += pc.sum(labelled.column("fraud")).as_py() or 0
        if "tax_rate" in piece.column_names:
            found.highest_rate = max(found.highest_rate, pc.max(piece.column("tax_rate")).as_py() or 0.0)
        inspected |= set(labelled.column("importer_id").to_pylist())
        found.last_day = max(found.last_day, pc.max(pc.day(piece.column("date"))).as_py() or 0)
        mass, price = (piece.column(name).to_numpy() for name in ("net_mass", "item_price"))
        prices.append(price[mass > 0] / mass[mass > 0])
    found.rows_in, found.kept, found.inspected, found.importers = (
        *(stream.rows_in, stream.kept, stream.inspected),
        len(inspected),
    )
    priced = np.concatenate(prices) if prices else np.empty(0)
    if len(priced):
        found.price_per_kg = float(np.median(priced))
    for row in stream.quarantine.select(["reason", "file", "row", "detail"]).to_pylist():
        found.reasons[row["reason"]] += 1
        told = found.examples.setdefault(row["reason"], [])
        if len(told) < EXAMPLES:
            told.append(f"{row['file']}, row {row['row']}: {row['detail']}")
    found.why_not = _why_not(found, stream.quarantine, source.description, min_group, today)
    return found, list(stream.mends.counted.values())


def _why_not(found: MonthAccount, quarantine: pa.Table, origin: str, min_group: int, today: date) -> str:
    if found.month >= f"{today:%Y-%m}":
        return "the month has not closed yet"
    if not found.kept:
        return why_nothing_kept(origin, found.month, found.rows_in, quarantine)
    if not found.inspected:
        return "none of its declarations was inspected: there is nothing to learn from"
    if found.importers < min_group:
        return (
            f"its inspected declarations have {found.importers} importers; {min_group} are needed (CUSTOMS_MIN_GROUP)"
        )
    return ""


def _of_months(months: Sequence[MonthAccount]) -> Iterator[str]:
    """Months that are not like the others."""
    filled = [month for month in months if month.kept >= _ENOUGH_ROWS]
    for month in filled if len(filled) > 2 else ():
        others = [other for other in filled if other is not month]
        usual = median(other.kept for other in others)
        if month.kept < _FEW * usual:
            yield f"{month.month} has {month.kept:,} rows, and the other months {usual:,.0f}: is it whole?"
        price = median(other.price_per_kg for other in others)
        ratio = month.price_per_kg / price if price else 1.0
        if not 1 / _MUCH_DEARER < ratio < _MUCH_DEARER:
            yield (
                f"a kilogram of {month.month} costs {month.price_per_kg:.4g}, and of the other months {price:.4g}: are prices "
                "in thousands, or masses in tonnes?"
            )
    for month in filled:
        if month.last_day < _LAST_DAY:
            yield f"no row of {month.month} is dated after day {month.last_day}: is it whole?"


def _of_gaps(months: Sequence[MonthAccount]) -> Iterator[str]:
    """Months between others that no row has."""
    for before, after in pairwise(months):
        first, last = next_month(before.month), previous_month(after.month)
        if first <= last:
            which = first if first == last else f"{first} to {last}"
            yield f"there are no rows of {which}: is a file missing?"


def _of_rows(months: Sequence[MonthAccount]) -> Iterator[str]:
    """What is wrong with the rows of all months together."""
    rows_in, kept = sum(month.rows_in for month in months), sum(month.kept for month in months)
    reasons = sum((month.reasons for month in months), Counter[str]())
    if reasons and kept < (1 - _MUCH_ASIDE) * rows_in:
        reason, count = reasons.most_common(1)[0]
        share, what_to_do = 1 - kept / rows_in, _REMEDIES.get(reason, _CORRECT)
        yield f"{share:.0%} of the rows are set aside, {count:,} of them for {reason}: {what_to_do}"
    inspected, frauds = sum(month.inspected for month in months), sum(month.frauds for month in months)
    if inspected >= _ENOUGH_ROWS and frauds in (0, inspected):
        what = "fraud" if frauds else "clean"
        yield f"all {inspected:,} inspected declarations are {what}: is the label read right (labels.clean, labels.fraud)?"
    highest = max((month.highest_rate for month in months), default=0.0)
    if 0 < highest <= _A_SHARE:
        yield f"no rate of tax is above {highest:g}%: are they shares (columns.tax_rate: factor = 100)?"


def _of_parties(parties: _Parties, min_group: int) -> Iterator[str]:
    for name, codes in parties.of_codes.items():
        most = max(map(len, codes.values()), default=0)
        if 0 < most < min_group <= len(parties.importers):
            yield (
                f"no code of {name} is that of {min_group} inspected importers ({most} at most), so nothing can be made: take "
                "more months, or leave the column out of the form"
            )
    total = parties.importers.total()
    for party, rows in parties.importers.most_common(1):
        if total >= _ENOUGH_ROWS and rows > _MOST * total:
            yield f"one importer ({party[:40]!r}) is on {rows / total:.0%} of the rows: is it a word for nobody?"


def _of_mends(mends: Sequence[Mend]) -> Iterator[str]:
    for mend in merged(mends).counted.values():
        if "zeros" in mend.what:
            yield f"{mend.column}: codes lost their zeros in {mend.rows:,} rows ({mend.before!r} is {mend.after!r})"


def _same_rows(source: FileSource) -> Iterator[str]:
    """Files that hold the same rows of a month."""
    seen: dict[tuple[str, str], str] = {}
    for path in source.files():
        try:
            told = month_of_name(path.name)
            hashes = (
                {told: file_hash(path)}
                if told
                else row_hashes(path, path.name, source.today or date.today(), source.form)
            )
        except (SourceError, OSError):
            continue
        for month, content in hashes.items():
            first = seen.setdefault((str(month), content), path.name)
            if first != path.name:
                yield f"{first} and {path.name} have the same rows of {month}"
