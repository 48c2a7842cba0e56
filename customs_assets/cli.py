"""The command line: ``customs run``, ``status``, ``ui``, ``verify``, ``recover``, ``test-alerts``,
``destroy-identity-key``, ``destroy-release-secret``.

What belongs here reads arguments and shows progress and results; what is done stands in ``automation`` and ``provenance``.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import RELEASE, ancestors
from customs_assets.lake import Lake
from customs_assets.masking import mask_credentials
from customs_assets.months import month_range
from customs_assets.privacy.standing import WITHHELD, is_released, judged
from customs_assets.provenance import Node, out_of_date
from customs_assets.release.files import CARD
from customs_assets.secret_files import SecretFile, SecretFileError, identity_key, release_secret
from customs_assets.settings import Settings, available_cores
from customs_assets.source.address import SourceError, source_of

if TYPE_CHECKING:
    from customs_assets.automation.missing import Outcome, Task

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
console = Console()

MonthsOption = Annotated[
    str | None,
    typer.Option(help="2020-01:2021-03, 2020-01, or a comma-separated list; all months of the source if left out"),
]
SourceOption = Annotated[
    str | None, typer.Option(help="CUSTOMS_SOURCE: simulated, a path, folder or glob, postgresql://")
]
LakeOption = Annotated[str | None, typer.Option(help="CUSTOMS_LAKE: folder or fsspec address of the lake")]


def _settings(**flags: object) -> Settings:
    """The settings, flags before environment, and the environment set by them for the processes that follow."""
    for name, value in flags.items():
        if value is not None:
            os.environ[f"CUSTOMS_{name.upper()}"] = str(value)
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            _complain(f"CUSTOMS_{name}: {problem['msg']} (it is {mask_credentials(repr(problem.get('input')))})")
        raise typer.Exit(2) from None


def _complain(message: str) -> None:
    Console(stderr=True).print(f"[bold red]error[/]: {message}", highlight=False, soft_wrap=True)


def _months(text: str | None, settings: Settings) -> list[str]:
    """The months asked for, or all that the source has."""
    try:
        source = source_of(settings)
        return month_range(text) if text else source.months()
    except (ValueError, SourceError) as error:
        _complain(str(error))
        raise typer.Exit(2) from None


@app.command()
def run(
    months: MonthsOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="runs at once; the machine's cores if left out")] = None,
    source: SourceOption = None,
    lake: LakeOption = None,
    seed: Annotated[
        int | None, typer.Option(help="CUSTOMS_SEED: seed of the simulated administration and of the detectors")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="CUSTOMS_EPOCHS: CTGAN epochs for each month")] = None,
    min_group: Annotated[int | None, typer.Option(help="CUSTOMS_MIN_GROUP: k, importers behind a shown value")] = None,
    rows: Annotated[int | None, typer.Option(help="CUSTOMS_ROWS: synthetic rows for each month")] = None,
    price: Annotated[str | None, typer.Option(help="CUSTOMS_PRICE: residual, or unit_price as in the paper")] = None,
    force: Annotated[bool, typer.Option("--force", help="make everything again")] = False,
) -> None:
    """Make everything that is missing or out of date, months side by side, and show Tables 2 and 3.

    The last line says where the release is ("released: …"), or why there is none ("withheld: …"). The status is 0 only where
    everything was made, no error-level expectation failed, and the release was let through.
    """
    settings = _settings(
        source=source, lake=lake, seed=seed, epochs=epochs, min_group=min_group, rows=rows, price=price
    )
    wanted = _months(months, settings)
    at_once = workers or available_cores()
    storage = Lake(settings.lake)
    if swept := storage.sweep():
        console.print(f"swept {swept} unfinished files of runs that were killed")
    nodes = out_of_date(storage, settings, wanted, DETECTORS, force)
    if not nodes:
        console.print(f"nothing to do: {len(wanted)} months are up to date in {settings.lake}")
    outcomes = _make(nodes, wanted, at_once) if nodes else {}
    complete = _report(storage)
    released = _conclude(storage, _unmade(outcomes))
    made = all(outcome.success for outcome in outcomes.values())
    raise typer.Exit(0 if made and complete and released else 1)


def _make(nodes: list[Node], months: list[str], workers: int) -> Mapping[Task, Outcome]:
    """Run what is missing with a progress bar; what became of each task."""
    from customs_assets.automation.instance import prepare_home

    home = prepare_home(workers)
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError

    from customs_assets.automation.missing import Watch, first_line, plan, run_tasks
    from customs_assets.automation.recovery import report_lost_runs

    tasks = plan(nodes)
    console.print(
        f"{len(nodes)} artifacts to make for {len(months)} months ({months[0]} to {months[-1]}), "
        f"{len(tasks)} runs, {workers} at once",
        highlight=False,
    )
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    shown = {}
    with dg.DagsterInstance.get() as instance, bar:
        if lost := report_lost_runs(instance, grace=0):
            console.print(f"{len(lost)} runs were killed and are marked as failed", highlight=False)
        watch = Watch(instance)
        overall = bar.add_task("[bold]artifacts", total=len(nodes))

        def on_start(task: Task) -> None:
            shown[task] = bar.add_task(f"{task.title}: starting", total=len(task.assets))

        def on_tick() -> None:
            for task, line in shown.items():
                progress = watch.look(task)
                bar.update(line, completed=progress.made, description=f"{task.title}: {progress.doing}")
            finished = sum(len(task.assets) for task in outcomes_so_far)
            under_way = sum(bar.tasks[bar.task_ids.index(line)].completed for line in shown.values())
            bar.update(overall, completed=finished + under_way)

        outcomes_so_far: dict[Task, Outcome] = {}

        def on_end(task: Task, outcome: Outcome) -> None:
            outcomes_so_far[task] = outcome
            line = shown.pop(task)
            elapsed = bar.tasks[bar.task_ids.index(line)].elapsed or 0.0
            bar.remove_task(line)
            said = f"[{len(outcomes_so_far)}/{len(tasks)}] {task.title}: {_in_a_word(task, outcome)} in {elapsed:.0f} s"
            console.print(said, highlight=False)
            for warning in outcome.warnings:
                console.print(f"    [yellow]warning[/] {warning}", highlight=False)
            for problem in outcome.problems:
                console.print(f"    [red]error[/] {escape(problem)}", highlight=False)

        try:
            outcomes = run_tasks(tasks, workers, home / "workers", on_start, on_end, on_tick)
        except KeyboardInterrupt:
            bar.stop()
            _cancel(instance, list(shown))
            _complain("interrupted; run again to finish what is missing")
            _say_withheld(["interrupted"])
            raise typer.Exit(130) from None
        except (OSError, SQLAlchemyError) as error:
            bar.stop()
            _complain(f"Dagster's storage in {home} failed: {first_line(error)}; make room or mend it, and run again")
            _say_withheld([f"Dagster's storage failed: {first_line(error)}"])
            raise typer.Exit(1) from None
    _show_not_run({task: outcome for task, outcome in outcomes.items() if task not in outcomes_so_far})
    return outcomes


def _show_not_run(outcomes: Mapping[Task, Outcome]) -> None:
    for task, outcome in outcomes.items():
        console.print(f"{task.title}: [red]{outcome.problems[0]}[/]", highlight=False)


def _in_a_word(task: Task, outcome: Outcome) -> str:
    """Whether a task was made, failed or, the gate, withheld; coloured."""
    if outcome.success:
        return "[green]made[/]"
    withheld = RELEASE in task.assets and any(WITHHELD in problem for problem in outcome.problems)
    return "[bold red]withheld[/]" if withheld else "[bold red]failed[/]"


def _unmade(outcomes: Mapping[Task, Outcome]) -> list[str]:
    """The tasks that failed of those that a release is made, or judged, by; each with the first thing that went wrong."""
    from customs_assets.automation.missing import NOT_RUN

    behind = ancestors(RELEASE)
    return [
        f"{task.title} failed ({outcome.problems[0]})"
        for task, outcome in outcomes.items()
        if not outcome.success and outcome.problems != (NOT_RUN,) and not behind.isdisjoint(task.assets)
    ]


def _conclude(lake: Lake, unmade: Sequence[str]) -> bool:
    """Say last where the release is, or why there is none; whether there is one.

    Args:
        lake: the lake.
        unmade: what was not made of that which the release is made, or judged, by; it need not say so itself.
    """
    path = lake.path(RELEASE, suffix="")
    if is_released(lake):
        if not unmade:
            console.print(f"dataset card:  {path}/{CARD}", highlight=False, soft_wrap=True)
            console.print(f"released: {path}", highlight=False, soft_wrap=True)
            return True
        return _say_withheld([*unmade, "what was let through before stands as it was"])
    return _say_withheld(unmade or judged(lake) or ["it could be let through, but the gate was not passed; run again"])


def _say_withheld(reasons: Sequence[str]) -> bool:
    """The last line of a run that released nothing; false."""
    said = " ".join(f"{WITHHELD}{'; '.join(reasons)}".split())
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return False


def _cancel(instance: object, running: list) -> None:
    """Mark the runs that an interrupt cut off as cancelled."""
    import dagster as dg

    from customs_assets.automation.missing import TASK_TAG

    assert isinstance(instance, dg.DagsterInstance)
    for task in running:
        for found in instance.get_runs(dg.RunsFilter(tags={TASK_TAG: task.identifier})):
            if not found.is_finished:
                instance.report_run_canceled(found)


def _report(lake: Lake) -> bool:
    """Print both tables and where everything is; whether both tables are there."""
    import pandas as pd

    from customs_assets.benchmark.table_three import table_three
    from customs_assets.fidelity.fidelity import from_json, table_two

    cells = lake.partitions("fraud_benchmark")
    if lake.exists("release_quality", suffix="json"):
        console.rule("Table 2: how like the source")
        _show(table_two(from_json(lake.read_json("release_quality"))))
    if cells:
        console.rule("Table 3: fraud detection, ours and the paper's")
        _show(table_three(pd.concat([lake.read_frame("fraud_benchmark", cell) for cell in cells], ignore_index=True)))
    if lake.exists("evidence_report", suffix="html"):
        page = lake.path("evidence_report", suffix="html")
        console.print(f"evidence:      {page}", highlight=False, soft_wrap=True)
    if lake.exists("release_quality", suffix="json"):
        quality = lake.path("release_quality", suffix="json")
        console.print(f"quality:       {quality}", highlight=False, soft_wrap=True)
    return lake.exists("release_quality", suffix="json") and bool(cells)


def _show(markdown: str) -> None:
    """A table as the terminal can show it, as plain Markdown where the output is no terminal."""
    console.print(Markdown(markdown)) if console.is_terminal else print(markdown)


@app.command()
def status(months: MonthsOption = None, source: SourceOption = None, lake: LakeOption = None) -> None:
    """Say what `customs run` would make and whether a release stands, and make nothing."""
    settings = _settings(source=source, lake=lake)
    wanted = _months(months, settings)
    storage = Lake(settings.lake)
    nodes = out_of_date(storage, settings, wanted, DETECTORS)
    if not nodes:
        console.print(f"up to date: {len(wanted)} months in {settings.lake}", highlight=False)
    for key in dict.fromkeys(key for key, _ in nodes):
        partitions = [partition for other, partition in nodes if other == key]
        console.print(f"{key}: {', '.join(p or 'whole' for p in partitions)}", highlight=False, soft_wrap=True)
    behind = {key for key, _ in nodes} & ancestors(RELEASE)
    _conclude(storage, [f"out of date or not made: {', '.join(sorted(behind))}"] if behind else [])


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="address to listen on; the default is this machine alone")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 3000,
) -> None:
    """Open Dagster's UI, daemon included, on the runs that `customs run` recorded."""
    from customs_assets.automation.instance import PROJECT

    # Before the webserver and the daemon start at once: both would make the tables of a new home.
    _recover(_settings())
    dagster = shutil.which("dagster", path=str(Path(sys.executable).parent)) or "dagster"
    console.print(f"Dagster's UI: http://{host}:{port}", highlight=False)
    arguments = ["dev", "-w", str(PROJECT / "workspace.yaml"), "-h", host, "-p", str(port)]
    os.execv(dagster, [dagster, *arguments])


@app.command()
def verify(lake: LakeOption = None) -> None:
    """Read every artifact and compare it with its record; what is damaged counts as missing and `customs run` makes it again."""
    storage = Lake(_settings(lake=lake).lake)
    damaged = storage.damaged()
    for record in damaged:
        storage.forget(record)
        _complain(f"{record.path} is not what was written; `customs run` makes it again")
    if damaged:
        raise typer.Exit(1)
    console.print(f"every artifact in {storage.address} is what was written", highlight=False)


@app.command()
def recover(lake: LakeOption = None) -> None:
    """After a crash: mark runs whose process is gone as failed, and delete their half-written files."""
    lost, swept = _recover(_settings(lake=lake))
    console.print(f"{lost} runs marked as failed, {swept} unfinished files swept", highlight=False)


def _recover(settings: Settings) -> tuple[int, int]:
    """Put right what a crash left: how many runs were lost, how many files swept. A new home gets its tables here."""
    from customs_assets.automation.instance import prepare_home

    prepare_home()
    import dagster as dg

    from customs_assets.automation.recovery import report_lost_runs

    with dg.DagsterInstance.get() as instance:
        lost = report_lost_runs(instance, grace=0)
    return len(lost), Lake(settings.lake).sweep()


@app.command("test-alerts")
def test_alerts() -> None:
    """Send a test alert to every address in CUSTOMS_ALERTS and say which ones took it."""
    from customs_assets.automation.channels import channels

    listed = channels(_settings().alerts.get_secret_value())
    if not listed:
        _complain("CUSTOMS_ALERTS names no address")
        raise typer.Exit(2)
    problems = 0
    for channel in listed:
        problem = channel.send(
            "Test of customs alerts", "Alerts of failed runs and expectations will come here.", "info"
        )
        problems += bool(problem)
        console.print(f"{channel.name}: {problem or 'sent'}", highlight=False)
    raise typer.Exit(1 if problems else 0)


YesOption = Annotated[bool, typer.Option("--yes", help="do not ask")]


@app.command("destroy-identity-key")
def destroy_identity_key(yes: YesOption = False) -> None:
    """Destroy the key that makes identity tokens, after which no token can be traced to a name again."""
    _destroy(
        identity_key(_settings().identity_key),
        yes,
        "Months anonymized later will not share tokens with those already made.",
        "tokens in the lake can no longer be computed from names",
    )


@app.command("destroy-release-secret")
def destroy_release_secret(yes: YesOption = False) -> None:
    """Destroy the secret behind the draws that protect, after which nobody can draw the release again."""
    _destroy(
        release_secret(_settings().release_secret),
        yes,
        "What was made stays valid. What is made later is drawn anew, and all months with it.",
        "what was drawn can no longer be drawn again",
    )


def _destroy(secret: SecretFile, yes: bool, before: str, after: str) -> None:
    if not yes:
        typer.confirm(f"Destroy {secret.path}? {before}", abort=True)
    try:
        secret.destroy()
    except SecretFileError as error:
        _complain(str(error))
        raise typer.Exit(1) from None
    console.print(f"{secret.path} is overwritten and deleted: {after}.", highlight=False)


def main() -> None:
    """Entry point of the ``customs`` command."""
    app()


if __name__ == "__main__":
    main()
