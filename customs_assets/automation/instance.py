"""Where Dagster keeps its runs for this project, and with which settings.

What belongs here prepares ``DAGSTER_HOME``, and says how an old one differs from a new one. Which runs are started stands in
``running.py``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from customs_assets.masking import mask_credentials
from customs_assets.settings import available_cores

PROJECT = Path(__file__).parents[2]

DEFAULT_HOME = ".dagster"

# What a home has where runs are executed on a cluster.
OF_A_CLUSTER = "deploy/ray/dagster.yaml"

# A new home gets these from the machine's cores, and a person may change them.
_LIMITS = {"concurrency.runs.max_concurrent_runs", "concurrency.pools.default_limit"}


def home_at_hand() -> Path | None:
    """``DAGSTER_HOME``, or ``./.dagster`` where it is unset, named in the environment; None where there is none yet."""
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME).absolute()
    if not (home / "dagster.yaml").exists():
        return None
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def prepare_home(workers: int | None = None, on_cluster: bool = False) -> Path:
    """Make ``DAGSTER_HOME`` (``./.dagster`` where it is unset) ready and name it in the environment.

    Run logs and metadata quote declarations, so a new home is its owner's alone. A home that has a ``dagster.yaml`` keeps it. A
    new one gets the project's, with the limits of the run queue and of the training pool set to the number of workers (the
    machine's cores where None), or that of a cluster.

    Raises:
        FileNotFoundError: the project's ``dagster.yaml`` is not where the package was installed from.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME).absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["DAGSTER_HOME"] = str(home)
    config = home / "dagster.yaml"
    if not config.exists():
        text = (PROJECT / (OF_A_CLUSTER if on_cluster else "dagster.yaml")).read_text(encoding="utf-8")
        text = text.replace("/var/lib/customs", str(home))
        names = "|".join(limit.rpartition(".")[2] for limit in _LIMITS)
        limited = re.sub(rf"({names}): *\d+", rf"\1: {workers or available_cores()}", text)
        temporary = config.with_name(f".dagster.yaml.{os.getpid()}")
        temporary.write_text(limited, encoding="utf-8")
        temporary.replace(config)
    return home


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
    if str(present.get("run_launcher.module", "")).endswith("ray_launcher"):
        name = OF_A_CLUSTER
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
