"""Staleness: which partitions are missing or out of date, for command line, automation and Dagster's UI alike.

The lake's records are the truth. They hold the version, the settings and the checksums of the inputs that each
partition was built with, and outlive any Dagster home. What Dagster cannot see by itself, ``dagster_view.py`` tells it.

Being out of date is not handed down. A partition whose input may come out otherwise is looked at again when the input
was built. Where it came out the same, nothing downstream is built again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from customs_assets.graph import SOURCE_KEY, Graph, Node, setting_values
from customs_assets.lake import Lake, Record
from customs_assets.lake.frozen import SYNTHETIC, Frozen
from customs_assets.lake.io_manager import RAW, months_at_hand
from customs_assets.settings import Settings
from customs_assets.source.address import source_of

# What is read from the source.
READ = (RAW, "quarantine")

# What a month is drafted by. Of a published month nothing is drafted any more.
_LEARNED = ("ctgan_model",)


@dataclass(frozen=True)
class Finding:
    """Why a partition has to be built.

    Attributes:
        reason: a phrase, such as "was built with another epochs".
        is_missing: whether there is none.
        is_judgement: whether the partition itself is up to date, but did not pass its checks.
    """

    reason: str
    is_missing: bool = False
    is_judgement: bool = False


class Staleness:
    """Compares a lake with what the settings and the source ask for now.

    Args:
        graph: the asset graph.
        lake: the lake.
        settings: the settings.
        keys: the assets that are looked at; None for all that count in the graph.

    Raises:
        SourceError: the settings name no source that can be read.
    """

    def __init__(self, graph: Graph, lake: Lake, settings: Settings, keys: Collection[str] | None = None) -> None:
        self.graph, self.lake, self.settings, self.keys = graph, lake, settings, keys
        self.source = source_of(settings)
        self.origin = self.source.origin
        self._reads_again = True
        # Asked twice for a month, a source would hash its rows twice.
        self._fingerprints: dict[str, str] = {}
        self.look_again()

    def look_again(self) -> None:
        """Forget what was read of the lake."""
        self.lake = self.lake.looked_at()
        self.frozen = Frozen.of(self.settings, self.lake)
        self._last = cache(self.lake.last_record)
        self._at_hand = cache(lambda parents: tuple(months_at_hand(self.lake, parents, self.origin)))

    def fingerprint(self, month: str) -> str:
        """The source's fingerprint of a month, asked for once."""
        if month not in self._fingerprints:
            self._fingerprints[month] = self.source.fingerprint(month)
        return self._fingerprints[month]

    def ask_again(self, month: str) -> None:
        """Forget the source's fingerprint of a month: the month was read since."""
        self._fingerprints.pop(month, None)

    def months(self) -> list[str]:
        """The months in the lake that were read from the present source."""
        return months_at_hand(self.lake, (RAW,), self.origin)

    def of_other_sources(self) -> dict[str, str]:
        """The source of each month in the lake that was read from another one: such months are left out of wholes."""
        found = {month: self._last(RAW, month) for month in self.lake.partitions_recorded(RAW)}
        return {m: r.origin for m, r in found.items() if r is not None and r.origin != self.origin}

    def out_of_date(self, months: Sequence[str]) -> dict[Node, Finding]:
        """What has to be built of some months and of what is built over all months, each with its reason."""
        found = {}
        # What changed in a published month counts from the next month on; until there is one, it is not read.
        self._reads_again = any(month not in self.frozen for month in {*months, *self._at_hand((RAW,))})
        for key in self.graph.assets:
            if self.keys is not None and key not in self.keys:
                continue
            for partition in self.graph.partitions(key, months):
                if finding := self._look(key, partition):
                    found[key, partition] = finding
        return found

    def changed_since_published(self, months: Sequence[str]) -> list[str]:
        """The published months whose source is another than it was when they were published."""
        amended = self.frozen.amended(self.lake, months)
        for month in months:
            record = self._last(RAW, month) if month in self.frozen and month not in amended else None
            if record is not None and record.inputs.get(f"{SOURCE_KEY}|{month}") != self.fingerprint(month):
                amended.append(month)
        return sorted(amended)

    def inputs(self, key: str, partition: str) -> list[Node]:
        """The partitions that one partition would be built from now."""
        months: Sequence[str] = ()
        asset = self.graph[key]
        looks_around = asset.cut != "month" or asset.months_before
        if looks_around and (parents := self.graph.monthly_parents(key, partition)):
            months = self._at_hand(tuple(parents))
        return self.graph.inputs(key, partition, months)

    def _look(self, key: str, partition: str) -> Finding | None:
        record = self._last(key, partition)
        if record is None:
            return Finding("is missing", is_missing=True)
        if not self.lake.is_there(record):
            return Finding("was deleted or damaged", is_missing=True)
        if partition in self.frozen and key in (SYNTHETIC, *_LEARNED):
            return self._other_than_published(record)
        waits = partition in self.frozen and key in READ and not self._reads_again
        elsewhere = "" if waits else self._other_source(record)
        reason = self._other_code(record) or elsewhere or self._other_inputs(record)
        return Finding(reason) if reason else self._not_passed(record)

    def _other_than_published(self, record: Record) -> Finding | None:
        """A published month is up to date where it has the published bytes, whatever it would be made from now."""
        if record.asset == SYNTHETIC and record.sha256 != self.frozen.months[record.partition].rows:
            return Finding("is not the month as it was published")
        return self._not_passed(record)

    def _other_code(self, record: Record) -> str:
        asset = self.graph[record.asset]
        if record.code_version != asset.version:
            return f"was built by version {record.code_version}, not {asset.version}"
        changed = _changed(record.settings, setting_values(asset.settings, self.settings))
        return f"was built with another {', '.join(changed)}" if changed else ""

    def _other_source(self, record: Record) -> str:
        if self.graph[record.asset].cut == "month" and record.origin != self.origin:
            return f"comes from another source ({record.origin or 'unknown'})"
        if record.asset in READ and record.inputs.get(f"{SOURCE_KEY}|{record.partition}") != self.fingerprint(
            record.partition
        ):
            return "was read before the source changed"
        return ""

    def _other_inputs(self, record: Record) -> str:
        """Which inputs are no longer those of a record. A missing one counts as it was: it may come out the same."""
        before = {name: sha for name, sha in record.inputs.items() if not name.startswith(SOURCE_KEY)}
        found = [self._last(*node) for node in self.inputs(record.asset, record.partition)]
        now = {f"{other.asset}|{other.partition}": other.sha256 for other in found if other is not None}
        gone = [name for name in before.keys() - now.keys() if self._last(*name.split("|", 1)) is not None]
        changed = sorted([*gone, *(name for name, checksum in now.items() if before.get(name) != checksum)])
        if not changed:
            return ""
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        return f"was built from another {', '.join(name.replace('|', ' ').strip() for name in changed[:3])}{more}"

    def _not_passed(self, record: Record) -> Finding | None:
        if failed := self.lake.failed(record):
            return Finding(f"did not pass {', '.join(failed)}", is_judgement=True)
        new = set(self.graph[record.asset].checks) - set(record.checks)
        if unjudged := [*self.lake.unjudged(record), *sorted(new)]:
            return Finding(f"was not judged by {', '.join(unjudged)}", is_judgement=True)
        return None


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The settings that are others now. A secret that is gone was destroyed: what was made with it stays valid."""
    secrets = ("identity_key", "release_secret")
    return [
        name
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name) and not (name in secrets and now.get(name) == "")
    ]


def ready(
    staleness: Staleness,
    pending: Collection[Node],
    unfinished: Collection[Node],
    months: Sequence[str],
    job_of: Mapping[str, str],
) -> dict[tuple[str, str], list[str]]:
    """What can be built now: the assets of each run, by job and partition, in the graph's order.

    A partition waits while something that it is built from, however far up, is pending or unfinished. Assets of one job
    and partition are built in one run, one after the other.

    Args:
        staleness: the lake as it is.
        pending: what has to be built and is not under way.
        unfinished: what is under way, or has failed.
        months: the months that are asked for.
        job_of: the job of each asset.
    """
    graph, pending, waiting = staleness.graph, set(pending), set(unfinished)
    runs: dict[tuple[str, str], list[str]] = {}
    for key in graph.assets:
        for partition in graph.partitions(key, months):
            run = job_of[key], partition
            in_this_run = {(asset, partition) for asset in runs.get(run, [])}
            inputs = {*staleness.inputs(key, partition), *graph.inputs(key, partition, months)}
            if inputs & waiting or (inputs & pending) - in_this_run:
                waiting.add((key, partition))
            elif (key, partition) in pending:
                # Of what one step builds together, all is built.
                assets = runs.setdefault(run, [])
                assets += [asset for asset in graph[key].built_with if asset not in assets]
            elif inputs & in_this_run:
                # The input may come out the same. Then nothing has to be done here.
                waiting.add((key, partition))
    return runs
