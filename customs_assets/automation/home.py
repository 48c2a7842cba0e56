"""How an old ``DAGSTER_HOME`` differs from a new one. A home keeps the ``dagster.yaml`` that it was made with, so it may lack
settings that the project added later.

What belongs here compares and changes nothing. ``instance.py`` makes a new home.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from customs_assets.automation.instance import PROJECT
from customs_assets.masking import mask_credentials

# A new home gets these from the machine's cores, and a person may change them.
_LIMITS = {"concurrency.runs.max_concurrent_runs", "concurrency.pools.default_limit"}


def config_differences(home: Path) -> list[str]:
    """What a home's ``dagster.yaml`` lacks or has otherwise than the project's, a sentence for each key; empty if nothing.

    A home that names its storage is a server's, and is compared with ``deploy/dagster.yaml``. Further keys of a home are its own.
    """
    path = home / "dagster.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # The error's own text may quote the file, and with it a password.
        line = (
            f", line {error.problem_mark.line + 1}"
            if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark
            else ""
        )
        return [f"{path} cannot be read ({type(error).__name__}{line})"]
    present = dict(_leaves(config))
    name = "deploy/dagster.yaml" if any(key.startswith("storage.") for key in present) else "dagster.yaml"
    wanted = dict(_leaves(yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))))
    return [
        f"{path}: {key} is {_shown(present[key]) if key in present else 'missing'}; the project's {name} has {_shown(value)}"
        for key, value in wanted.items()
        if key not in _LIMITS and (key not in present or present[key] != value)
    ]


def _leaves(config: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a configuration, each under the dotted path of its keys."""
    if not isinstance(config, dict):
        yield key, config
        return
    for name, value in config.items():
        yield from _leaves(value, f"{key}.{name}" if key else str(name))


def _shown(value: Any) -> str:
    return mask_credentials(json.dumps(value, default=str))
