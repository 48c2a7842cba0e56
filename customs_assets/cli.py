"""The command line: ``customs inspect``, ``run``, ``deep-attacks``, ``deep-detectors``, ``league``, ``weeks``, ``status``,
``ui``, ``verify``, ``recover``, ``test-alerts``, ``destroy-identity-key``, ``destroy-release-secret``; ``cli_release.py`` adds
``sign-off``, ``withdraw``, ``publish``, ``report``, ``sample``; ``cli_benchmark.py`` adds ``benchmark``.

What belongs here reads arguments and shows progress and results. What is done stands in ``automation``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from customs_assets.cli_benchmark import add_commands as add_benchmark
from customs_assets.cli_inspect import inspect
from customs_assets.cli_release import add_commands, say_signed, verify_published
from customs_assets.graph import RELEASE, Graph, Node
from customs_assets.lake import Lake, LakeError
from customs_assets.months import month_range, why_left_out
from customs_assets.privacy.gate import WITHHELD, is_released, reasons_not_released
from customs_assets.published import PublishedError
from customs_assets.release.files import CARD
from customs_assets.release.succession import sentence_of_changes
from customs_assets.secret_files import SecretFile, SecretFileError, identity_key, release_secret
from customs_assets.settings import Settings
from customs_assets.source.address import SourceError, source_of
from customs_assets.terminal import LakeOption, complain, console, or_exit, say, settings_of

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

    from customs_assets.automation.cluster import RayWorkers
    from customs_assets.automation.launched import LaunchedRuns
    from customs_assets.automation.running import Outcome, Run
    from customs_assets.automation.staleness import Staleness
    from customs_assets.automation.workers import Workers

# What `customs deep-attacks` makes, and the page that shows it where it was made.
_DEEP, _LEAGUE, _NETWORKS = "deep_attacks", "synthesizer_league", "deep_detectors"
_WEEKS = "inspection_weeks"
_PAGE = "evidence_report"

_EPOCH = re.compile(r"epoch (\d+)/(\d+)")

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

MonthsOption = Annotated[
    str | None,
    typer.Option(help="2020-01:2021-03, 2020-01, or a comma-separated list; all months of the source if left out"),
]
SourceOption = Annotated[
    str | None, typer.Option(help="CUSTOMS_SOURCE: simulated, a path, folder or glob, postgresql://")
]


def _months(text: str | None, settings: Settings) -> list[str]:
    """The months asked for, or all that the source has and that are closed; the others are named."""
    try:
        source = source_of(settings)
        found = month_range(text) if text else source.months()
    except (ValueError, SourceError) as error:
        complain(str(error))
        raise typer.Exit(2) from None
    left_out = {month: why for month in found if (why := why_left_out(month, date.today()))}
    for why in left_out.values():
        say(f"left out: {why}")
    if len(left_out) == len(found):
        complain(f"there is no month to make: {source.description} has {', '.join(found)} alone")
        raise typer.Exit(2)
    return [month for month in found if month not in left_out]


@app.command()
def run(
    months: MonthsOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="runs at once; the machine's cores, or the cluster's, if left out")
    ] = None,
    source: SourceOption = None,
    lake: LakeOption = None,
    seed: Annotated[int | None, typer.Option(help="CUSTOMS_SEED: seed of the benchmark's detectors")] = None,
    epochs: Annotated[int | None, typer.Option(help="CUSTOMS_EPOCHS: CTGAN epochs for each month")] = None,
    min_group: Annotated[int | None, typer.Option(help="CUSTOMS_MIN_GROUP: k, importers behind a shown value")] = None,
    rows: Annotated[int | None, typer.Option(help="CUSTOMS_ROWS: synthetic rows for each month")] = None,
    price: Annotated[str | None, typer.Option(help="CUSTOMS_PRICE: residual, or unit_price as in the paper")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="build everything again; published months stay as they were published")
    ] = False,
    redraw: Annotated[
        str | None,
        typer.Option(help="CUSTOMS_REDRAW: reason to draw published months anew; it stands on card and page"),
    ] = None,
) -> None:
    """Build everything that is missing or out of date, months side by side, and show Tables 2 and 3.

    The last line says where the release is ("released: …"), or why there is none ("withheld: …"). The exit status is 0 only
    if everything was built, no blocking check failed, and the gate let the release through.
    """
    settings = settings_of(
        source=source,
        lake=lake,
        seed=seed,
        epochs=epochs,
        min_group=min_group,
        rows=rows,
        price=price,
        redraw=redraw,
    )
    if redraw is not None and not settings.redraw:
        complain("--redraw needs a reason")
        raise typer.Exit(2)
    wanted = _months(months, settings)
    storage = Lake(settings.lake)
    if swept := storage.sweep():
        console.print(f"swept {swept} unfinished files of runs that were killed")
    for secret in (identity_key(settings.identity_key), release_secret(settings.release_secret)):
        or_exit(SecretFileError, secret.create_first, settings.lake)
    outcomes, unbuilt = _build(storage, settings, wanted, workers, force)
    complete = _report(storage)
    unmade = _failed_before_release(outcomes)
    if len(left_out := [outcome.left_out for outcome in outcomes.values() if outcome.left_out]) == len(wanted):
        unmade += left_out
    released = _conclude(storage, unmade)
    built = not unbuilt and not any(outcome.problems for outcome in outcomes.values())
    raise typer.Exit(0 if built and complete and released else 1)


@app.command("deep-attacks")
def deep_attacks(
    workers: Annotated[int | None, typer.Option(min=1, help="shadows at once; the machine's cores if left out")] = None,
    lake: LakeOption = None,
    force: Annotated[bool, typer.Option("--force", help="make all shadows again")] = False,
) -> None:
    """Attack the most exposed importers with shadow models; publishing asks for it. Takes up to 20 minutes on two cores.

    A second call makes only the shadows that are missing or out of date. The exit status is 0 only if the attacks were made and
    nothing of them speaks against publishing.
    """
    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    staleness = or_exit(SourceError, _staleness, storage, settings)
    months, graph = staleness.months(), staleness.graph
    on_demand = [key for key in graph.on_demand if key in {_DEEP, *graph.ancestors(_DEEP)}]
    behind = {parent for key in on_demand for parent in staleness.graph.ancestors(key)}
    _require_built(staleness, months, behind)
    built = _build_beside_the_page(storage, settings, months, workers, force, on_demand)
    raise typer.Exit(0 if _say_deep(storage, settings) and built else 1)


@app.command("deep-detectors")
def deep_detectors(
    detectors: Annotated[str | None, typer.Option(help="a comma-separated list; all networks if left out")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="cells at once; the machine's cores if left out")] = None,
    lake: LakeOption = None,
    force: Annotated[bool, typer.Option("--force", help="measure everything again")] = False,
) -> None:
    """Measure DATE and its kin on the source and on the synthetic months, beside Table 3. It changes no release.

    A second call measures only what is missing or out of date. Months have to be built by `customs run` first. The page has a
    section on them afterwards.
    """
    from customs_assets.benchmark.detectors import DEEP_REGISTER

    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    names = _chosen(detectors, list(DEEP_REGISTER), "network")
    staleness = or_exit(SourceError, _staleness, storage, settings)
    months, graph = staleness.months(), staleness.graph
    _require_built(staleness, months, graph.ancestors(_NETWORKS))
    cells = [cell for cell in graph[_NETWORKS].cells if set(cell.split("|")) & set(names)]
    narrowed = graph.narrowed(_NETWORKS, cells)
    built = _build_beside_the_page(storage, settings, months, workers, force, [_NETWORKS], narrowed)
    _say_networks(storage)
    raise typer.Exit(0 if built else 1)


def _say_networks(lake: Lake) -> None:
    """Print what the networks found, and how many pairs of all detectors keep their order."""
    import pandas as pd

    from customs_assets.benchmark.deep_cells import cells_as_table, standing_cells
    from customs_assets.benchmark.ranking import rankings

    cells = standing_cells(lake)
    if cells.empty:
        complain("nothing was measured")
        return
    _show(cells_as_table(cells))
    others = [lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")]
    for of in rankings(pd.concat([*others, cells], ignore_index=True)):
        say(
            f"inspecting {of.inspection_rate:.0%}: {of.significant} of {of.pairs} pairs of {of.detectors} detectors differ on "
            f"the source, {of.same_order} of them are in the same order on the release"
        )


@app.command()
def league(
    months: MonthsOption = None,
    synthesizers: Annotated[
        str | None, typer.Option(help="a comma-separated list, as in CUSTOMS_SYNTHESIZER; all if left out")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="entries at once; the machine's cores if left out")] = None,
    lake: LakeOption = None,
    force: Annotated[bool, typer.Option("--force", help="measure everything again")] = False,
) -> None:
    """Compare synthesizers on months of the lake, as drafts and as finished rows, on one page. It changes no release.

    A second call measures only what is missing or out of date. Months have to be built by `customs run` first.
    """
    from customs_assets.generator.synthesizer import SYNTHESIZERS

    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    names = _chosen(synthesizers, list(SYNTHESIZERS), "synthesizer")
    staleness = or_exit(SourceError, _staleness, storage, settings)
    wanted = _months(months, settings) if months else staleness.months()
    _require_built(staleness, wanted, staleness.graph.ancestors(_LEAGUE))
    narrowed = staleness.graph.narrowed(_LEAGUE, names)
    outcomes, unbuilt = _build(storage, settings, wanted, workers, force, [_LEAGUE], narrowed)
    _write_league(storage, settings, narrowed.partitions(_LEAGUE, wanted))
    raise typer.Exit(0 if not unbuilt and not any(outcome.problems for outcome in outcomes.values()) else 1)


def _require_built(staleness: Staleness, months: Sequence[str], behind: Collection[str]) -> None:
    """End the command where months, or assets that something rests on, are missing or out of date."""
    stale = {key for key, _ in staleness.out_of_date(months)} & set(behind) if months else set()
    if not months or stale:
        complain(
            f"out of date or not built: {', '.join(sorted(stale)) if months else 'all months'}; run `customs run` first"
        )
        raise typer.Exit(1)


def _build_beside_the_page(
    lake: Lake,
    settings: Settings,
    months: list[str],
    at_once: int | None,
    force: bool,
    keys: list[str],
    graph: Graph | None = None,
) -> bool:
    """Build what the page tells of where it is there, and make the page again; whether all was built.

    The page is not built from it, so that a page without it is up to date, too.
    """
    outcomes, unbuilt = _build(lake, settings, months, at_once, force, keys, graph)
    built = not unbuilt and not any(outcome.problems for outcome in outcomes.values())
    if outcomes and built and lake.last_record(_PAGE) is not None:
        _build(lake, settings, months, 1, True, [_PAGE])
    return built


def _chosen(text: str | None, names: Sequence[str], what: str) -> list[str]:
    """The names in a comma-separated list, in the order of all names; all where none is named."""
    asked = {name.strip() for name in (text or "").split(",") if name.strip()} or set(names)
    if strange := sorted(asked - set(names)):
        complain(f"{', '.join(strange)}: no such {what}; there are {', '.join(names)}")
        raise typer.Exit(2)
    return [name for name in names if name in asked]


def _write_league(lake: Lake, settings: Settings, partitions: Sequence[str]) -> None:
    """Write the page of those entries that are there, and say where it is."""
    from customs_assets.league.page import PAGE, page

    entries = [
        lake.read_json(_LEAGUE, partition) for partition in partitions if lake.record(_LEAGUE, partition) is not None
    ]
    if not entries:
        complain("nothing was measured, so there is no page")
        raise typer.Exit(1)
    path = lake.path(PAGE, suffix="html")
    lake.write_bytes(path, page(entries, settings.min_group))
    for entry in entries:
        if entry["reason"]:
            say(f"{entry['month']}: {entry['reason']}")
    say(f"league: {lake.shown(PAGE, suffix='html')}")


@app.command()
def weeks(
    strategies: Annotated[
        str | None, typer.Option(help="a comma-separated list, such as hybrid,exploitation; all if left out")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="cells at once; the machine's cores if left out")] = None,
    lake: LakeOption = None,
    force: Annotated[bool, typer.Option("--force", help="simulate everything again")] = False,
) -> None:
    """Inspect week by week under several strategies, on the source and on the release. It changes no release.

    A second call simulates only what is missing or out of date. The months have to be built by `customs run` first.
    """
    from customs_assets.weeks.strategies import STRATEGIES

    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    names = _chosen(strategies, list(STRATEGIES), "strategy")
    staleness = or_exit(SourceError, _staleness, storage, settings)
    months = staleness.months()
    _require_built(staleness, months, staleness.graph.ancestors(_WEEKS))
    cells = [cell for cell in staleness.graph[_WEEKS].cells if cell.partition("|")[2] in names]
    narrowed = staleness.graph.narrowed(_WEEKS, cells)
    built = _build_beside_the_page(storage, settings, months, workers, force, [_WEEKS], narrowed)
    _say_weeks(storage)
    raise typer.Exit(0 if built else 1)


def _say_weeks(lake: Lake) -> None:
    """Print what each strategy found, and whether the release orders them as the source does."""
    from customs_assets.claims import as_table
    from customs_assets.weeks.comparison import findings_table, in_order, weeks_claims
    from customs_assets.weeks.standing import standing_weeks

    documents = standing_weeks(lake)
    _show(findings_table(in_order(documents)))
    _show(as_table(weeks_claims(documents)))
    for document in documents:
        if document["reason"]:
            say(f"{document['strategy']} on {document['dataset']}: {document['reason']}")


def _say_deep(lake: Lake, settings: Settings) -> bool:
    """Print what the deep attacks found; whether they let a release be published."""
    from customs_assets.claims import as_table, from_json
    from customs_assets.privacy.shadows.standing import reasons_to_hold_back, standing_attacks

    found = standing_attacks(lake)
    if found is not None:
        _show(as_table(from_json(found["claims"])))
        say(found["trained_on"])
    reasons = reasons_to_hold_back(lake, settings.release_despite)
    say(
        f"nothing may be published: {'; '.join(reasons)}"
        if reasons
        else "the deep attacks let the release be published"
    )
    return not reasons


def _build(
    lake: Lake,
    settings: Settings,
    months: list[str],
    at_once: int | None,
    force: bool,
    keys: list[str] | None = None,
    graph: Graph | None = None,
) -> tuple[Mapping[Run, Outcome], list[Node]]:
    """Build what is out of date, with a progress bar; what became of each run, and what was not built.

    Args:
        lake: the lake.
        settings: the settings.
        months: the months.
        at_once: how many runs at once; as many as the cores of this machine, or of the cluster, where None.
        force: whether to build what is up to date, too.
        keys: the assets to build; None for all of a run.
        graph: the graph by which they are looked for; that of the code location where None.
    """
    from customs_assets.automation.instance import prepare_home

    home = prepare_home(at_once, settings.cluster is not None)
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError

    from customs_assets.automation.cluster import ClusterError
    from customs_assets.automation.dagster_view import tell_dagster
    from customs_assets.automation.recovery import report_lost_runs
    from customs_assets.automation.running import build
    from customs_assets.automation.signing_view import tell_of_signing
    from customs_assets.automation.workers import first_line

    with dg.DagsterInstance.get() as instance:
        bar = None
        try:
            # Closed before an error is told: a run that is marked as cancelled is no longer worked on.
            with closing(_workers(instance, settings, home)) as workers:
                at_once = at_once or workers.capacity
                if force or lake.last_record("evidence_report") is None:
                    # There is something to build, whatever is found: workers load the code location beside this process.
                    workers.warm(at_once)
                staleness = _staleness(lake, settings, keys, graph)
                graph = staleness.graph
                redo = (
                    [(key, of) for key in keys or graph.assets for of in graph.partitions(key, months)] if force else []
                )
                nodes = redo or staleness.out_of_date(months)
                if lost := report_lost_runs(instance, grace=0):
                    console.print(f"{len(lost)} runs were killed and are marked as failed", highlight=False)
                if not nodes:
                    console.print(f"nothing to do: {len(months)} months are up to date in {escape(settings.lake)}")
                    if keys is None:
                        tell_dagster(instance, _asset_graph(), staleness, months)
                        tell_of_signing(instance, lake, settings)
                    return {}, []
                _say_left_out(staleness)
                console.print(
                    f"{len(nodes)} partitions to build for {len(months)} months ({months[0]} to {months[-1]}), "
                    f"{at_once} runs at once",
                    highlight=False,
                )
                with _Bar(instance, len(nodes)) as bar:
                    outcomes, unbuilt = build(instance, staleness, months, at_once, bar, workers, redo)
                    built = {node for run, outcome in outcomes.items() if not outcome.problems for node in run.nodes}
                    if keys is None:
                        tell_dagster(instance, _asset_graph(), staleness, months, built)
                        tell_of_signing(instance, lake, settings)
        except KeyboardInterrupt:
            raise _gave_up(bar, "interrupted; run again to finish what is missing", "interrupted", 130) from None
        except (ClusterError, SourceError, SecretFileError, LakeError, PublishedError) as error:
            raise _gave_up(bar, str(error), str(error)) from None
        except (OSError, SQLAlchemyError) as error:
            failed = f"failed: {first_line(error)}"
            advice = f"Dagster's storage in {home} {failed}; make room or mend it, and run again"
            raise _gave_up(bar, advice, f"Dagster's storage {failed}", mark=False) from None
    _say_unbuilt(unbuilt)
    return outcomes, unbuilt


def _gave_up(bar: _Bar | None, sentence: str, reason: str, status: int = 1, mark: bool = True) -> typer.Exit:
    """Stop the bar, cancel the runs under way, and say why the command ends without a release."""
    if bar is not None:
        bar.cancel(mark)
    complain(sentence)
    _say_withheld([reason])
    return typer.Exit(status)


def _say_unbuilt(unbuilt: Sequence[Node]) -> None:
    for key in dict.fromkeys(key for key, _ in unbuilt):
        name = f"{key} {', '.join(partition for other, partition in unbuilt if other == key)}".strip()
        console.print(f"{name}: [red]not built, because something failed that it is built from[/]", highlight=False)


class _Bar:
    """The progress of runs on the terminal: a line for each that is under way, and one that stays for each that ended."""

    def __init__(self, instance: DagsterInstance, total: int) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._instance, self._bar = instance, Progress(*columns, console=console, transient=True)
        self._overall = self._bar.add_task("[bold]partitions", total=total)
        self._lines: dict[Run, TaskID] = {}
        self._cursors: dict[Run, str | None] = {}
        self._ended = 0

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def start(self, run: Run) -> None:
        """Show a run that was started."""
        self._lines[run] = self._bar.add_task(f"{run.title}: starting", total=len(run.assets))

    def tick(self) -> None:
        """Show how far each run is, by its events since the last look."""
        for run, line in self._lines.items():
            page = self._instance.get_records_for_run(run.run_id, cursor=self._cursors.get(run))
            self._cursors[run] = page.cursor
            for record in page.records:
                entry = record.event_log_entry
                if entry.dagster_event and entry.dagster_event.is_step_start:
                    self._bar.update(line, description=f"{run.title}: {(entry.step_key or '').replace('_', ' ')}")
                elif entry.dagster_event and entry.dagster_event.is_step_materialization:
                    self._bar.advance(line)
                    self._bar.advance(self._overall)
                elif epoch := _EPOCH.search(entry.user_message or ""):
                    self._bar.update(line, description=f"{run.title}: ctgan model, {epoch.group(0)}")

    def end(self, run: Run, outcome: Outcome) -> None:
        """Say what became of a run."""
        self.tick()
        line = self._lines.pop(run)
        elapsed = next(task.elapsed for task in self._bar.tasks if task.id == line) or 0.0
        self._bar.remove_task(line)
        self._ended += 1
        console.print(f"[{self._ended}] {run.title}: {_in_a_word(run, outcome)} in {elapsed:.0f} s", highlight=False)
        for warning in outcome.warnings:
            console.print(f"    [yellow]warning[/] {escape(warning)}", highlight=False)
        if outcome.left_out:
            console.print(f"    [yellow]left out[/] {escape(outcome.left_out)}", highlight=False)
        for problem in outcome.problems:
            console.print(f"    [red]error[/] {escape(problem)}", highlight=False)

    def cancel(self, mark: bool = True) -> None:
        """Stop, and mark the runs under way as cancelled where the storage still takes it."""
        self._bar.stop()
        for run in self._lines if mark else ():
            found = self._instance.get_run_by_id(run.run_id)
            if found is not None and not found.is_finished:
                self._instance.report_run_canceled(found)


def _workers(instance: DagsterInstance, settings: Settings, home: Path) -> Workers | RayWorkers | LaunchedRuns:
    """Who executes runs: processes of this machine, the hosts of a Ray cluster, or whatever Dagster's own launcher starts."""
    if settings.cluster is None:
        from customs_assets.automation.workers import Workers

        return Workers(instance, home / "workers")
    from customs_assets.automation.cluster import RayWorkers
    from customs_assets.automation.launched import LAUNCHER, LaunchedRuns
    from customs_assets.definitions import graph

    return (
        LaunchedRuns(instance, graph, settings)
        if settings.cluster == LAUNCHER
        else RayWorkers(instance, graph, settings)
    )


def _staleness(lake: Lake, settings: Settings, keys: list[str] | None = None, among: Graph | None = None) -> Staleness:
    """What is out of date in a lake: of some assets, or of all of a run, by a graph or that of the code location.

    Raises:
        SourceError: the source cannot be asked.
    """
    from customs_assets.automation.staleness import Staleness
    from customs_assets.definitions import graph

    if keys is None:
        return Staleness(graph, lake, settings)
    return Staleness(among or graph.with_on_demand(), lake, settings, keys)


def _asset_graph() -> BaseAssetGraph:
    from customs_assets.definitions import defs

    return defs.resolve_asset_graph()


def _say_left_out(staleness: Staleness) -> None:
    """Name the months of the lake that are left out because they were read from another source."""
    if others := staleness.of_other_sources():
        sources = ", ".join(sorted(set(others.values())))
        console.print(
            f"[yellow]left out[/]: {', '.join(sorted(others))} were read from another source ({escape(sources)}), not "
            f"from {escape(staleness.origin)}; keep each source in a lake of its own",
            highlight=False,
        )


def _in_a_word(run: Run, outcome: Outcome) -> str:
    """Whether a run built everything, failed or, at the gate, was withheld; coloured."""
    if outcome.left_out:
        return "[yellow]left out[/]"
    if not outcome.problems:
        return "[green]built[/]"
    withheld = RELEASE in run.assets and any(WITHHELD in problem for problem in outcome.problems)
    return "[bold red]withheld[/]" if withheld else "[bold red]failed[/]"


def _failed_before_release(outcomes: Mapping[Run, Outcome]) -> list[str]:
    """The failed runs of those that the release is built from, or judged by, each with the first thing that went wrong."""
    if not outcomes:
        return []
    from customs_assets.definitions import graph

    behind = graph.ancestors(RELEASE)
    return [
        f"{run.title} failed ({outcome.problems[0]})"
        for run, outcome in outcomes.items()
        if outcome.problems and not behind.isdisjoint(run.assets)
    ]


def _conclude(lake: Lake, unmade: Sequence[str]) -> bool:
    """Say last where the release is, or why there is none; whether there is one.

    Args:
        lake: the lake.
        unmade: what was not made of that which the release is made, or judged, by; it need not say so itself.
    """
    path = lake.shown(RELEASE, suffix="")
    if is_released(lake):
        if not unmade:
            console.print(f"dataset card:  {path}/{CARD}", highlight=False, soft_wrap=True)
            console.print(f"released: {path}", highlight=False, soft_wrap=True)
            return True
        return _say_withheld([*unmade, "what was let through before stands as it was"])
    return _say_withheld(unmade or reasons_not_released(lake))


def _say_withheld(reasons: Sequence[str]) -> bool:
    """The last line of a run that released nothing; false."""
    said = " ".join(f"{WITHHELD}{'; '.join(reasons)}".split())
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    return False


def _report(lake: Lake) -> bool:
    """Print both tables and where everything is; whether both tables are there."""
    import pandas as pd

    from customs_assets.benchmark.table_three import table_three
    from customs_assets.fidelity.table_two import from_json, table_two

    cells = lake.partitions("fraud_benchmark")
    if lake.exists("release_quality", suffix="json"):
        console.rule("Table 2: how like the source")
        _show(table_two(from_json(lake.read_json("release_quality"))))
    if cells:
        console.rule("Table 3: fraud detection, ours and the paper's")
        _show(table_three(pd.concat([lake.read_frame("fraud_benchmark", cell) for cell in cells], ignore_index=True)))
    if lake.exists("evidence_report", suffix="html"):
        page = lake.shown("evidence_report", suffix="html")
        console.print(f"evidence:      {page}", highlight=False, soft_wrap=True)
    if lake.exists("release_quality", suffix="json"):
        quality = lake.shown("release_quality", suffix="json")
        console.print(f"quality:       {quality}", highlight=False, soft_wrap=True)
    return lake.exists("release_quality", suffix="json") and bool(cells)


def _show(markdown: str) -> None:
    """A table as the terminal can show it, as plain Markdown where the output is no terminal."""
    console.print(Markdown(markdown)) if console.is_terminal else print(markdown)


@app.command()
def status(months: MonthsOption = None, source: SourceOption = None, lake: LakeOption = None) -> None:
    """Say what is out of date, and why, and whether a release stands; build nothing. Dagster's UI says the same afterwards."""
    settings = settings_of(source=source, lake=lake)
    wanted = _months(months, settings)
    storage = Lake(settings.lake)
    staleness = or_exit(SourceError, _staleness, storage, settings)
    findings = staleness.out_of_date(wanted)
    _say_left_out(staleness)
    if not findings:
        console.print(f"up to date: {len(wanted)} months in {settings.lake}", highlight=False)
    for key in staleness.graph.assets:
        reasons: dict[str, list[str]] = {}
        for (other, partition), finding in findings.items():
            if other == key:
                reasons.setdefault(finding.reason, []).append(partition)
        for reason, partitions in reasons.items():
            name = f"{key} {', '.join(partitions)}".strip()
            console.print(f"{name}: {reason}", markup=False, highlight=False, soft_wrap=True)
    if changed := sentence_of_changes(staleness.changed_since_published(wanted)):
        console.print(changed, markup=False, highlight=False, soft_wrap=True)
    if findings:
        console.print("what is built from these is built again where they come out otherwise", highlight=False)
    _tell_dagster(staleness, wanted)
    behind = {key for key, _ in findings} & staleness.graph.ancestors(RELEASE)
    say_signed(storage, settings)
    _conclude(storage, [f"out of date or not built: {', '.join(sorted(behind))}"] if behind else [])


def _tell_dagster(staleness: Staleness, months: Sequence[str]) -> None:
    """Report to Dagster what it cannot see of the lake, where there is a Dagster home."""
    from customs_assets.automation.dagster_view import tell_dagster
    from customs_assets.automation.instance import home_at_hand
    from customs_assets.automation.signing_view import tell_of_signing

    if home_at_hand() is None:
        return
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        tell_dagster(instance, _asset_graph(), staleness, months)
        tell_of_signing(instance, staleness.lake, staleness.settings)


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="address to listen on; the default is this machine alone")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 3000,
) -> None:
    """Open Dagster's UI, daemon included, on the runs that `customs run` recorded."""
    from customs_assets.automation.instance import PROJECT

    # Before the webserver and the daemon start at once: both would make the tables of a new home.
    _recover(settings_of())
    dagster = shutil.which("dagster", path=str(Path(sys.executable).parent)) or "dagster"
    console.print(f"Dagster's UI: http://{host}:{port}", highlight=False)
    arguments = ["dev", "-w", str(PROJECT / "workspace.yaml"), "-h", host, "-p", str(port)]
    os.execv(dagster, [dagster, *arguments])


@app.command()
def verify(
    release: Annotated[Path | None, typer.Argument(help="a published folder; the lake if left out")] = None,
    signers: Annotated[
        Path | None, typer.Option(help="of a published folder: your own list of those whose signatures you trust")
    ] = None,
    lake: LakeOption = None,
) -> None:
    """Read every artifact and compare it with its record. `customs run` builds again what is damaged or gone.

    Of a published folder: compare every file with its checksum, and check the signatures. This needs no lake and no settings.
    """
    if release is not None:
        verify_published(release, signers)
        return
    if signers is not None:
        complain("--signers goes with a published folder; name the folder, too")
        raise typer.Exit(2)
    settings = settings_of(lake=lake)
    storage = Lake(settings.lake)
    damaged = storage.mark_damaged()
    for record in damaged:
        complain(f"{record.path} is not what was written; `customs run` builds it again")
    if damaged:
        try:
            staleness = _staleness(storage, settings)
        except SourceError as error:
            # The lake was read all the same. Dagster is told at the next `customs status`.
            complain(str(error))
        else:
            _tell_dagster(staleness, staleness.months())
        raise typer.Exit(1)
    console.print(f"every artifact in {storage.address} is what was written", highlight=False)


@app.command()
def recover(lake: LakeOption = None) -> None:
    """After a crash: mark runs whose process is gone as failed, and delete their half-written files."""
    from customs_assets.automation.instance import config_differences, prepare_home

    lost, swept = _recover(settings_of(lake=lake))
    console.print(f"{lost} runs marked as failed, {swept} unfinished files swept", highlight=False)
    for line in config_differences(prepare_home()):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


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

    listed = channels(settings_of().alerts.get_secret_value())
    if not listed:
        complain("CUSTOMS_ALERTS names no address")
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
        identity_key(settings_of().identity_key),
        yes,
        "Months anonymized later will not share tokens with those already made.",
        "tokens in the lake can no longer be computed from names",
    )


@app.command("destroy-release-secret")
def destroy_release_secret(yes: YesOption = False) -> None:
    """Destroy the secret behind the draws that protect, after which nobody can draw the release again."""
    _destroy(
        release_secret(settings_of().release_secret),
        yes,
        "What was made stays valid. What is made later is drawn anew, and all months with it but the published ones.",
        "what was drawn can no longer be drawn again",
    )


def _destroy(secret: SecretFile, yes: bool, before: str, after: str) -> None:
    if not yes:
        typer.confirm(f"Destroy {secret.path}? {before}", abort=True)
    try:
        secret.destroy()
    except SecretFileError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    console.print(f"{secret.path} is overwritten and deleted: {after}.", highlight=False)


app.command()(inspect)
add_commands(app)
add_benchmark(app)


def main() -> None:
    """Entry point of the ``customs`` command."""
    try:
        app()
    except (OSError, LakeError, PublishedError, SecretFileError, SourceError) as error:
        complain(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
