"""The asset graph as the lake needs it: which partitions an asset is built from, and by which version and settings.

Everything here is read off the Dagster definitions, the only place where an asset is described. What belongs here
answers "what is this partition built from?". Whether it is out of date stands in ``automation/staleness.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import dagster as dg

from customs_assets.declaration import FORM
from customs_assets.forms.reading import DEFAULT
from customs_assets.months import months_earlier
from customs_assets.named_files import file_digest, shown
from customs_assets.published import redraw_number
from customs_assets.secret_files import identity_key, release_secret
from customs_assets.settings import Settings

# What raw declarations are read from. Dagster shows it; the pipeline does not build it.
SOURCE_KEY = "declaration_source"

# What is published: the candidate, where the gate lets it through.
RELEASE = "synthetic_release"

# Metadata of a failure: the month is left out of what is built over all months, instead of holding it up.
LEFT_OUT = "left_out"

# How the release stands with its signers. Dagster shows it; the pipeline does not build it.
SIGN_OFF = "release_sign_off"

# Settings that name a secret, and settings that name a file whose content counts.
_SECRETS = {"identity_key": identity_key, "release_secret": release_secret}
_FILES = ("tariff", "tariff_routes", "confidential")

# The secret behind all draws. What it makes depends on how often published months were drawn anew, too.
DRAWN_BY = "release_secret"

# An entry is a month of one cell: it is built from that month alone, and from wholes.
Cut = Literal["month", "cell", "entry", "whole"]
Node = tuple[str, str]  # asset key and partition key; the partition of a whole is the empty text


def setting_values(names: Sequence[str], settings: Settings) -> dict[str, str]:
    """Some settings as text, as records hold them: secrets by their fingerprints, files by a digest of their bytes."""
    digests = {name: file_digest(getattr(settings, name)) for name in names if name in _FILES}
    return setting_texts(names, settings) | digests


def setting_texts(names: Sequence[str], settings: Settings) -> dict[str, str]:
    """Some settings as text, as Dagster is told them: secrets by their fingerprints, files by their addresses.

    A process reads its code versions once, and a file may change while it lives. What stands in the file is asked of the lake's
    records, as of a source.
    """
    texts = {name: _text(name, getattr(settings, name)) for name in names}
    if texts.get(DRAWN_BY) and (number := redraw_number(settings)):
        texts[DRAWN_BY] += f", redraw {number}"
    return texts


def _text(name: str, value: Any) -> str:
    if name == "form":
        return f"{FORM.name} {FORM.digest}"
    if name in _SECRETS:
        return _SECRETS[name](value).fingerprint()
    return shown(str(value)) if name in _FILES else str(value)


def made_with(
    version: str,
    *settings: str,
    withdraws_release: bool = False,
    on_demand: bool = False,
    months_before: int = 0,
    **metadata: Any,
) -> dict[str, Any]:
    """The code version of an asset and the metadata that say what it depends on, for ``@dg.asset(**made_with(…))``.

    Dagster does not see a change of a setting. So the digest of the settings is a part of the code version: the asset is out of
    date when a setting changes, as when its code does. A file that a setting names counts there by its address alone.

    Args:
        version: raised by hand when the same inputs would give another content.
        settings: names of the settings that the content depends on.
        withdraws_release: whether the release is taken away before this asset is built again, because it rests on it.
        on_demand: whether it is built only when a person asks for it: no part of `customs run`.
        months_before: how many months before its own a month is built from, too, where they are there.
        metadata: more definition metadata.
    """
    if FORM.name != DEFAULT:
        # Everything has the columns of the form, so everything is made anew by another one.
        settings = (*settings, "form")
    values = setting_texts(settings, Settings())  # pyright: ignore[reportCallIssue]
    return {
        "code_version": code_version(version, values),
        "metadata": {
            "version": version,
            "settings": values,
            "withdraws_release": withdraws_release,
            "on_demand": on_demand,
            "months_before": months_before,
            **metadata,
        },
    }


def code_version(version: str, values: Mapping[str, str]) -> str:
    """A version with the digest of the settings, as Dagster shows it."""
    if not values:
        return version
    return f"{version}-{hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]}"


@dataclass(frozen=True)
class Needs:
    """What an asset needs of the host that builds it, where there are several.

    Attributes:
        cores: cores. More than one does not make it faster: sums come out in one order only.
        gigabytes: memory.
        gpus: GPUs.
    """

    cores: float = 1.0
    gigabytes: float = 2.0
    gpus: float = 0.0

    @classmethod
    def most(cls, all_needs: Iterable[Needs]) -> Needs:
        """The most of each that any of some assets needs."""
        needs = [cls(), *all_needs]
        return cls(max(n.cores for n in needs), max(n.gigabytes for n in needs), max(n.gpus for n in needs))

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Needs:
        """What the tags of a step say."""
        return cls(**{name: float(tags[tag]) for name, tag in _NEEDS.items() if tag in tags})


# The tags of a step by what they say it needs.
_NEEDS = {"cores": "customs/cores", "gigabytes": "customs/memory_gb", "gpus": "customs/gpus"}


def needs(**of_each: float) -> dict[str, str]:
    """What an asset needs of its host, as tags: ``@dg.asset(op_tags=needs(gigabytes=4))``.

    Args:
        of_each: ``cores``, ``gigabytes``, ``gpus``; one core and two gigabytes where they are left out.
    """
    return {tag: f"{of_each[name]:g}" for name, tag in _NEEDS.items() if name in of_each}


@dataclass(frozen=True)
class Asset:
    """One asset of the pipeline.

    Attributes:
        key: its key, which is also its name in the lake.
        cut: how it is partitioned.
        parents: the assets that it is built from, the source aside.
        version: its version without settings.
        settings: names of the settings that it depends on.
        checks: names of its blocking checks.
        cells: its partitions, where it is cut into cells; where it is cut into entries, the cells of each month.
        withdraws_release: whether the release is taken away before it is built again.
        judges_its_inputs: whether it decides by itself what it makes of inputs that failed a check: the gate does.
        input_of_dataset: the parents that the cells of a data set are built from, by data set.
        built_with: the assets that one step builds together with it.
        on_demand: whether it is built only when a person asks for it.
        months_before: how many months before its own a month is built from, too, where they are there.
        needs: what it needs of the host that builds it.
    """

    key: str
    cut: Cut
    parents: tuple[str, ...]
    version: str
    settings: tuple[str, ...]
    checks: tuple[str, ...]
    cells: tuple[str, ...] = ()
    withdraws_release: bool = False
    judges_its_inputs: bool = False
    input_of_dataset: tuple[tuple[str, tuple[str, ...]], ...] = ()
    built_with: tuple[str, ...] = ()
    on_demand: bool = False
    months_before: int = 0
    needs: Needs = Needs()

    def parents_of(self, partition: str) -> tuple[str, ...]:
        """The assets that one partition is built from."""
        chosen = dict(self.input_of_dataset)
        return next((chosen[part] for part in partition.split("|") if part in chosen), self.parents)


class Graph:
    """The assets by key, in an order in which they can be built.

    Args:
        assets: all assets.
        with_on_demand: whether those that are built on demand count among :attr:`assets`. Each can be looked up in any case.

    Attributes:
        assets: the assets that count, by key.
    """

    def __init__(self, assets: Iterable[Asset], with_on_demand: bool = False) -> None:
        waiting = {asset.key: asset for asset in assets}
        self._all: dict[str, Asset] = {}
        while waiting:
            key = next(key for key, asset in waiting.items() if not waiting.keys() & set(asset.parents))
            self._all[key] = waiting.pop(key)
        self.assets = {key: asset for key, asset in self._all.items() if with_on_demand or not asset.on_demand}
        self.ancestors = cache(self._ancestors)

    def with_on_demand(self) -> Graph:
        """The same graph, in which those that are built on demand count."""
        return Graph(self._all.values(), with_on_demand=True)

    def narrowed(self, key: str, cells: Sequence[str]) -> Graph:
        """The same graph, in which one asset has some of its cells only, and those that are built on demand count."""
        narrower = {**self._all, key: replace(self._all[key], cells=tuple(cells))}
        return Graph(narrower.values(), with_on_demand=True)

    @property
    def on_demand(self) -> list[str]:
        """The assets that are built on demand."""
        return [key for key, asset in self._all.items() if asset.on_demand]

    def __getitem__(self, key: str) -> Asset:
        return self._all[key]

    def __contains__(self, key: object) -> bool:
        return key in self.assets

    def _ancestors(self, key: str) -> frozenset[str]:
        """What an asset is built from, and what that is built from, and so on."""
        parents = self[key].parents
        return frozenset(parents).union(*(self.ancestors(parent) for parent in parents))

    def partitions(self, key: str, months: Sequence[str]) -> Sequence[str]:
        """The partitions of an asset over some months."""
        asset = self[key]
        if asset.cut == "entry":
            return [entry_of(month, cell) for month in months for cell in asset.cells]
        return {"month": months, "cell": asset.cells, "whole": ("",)}[asset.cut]

    def inputs(self, key: str, partition: str, months: Sequence[str]) -> list[Node]:
        """The partitions that one partition is built from.

        Args:
            key: what is built.
            partition: its partition, empty for a whole.
            months: the months that a whole or a cell is built over, or that may stand before a month.
        """
        asset = self[key]
        found: list[Node] = []
        if asset.cut == "entry":
            months = [month_of_entry(partition)]
        for parent in asset.parents_of(partition):
            alike = asset.cut == self[parent].cut
            own = self._with_months_before(asset, partition, months) if alike else []
            found += [(parent, of) for of in (own or self.partitions(parent, months))]
        return found

    def _with_months_before(self, asset: Asset, partition: str, months: Sequence[str]) -> list[str]:
        """A partition, after those months before it that it is built from, too."""
        if asset.cut != "month" or not asset.months_before:
            return [partition]
        first = months_earlier(partition, asset.months_before)
        return [*sorted(month for month in {*months} if first <= month < partition), partition]

    def monthly_parents(self, key: str, partition: str) -> list[str]:
        """The monthly assets that a whole or a cell is built from."""
        return [parent for parent in self[key].parents_of(partition) if self[parent].cut == "month"]


def entry_of(month: str, cell: str) -> str:
    """The partition key of an entry, as Dagster writes it: the dimensions in the order of their names."""
    return f"{month}|{cell}"


def month_of_entry(partition: str) -> str:
    """The month of an entry."""
    return partition.partition("|")[0]


def graph_of(definitions: Iterable[Any], checks: Iterable[dg.AssetChecksDefinition]) -> Graph:
    """The graph of some Dagster assets and their checks; external assets are left out."""
    blocking: dict[str, list[str]] = {}
    for check in (spec for definition in checks for spec in definition.check_specs):
        if check.blocking:
            blocking.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    return Graph(
        _asset(
            spec,
            blocking.get(spec.key.to_user_string(), []),
            sorted(key.to_user_string() for key in steps.keys),
            Needs.of(steps.node_def.tags),
        )
        for steps in definitions
        if isinstance(steps, dg.AssetsDefinition)
        for spec in steps.specs
    )


def _asset(spec: dg.AssetSpec, checks: Sequence[str], of_step: Sequence[str], needed: Needs) -> Asset:
    partitions = spec.partitions_def
    cut, cells = _cut(partitions)
    return Asset(
        spec.key.to_user_string(),
        cut,
        # Dagster keeps dependencies in no order of its own.
        tuple(sorted(key for dep in spec.deps if (key := dep.asset_key.to_user_string()) != SOURCE_KEY)),
        spec.metadata["version"],
        tuple(spec.metadata["settings"]),
        tuple(checks),
        cells,
        spec.metadata["withdraws_release"],
        spec.metadata.get("judges_its_inputs", False),
        tuple((dataset, tuple(keys)) for dataset, keys in spec.metadata.get("input_of_dataset", {}).items()),
        tuple(of_step),
        spec.metadata.get("on_demand", False),
        spec.metadata.get("months_before", 0),
        needed,
    )


def _cut(partitions: dg.PartitionsDefinition | None) -> tuple[Cut, tuple[str, ...]]:
    """How an asset is partitioned, and its cells."""
    if partitions is None:
        return "whole", ()
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        dimensions = [dimension.partitions_def for dimension in partitions.partitions_defs]
        if any(isinstance(dimension, dg.TimeWindowPartitionsDefinition) for dimension in dimensions):
            [cells] = [each for each in dimensions if isinstance(each, dg.StaticPartitionsDefinition)]
            return "entry", tuple(cells.get_partition_keys())
    if isinstance(partitions, dg.MultiPartitionsDefinition | dg.StaticPartitionsDefinition):
        return "cell", tuple(partitions.get_partition_keys())
    return "month", ()
