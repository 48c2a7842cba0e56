"""The commands that take a release out of the lake: ``customs sign-off``, ``withdraw``, ``publish``, ``report``, ``sample``; and
what checks it there.

What belongs here reads arguments and says what was done. What is done stands in ``release/signing.py``, ``release/publishing.py``
and ``release/conditions.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customs_assets.benchmark.split import span
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, LakeError
from customs_assets.lake.files import temporary_name
from customs_assets.months import month_range, months_of
from customs_assets.privacy.gate import WITHHELD, is_released, reasons_not_released, set_aside
from customs_assets.privacy.shadows.standing import why_not_standing
from customs_assets.published import PublishedError, register_of, source_name
from customs_assets.release.files import read_release, to_csv, to_parquet
from customs_assets.release.publishing import SIGNATURES, examine
from customs_assets.release.publishing import publish as publish_release
from customs_assets.release.registering import Registration
from customs_assets.release.signatures import NAMESPACE, AllowedSigners, SignatureError
from customs_assets.release.signed_records import SignedRecord, SigningError
from customs_assets.release.signing import EVIDENCE, PUBLIC_PAGE, SIGN_OFFS
from customs_assets.release.signing import sign_off as sign_off_release
from customs_assets.release.signing import withdraw as withdraw_acts
from customs_assets.release.standing import allowed_signers, standing
from customs_assets.settings import Settings
from customs_assets.source.address import SourceError
from customs_assets.terminal import LakeOption, complain, or_exit, say, settings_of

if TYPE_CHECKING:
    import pandas as pd

    from customs_assets.release.conditions import Condition

# A release of more rows than this many times those of its source is not drafted: it would have the same donors behind more rows.
_MOST_TIMES = 3

# What a privacy officer reads before signing.
_PAGE = "evidence_report"

NameOption = Annotated[str, typer.Option("--name", help="who signs, as in the list of allowed signers")]
KeyOption = Annotated[
    Path, typer.Option("--key", help="the signer's SSH key: the private key's file, or the public key's with ssh-agent")
]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", help=f"what the signature is for: {NAMESPACE}, or {NAMESPACE}@ and a domain")
]


def sign_off(
    name: NameOption,
    key: KeyOption,
    namespace: NamespaceOption = NAMESPACE,
    refuse: Annotated[
        str | None, typer.Option("--refuse", help="why the release must not be published; name no trader here")
    ] = None,
    lake: LakeOption = None,
) -> None:
    """Sign the release that stands, after you read the evidence; or refuse it, which keeps it from being published."""
    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    if refuse is not None and not refuse.strip():
        complain("--refuse needs a reason")
        raise typer.Exit(2)
    with _told_errors():
        allowed = allowed_signers(settings)
        out_of_date = [] if refuse else or_exit(SourceError, _out_of_date, storage, settings)
        record = sign_off_release(
            storage,
            settings,
            name,
            key,
            namespace=namespace,
            refuse=refuse or "",
            out_of_date=out_of_date,
            allowed=allowed,
        )
    say(f"{'refused' if refuse else 'signed'}: {storage.shown(RELEASE, suffix='')}, sha256 {record.checksum}")
    if not refuse and (reason := why_not_standing(storage)):
        say(f"this sign-off will not count once they are made: {reason}")
    _say_recorded(storage, record, allowed)
    _tell_dagster(storage, settings, f"{record.signer} {'refused' if refuse else 'signed'} on {record.signed_at}")


def withdraw(
    reason: Annotated[str, typer.Argument(help="why; name no trader here")],
    name: NameOption,
    key: KeyOption,
    namespace: NamespaceOption = NAMESPACE,
    lake: LakeOption = None,
) -> None:
    """Make void what you have signed or refused so far. The records stay."""
    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    with _told_errors():
        allowed = allowed_signers(settings)
        record = withdraw_acts(storage, name, key, reason, namespace=namespace, allowed=allowed)
    say(f"withdrawn: {len(record.withdraws)} records of {record.signer}")
    _say_recorded(storage, record, allowed)
    _tell_dagster(storage, settings, f"{record.signer} withdrew on {record.signed_at}: {record.reason}")


def publish(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="a folder that does not exist, or is empty")],
    lake: LakeOption = None,
) -> None:
    """Copy the release to a folder, with the signatures that count. Nothing is copied that is not released and signed."""
    settings = settings_of(lake=lake)
    with _told_errors():
        allowed = allowed_signers(settings)
        if allowed is None:
            raise SigningError("CUSTOMS_ALLOWED_SIGNERS names no list of those who may sign a release")
        storage = Lake(settings.lake)
        if set_aside(storage) != settings.release_despite:
            raise SigningError(
                "CUSTOMS_RELEASE_DESPITE is not what it was when the release was judged; set it so, or run `customs run` again"
            )
        found, registration = publish_release(storage, destination, allowed, settings)
    say(f"signed by {', '.join(record.by for record in found.counting)}")
    _say_registered(settings, registration)
    say(f"published: {destination}")
    _tell_dagster(storage, settings, f"Published to {destination}")


def report(
    destination: Annotated[Path, typer.Argument(metavar="FILE", help="the HTML file; one that is there is replaced")],
    language: Annotated[str | None, typer.Option(help="CUSTOMS_LANGUAGE: en, fr, es or ko")] = None,
    public: Annotated[bool, typer.Option("--public", help="the form that may be published with the release")] = False,
    lake: LakeOption = None,
) -> None:
    """Write the evidence page as the lake has it now: in another language, in its public form, or with those who signed."""
    from customs_assets.report.assembled import assembled
    from customs_assets.report.page import page

    settings = settings_of(lake=lake, language=language)
    storage = Lake(settings.lake)
    target = Path(os.path.abspath(destination))
    if public:
        _require_outside(target, settings)
    try:
        content = page(assembled(storage, settings), settings.language, public)
    except KeyError as missing:
        complain(
            f"the evidence in the lake was made by an earlier version (it has no {missing}); `customs run` makes it again"
        )
        raise typer.Exit(1) from None
    _write_whole(target, content)
    say(f"evidence: {target}")


def sample(
    release: Annotated[
        Path | None, typer.Argument(help="a published folder; the release that stands in the lake if left out")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="2020-05, 2020-05:2020-07 or a list; all months if left out")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="attribute=value, for numbers and dates also >= and <=; may be given again. Values of one attribute are "
            "alternatives, all else has to hold together. hs6_code=87 is a chapter",
        ),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="how many, drawn by CUSTOMS_SEED; all that meet if left out")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="a .csv or .parquet file; CSV on standard output if left out")
    ] = None,
    draft: Annotated[
        bool,
        typer.Option(
            "--draft",
            help="where fewer than --rows meet the conditions, first make a larger release, as `customs run --rows N` does. The "
            "gate judges it; it takes the place of the release that stands",
        ),
    ] = False,
    lake: LakeOption = None,
) -> None:
    """Take the rows of the release that meet conditions. None is made that the gate has not judged.

    The exit status is 1 where fewer rows meet the conditions than were asked for; those are written all the same.
    """
    from customs_assets.release.conditions import Condition, ConditionError, drawn, meeting

    settings = settings_of(lake=lake)
    conditions = or_exit(ConditionError, lambda: [Condition.read(text) for text in where or []])
    wanted = or_exit(ValueError, month_range, month) if month else []
    if out is not None and out.suffix not in (".csv", ".parquet"):
        complain(f"{out} is no .csv and no .parquet file")
        raise typer.Exit(2)
    if draft and (rows is None or release is not None):
        complain("--draft needs --rows, and a lake: nothing can be drafted from a published folder")
        raise typer.Exit(2)
    of_months = _of_months(_released_rows(settings, release), wanted)
    found = meeting(of_months, conditions)
    if draft and rows is not None and len(found) < rows:
        _make_larger(settings, of_months, len(found), rows)
        of_months = _of_months(_released_rows(settings, release), wanted)
        found = meeting(of_months, conditions)
    chosen = found if rows is None else drawn(found, rows, settings.seed)
    if out is None:
        sys.stdout.buffer.write(to_csv(chosen))
        sys.stdout.flush()
    else:
        target = Path(os.path.abspath(out))
        _require_outside(target, settings)
        _write_whole(target, to_csv(chosen) if out.suffix == ".csv" else to_parquet(chosen))
        say(f"{len(chosen):,} of {len(found):,} released rows: {target}")
    if not len(found) or len(chosen) < (rows or 0):
        complain(_too_few(conditions, len(found), rows, of_months, release is None))
        raise typer.Exit(1)


def _released_rows(settings: Settings, folder: Path | None) -> pd.DataFrame:
    """The rows of a published folder, or of the release that stands in the lake; exit where there is none, or it was altered."""
    if folder is None:
        storage = Lake(settings.lake)
        if not is_released(storage):
            complain(f"{WITHHELD}{'; '.join(reasons_not_released(storage))}")
            raise typer.Exit(1)
        return read_release(partial(storage.read_in_folder, RELEASE))
    if problems := examine(folder, None).problems:
        for problem in problems:
            complain(problem)
        raise typer.Exit(1)

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except FileNotFoundError as error:
            raise LakeError(str(error)) from None

    return read_release(read)


def _of_months(released: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """The rows of some months, or all where none is named; exit where the release does not have one."""
    month_of = months_of(released["date"])
    known = sorted(month_of.unique())
    if missing := [month for month in wanted if month not in known]:
        complain(f"the release has no {', '.join(missing)}; it has {span(known)}")
        raise typer.Exit(2)
    return released.loc[month_of.isin(wanted or known)].reset_index(drop=True)


def _too_few(
    conditions: Sequence[Condition], found: int, rows: int | None, of_months: pd.DataFrame, in_lake: bool
) -> str:
    """How many rows there are, that no more are made, and what makes a release that has more."""
    from customs_assets.release.conditions import in_words, rows_a_month

    count = months_of(of_months["date"]).nunique()
    asked = f", {rows:,} were asked for" if rows else ""
    that = f" have {in_words(conditions)}" if conditions else ""
    months = span(sorted(months_of(of_months["date"]).unique()))
    said = f"{found:,} of the {len(of_months):,} released rows of {months}{that}{asked}. "
    said += "No more are made for a sample, since what the gate has not judged is not handed out."
    if in_lake and rows and found < rows <= _MOST_TIMES * found:
        a_month = rows_a_month(rows, found, len(of_months) / count)
        said += (
            f" A larger release has more: `customs run --rows {a_month}` drafts {a_month:,} rows for each month that is not "
            "published, and the gate judges them like any others; with --draft this command does so first."
        )
    return said


def _make_larger(settings: Settings, of_months: pd.DataFrame, found: int, rows: int) -> None:
    """Have `customs run` make a larger release of the lake; exit where it may not be so large, or is withheld.

    Args:
        settings: the settings.
        of_months: the released rows of the months that the sample is of.
        found: how many of them meet the conditions.
        rows: how many are asked for.
    """
    from customs_assets.release.conditions import rows_a_month

    storage = Lake(settings.lake)
    months = sorted(months_of(of_months["date"]).unique())
    if not found:
        complain("no released row meets the conditions, so nothing says how large a release would have any")
        raise typer.Exit(1)
    with _told_errors():
        published = register_of(settings).of_source(source_name(settings))
    if all(month in published for month in months):
        complain(
            f"{span(months)} were published; published months keep their rows, and no larger release has more of them"
        )
        raise typer.Exit(1)
    a_month = rows_a_month(rows, found, len(of_months) / len(months))
    of_source = max(len(storage.read_table("anonymized_declarations", month)) for month in months)
    if a_month > _MOST_TIMES * of_source:
        complain(
            f"a release with {rows:,} such rows would have about {a_month:,} a month, more than {_MOST_TIMES} times what was "
            f"declared ({of_source:,}): the same declarations would stand behind too many rows. Ask for fewer, or of more months"
        )
        raise typer.Exit(1)
    print(
        f"{found:,} released rows meet the conditions; a release of {a_month:,} rows a month is drafted and judged. It takes the "
        "place of the one that stands; `customs run` without --rows makes that again, with the same rows",
        file=sys.stderr,
    )
    command = [sys.executable, "-m", "customs_assets.command", "run", "--rows", str(a_month)]
    # Standard output is for the sample alone.
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        complain("there is no larger release, so there is no sample of it; `customs run` makes the one before again")
        raise typer.Exit(1)


def _require_outside(target: Path, settings: Settings) -> None:
    """Exit where a file that may leave the house would be written into the lake."""
    if "://" not in settings.lake and target.resolve().is_relative_to(Path(settings.lake).resolve()):
        complain(f"{target} lies in the lake, which is confidential; name a file outside it")
        raise typer.Exit(1)


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that is there is replaced."""
    temporary = target.with_name(temporary_name(target.name))
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def verify_published(folder: Path, signers: Path | None) -> None:
    """Check the files and signatures of a published folder, without lake and settings; exit with 1 if anything is wrong."""
    with _told_errors():
        found = examine(folder, None if signers is None else AllowedSigners.read(signers))
    for problem in found.problems:
        complain(problem)
    if found.problems:
        raise typer.Exit(1)
    say(f"whole: the {found.files} files of {folder} are those that were signed")
    for signature in found.signatures:
        say(f"signed by {signature.signer} on {signature.signed_at}, key {signature.key}")
    if signers is None:
        say(
            f"who signed is not shown: the list of signers came with the folder ({SIGNATURES}/), and whoever changes the folder "
            "can change the list. To see who signed, get the list from the publisher by another way: customs verify "
            f"{folder} --signers FILE"
        )


def say_signed(lake: Lake, settings: Settings) -> None:
    """One line that says by how many the release that stands is signed; nothing where none stands."""
    found = standing(lake, settings)
    if found.word != "no release":
        say(f"signed: {found.sentence}")


def _tell_dagster(lake: Lake, settings: Settings, done: str) -> None:
    """Report to Dagster what an officer did, where there is a Dagster home."""
    from customs_assets.automation.signing_view import tell_dagster_at_hand

    if problem := tell_dagster_at_hand(lake, settings, done):
        complain(problem)


def _say_registered(settings: Settings, registration: Registration) -> None:
    """What the register of published months has more."""
    if registration.redraw is not None:
        say(
            f"drawn anew: {len(registration.months)} months, for the reason: {registration.redraw.reason}; attacks have to "
            "count all draws together"
        )
    new = span([entry.month for entry in registration.months])
    say(
        f"registered: {new} in {settings.published}; {registration.kept} months were published before, with the same bytes"
    )


def _say_recorded(lake: Lake, record: SignedRecord, allowed: AllowedSigners | None) -> None:
    say(f"recorded: {lake.shown(SIGN_OFFS, record.file, 'json')}")
    if allowed is None:
        say("CUSTOMS_ALLOWED_SIGNERS names no list, so nobody has looked whose key this is; publishing needs the list")


def _out_of_date(lake: Lake, settings: Settings) -> list[str]:
    """What is out of date of that which the release, or the evidence that was made of it, is built from."""
    from customs_assets.automation.staleness import Staleness
    from customs_assets.definitions import graph

    staleness = Staleness(graph, lake, settings)
    behind = {RELEASE, *graph.ancestors(RELEASE)}
    made = [key for key in (EVIDENCE, _PAGE, PUBLIC_PAGE) if lake.last_record(key) is not None]
    behind_evidence = {*made, *(parent for key in made for parent in graph.ancestors(key))}
    return [
        f"{' '.join(node).strip()} {finding.reason}"
        for node, finding in staleness.out_of_date(staleness.months()).items()
        # A page that says that the release is of little use is a page all the same.
        if node[0] in behind or (node[0] in behind_evidence and not finding.is_judgement)
    ]


@contextmanager
def _told_errors() -> Iterator[None]:
    """End the command with a sentence and status 1 where something speaks against it."""
    try:
        yield
    except (SigningError, SignatureError, PublishedError) as error:
        complain(str(error))
        raise typer.Exit(1) from None


def add_commands(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.command("sign-off")(sign_off)
    app.command()(withdraw)
    app.command()(publish)
    app.command()(report)
    app.command()(sample)
