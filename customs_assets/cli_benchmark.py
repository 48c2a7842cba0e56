"""The command ``customs benchmark``: a detector of one's own beside all others, on a release that somebody published.

What belongs here reads arguments and shows tables. It needs no lake, no secret and no network.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from customs_assets.settings import available_cores
from customs_assets.terminal import complain, console, or_exit, say, settings_of

_SIGNS = (
    "± is the deviation over the seeds; of a difference, the standard error over orders of the tokens and draws of importers. "
    "* says that a difference is two standard errors or more."
)


def benchmark(
    detector: Annotated[
        str, typer.Argument(metavar="FILE:CLASS", help="my_detector.py:MyDetector, a class in a file of yours")
    ],
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="the folder of a published release")],
    seeds: Annotated[int, typer.Option(min=1, help="runs of each detector that draws")] = 5,
    workers: Annotated[
        int | None, typer.Option(min=1, help="detectors at once; the machine's cores if left out")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="CUSTOMS_SEED: seed of the detectors")] = None,
    networks: Annotated[
        bool, typer.Option("--networks", help="beside DATE and its kin, too; takes minutes for each seed")
    ] = False,
) -> None:
    """Train and test a detector of your own on a published release, beside all detectors of Table 3.

    The file is run as a program of yours. A class needs `name`, `title`, `fit(self, features, fraud, seed)` and
    `score(self, features)`; docs/benchmark.md shows one.
    """
    import pandas as pd

    from customs_assets.benchmark.contest import Contest, contest_tables
    from customs_assets.benchmark.detectors import ALL, DETECTORS
    from customs_assets.benchmark.own_detector import DetectorError, load_detector
    from customs_assets.release.files import ReleaseError
    from customs_assets.release.reading import read_published

    settings = settings_of(seed=seed)
    own = or_exit(DetectorError, load_detector, detector)
    declarations, split = or_exit(ReleaseError, read_published, release)
    sizes = {part: len(split.rows(declarations, part)) for part in ("train", "test")}
    say(f"{split.note} {sizes['train']:,} declarations train, {sizes['test']:,} test.")
    contest = Contest(declarations, split, settings.seed, seeds)
    try:
        # One's own first: what is wrong with it is told before the others are trained.
        rows = [contest.measure(own)]
        _say_measured(own.title)
        for name, measured in contest.measure_registered(
            workers or available_cores(), tuple(ALL) if networks else DETECTORS
        ):
            rows.append(measured)
            _say_measured(name)
    except (DetectorError, ValueError) as error:
        complain(str(error))
        raise typer.Exit(1) from None
    tables = contest_tables(pd.concat(rows, ignore_index=True), own)
    for title, table in tables.items():
        console.rule(title)
        console.print(Markdown(table)) if console.is_terminal else print(table)
    say(_SIGNS)


def _say_measured(name: str) -> None:
    print(f"measured: {name}", file=sys.stderr, flush=True)


def add_commands(app: typer.Typer) -> None:
    """Give the command line this command."""
    app.command()(benchmark)
