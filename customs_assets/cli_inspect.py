"""The command ``customs inspect``: what a source is and would give, told without making anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customs_assets.forms import FormError, form_in_force, open_form
from customs_assets.source.address import open_source
from customs_assets.source.files import FileSource
from customs_assets.source.reading import Source, SourceError
from customs_assets.terminal import complain, say, settings_of

if TYPE_CHECKING:
    from customs_assets.source.inspecting import Account, Recognition

_SHOWN_MONTHS = 36
_SHOWN_FILES = 10


def inspect(
    source: Annotated[str | None, typer.Argument(help="CUSTOMS_SOURCE if left out")] = None,
    form: Annotated[
        str | None, typer.Option(help="read by this form: a name or a path; CUSTOMS_FORM if left out")
    ] = None,
    write_form: Annotated[Path | None, typer.Option(help="write the form that is proposed to this file")] = None,
) -> None:
    """Read a source and say what it is: columns, months, rows set aside and why, what looks wrong. Nothing is made."""
    settings = settings_of()
    try:
        chosen = open_form(form) if form else form_in_force()
        opened = open_source(source or settings.source, settings.postgresql_table, settings.postgresql_columns, chosen)
        if isinstance(opened, FileSource):
            opened = _recognised(opened, write_form, insists=form is not None)
        elif write_form is not None:
            complain("a form is written from files; a database names its columns in CUSTOMS_POSTGRESQL_COLUMNS")
            raise typer.Exit(2)
        if opened is None:
            raise typer.Exit(1)
        makes = _say_account(opened, settings.min_group)
    except (FormError, SourceError) as error:
        complain(str(error))
        raise typer.Exit(2) from None
    raise typer.Exit(0 if makes else 1)


def _recognised(source: FileSource, write_form: Path | None, insists: bool) -> Source | None:
    """The source by the form that reads it, after what was recognised was told; None where no form does."""
    from customs_assets.source.inspecting import recognise

    found = recognise(source, write_form.stem.lower() if write_form else "mine")
    for look in found.looks[:_SHOWN_FILES]:
        say(look.sentence())
    if len(found.looks) > _SHOWN_FILES:
        say(f"and {len(found.looks) - _SHOWN_FILES} more files")
    if insists:
        say(f"form: {source.form.name}, as asked for")
        return source
    _say_recognition(found)
    if write_form is not None:
        _write(write_form, found.proposal.text)
    return FileSource(source.address, source.today, found.form) if found.form else None


def _say_recognition(found: Recognition) -> None:
    from customs_assets.source.inspecting import taken_for

    name = found.form.name if found.form else "none"
    say(f"form: {name} ({found.chosen})")
    if found.form is not None and "proposed" not in found.chosen:
        first = found.looks[0]
        taken = [(header, taken_for(found.form, first, header)) for header in first.headers]
        for header, attribute in taken:
            if attribute:
                say(f"  {header.strip()} -> {attribute}")
        unused = [header.strip() for header, attribute in taken if not attribute]
    else:
        for guess in found.proposal.guesses:
            say(f"  {guess.header.strip()} -> {guess.attribute}: {guess.why}")
        unused = [header.strip() for header in found.proposal.unused]
        for attribute in found.proposal.missing:
            say(f"  (no column) -> {attribute}: needed; name its column in the form")
        for doubt in found.proposal.doubts:
            say(f"not taken: {doubt}")
        for note in found.proposal.notes:
            say(f"to decide: {note}")
    if unused:
        say(f"not used: {', '.join(unused)}")


def _write(path: Path, text: str) -> None:
    """Write the proposed form; a file that is there stays."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        complain(f"{path} is there already; name another file, or delete it")
        raise typer.Exit(2) from None
    except OSError as error:
        complain(f"{path} cannot be written: {error.strerror or error}")
        raise typer.Exit(2) from None
    say(f"form written: {path} (use it with CUSTOMS_FORM={path})")


def _say_account(source: Source, min_group: int) -> bool:
    """Say what each month would give; whether one of them can be made."""
    from customs_assets.source.inspecting import account

    found = account(source, min_group)
    for month in found.months[:_SHOWN_MONTHS]:
        can = "cannot be made" if month.why_not else "can be made"
        aside = month.rows_in - month.kept
        say(
            f"{month.month}: {month.rows_in:,} rows, {month.kept:,} kept, {aside:,} set aside, "
            f"{month.inspected:,} inspected; {can}" + (f": {month.why_not}" if month.why_not else "")
        )
        for reason, count in month.reasons.most_common():
            say(f"  {count:,} {reason}")
            for example in month.examples[reason]:
                say(f"    {example}")
    if len(found.months) > _SHOWN_MONTHS:
        say(f"and {len(found.months) - _SHOWN_MONTHS} more months")
    _say_lists(found)
    return any(not month.why_not for month in found.months)


def _say_lists(found: Account) -> None:
    for sentence in found.mends.sentences():
        say(f"mended: {sentence}")
    for sentence in found.looks_wrong:
        say(f"looks wrong: {sentence}")
