"""A detector of one's own: a class in any file, loaded, checked, and held to the form while it runs.

What belongs here says what is wrong with such a class, and in which line. It runs the file's code with the rights of whoever
calls, so no file of a stranger should be named.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from customs_assets.benchmark.detectors import ALL, Detector
from customs_assets.benchmark.features import Features

_FORM = (
    "a detector has `name`, `title`, `fit(self, features, fraud, seed)` and `score(self, features)`; "
    "see customs_assets/benchmark/detectors/form.py"
)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class DetectorError(Exception):
    """This class cannot be benchmarked. The message says why, and where."""


def load_detector(address: str) -> type[Detector]:
    """The class that an address names, wrapped so that what goes wrong in it is told as its fault.

    Args:
        address: ``my_detector.py:MyDetector``, a path and the name of a class in that file.

    Raises:
        DetectorError: there is no such file or class, the file cannot be imported, or the class has not the form of a detector.
    """
    path_text, _, class_name = address.rpartition(":")
    path = Path(path_text).expanduser()
    if not path_text or path.suffix != ".py" or not class_name.isidentifier():
        raise DetectorError(f"{address!r} names no class in a file; write it as my_detector.py:MyDetector")
    if not path.is_file():
        raise DetectorError(f"there is no file {path}")
    module = _imported(path)
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        classes = [
            name for name, of in vars(module).items() if inspect.isclass(of) and of.__module__ == module.__name__
        ]
        has = f"it has {', '.join(classes)}" if classes else "it has no class"
        raise DetectorError(f"{path} has no class {class_name}; {has}")
    _require_form(found, class_name)
    return _held_to_form(found, path)


def _imported(path: Path) -> ModuleType:
    """The file as a module; what it imports from its own folder is found."""
    name = f"own_detector_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DetectorError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise DetectorError(f"{path} cannot be imported: {_where(error, path)}") from None
    return module


def _require_form(found: type, class_name: str) -> None:
    """Refuse a class that has not the form, with all that is missing."""
    missing = []
    if not isinstance(getattr(found, "name", None), str) or not _NAME.fullmatch(found.name):
        missing.append("`name`, a text of small letters, digits and underscores")
    if not isinstance(getattr(found, "title", None), str) or not found.title.strip() or "|" in found.title:
        missing.append("`title`, a text for the table without the sign |")
    for method, arguments in (("fit", ("features", "fraud", "seed")), ("score", ("features",))):
        if not _takes(getattr(found, method, None), len(arguments)):
            missing.append(f"`{method}(self, {', '.join(arguments)})`")
    if missing:
        raise DetectorError(f"{class_name} lacks {'; '.join(missing)}. For: {_FORM}")
    if found.name in ALL:
        raise DetectorError(
            f"{class_name} has the name {found.name!r} of a detector of the benchmark; give it one of its own"
        )


def _takes(method: Any, count: int) -> bool:
    """Whether a method can be called with so many arguments, besides itself."""
    if not callable(method):
        return False
    try:
        inspect.signature(method).bind(*[None] * (count + 1))
    except (TypeError, ValueError):
        return False
    return True


def _held_to_form(found: type, path: Path) -> type[Detector]:
    """A detector that runs the class, keeps what it is given from being changed, and looks at what it gives back."""

    class OwnDetector:
        name: ClassVar[str] = found.name
        title: ClassVar[str] = found.title.strip()
        seedless: ClassVar[bool] = bool(getattr(found, "seedless", False))

        def fit(self, features: Features, fraud: np.ndarray, seed: int) -> None:
            self._own = _run(found, "__init__", path, found)
            _run(found, "fit", path, self._own.fit, _copy(features), fraud.copy(), int(seed))

        def score(self, features: Features) -> np.ndarray:
            given = _run(found, "score", path, self._own.score, _copy(features))
            return _as_shares(given, len(features.matrix), found.__name__)

    return OwnDetector


def _copy(features: Features) -> Features:
    return Features(features.matrix.copy(), features.declarations.copy())


def _run(found: type, method: str, path: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        raise DetectorError(f"{found.__name__}.{method} failed: {_where(error, path)}") from None


def _as_shares(given: Any, rows: int, class_name: str) -> np.ndarray:
    """Scores as their places among the distinct ones, in [0, 1]: only the order of scores counts.

    Raises:
        DetectorError: they are not one finite number for each declaration.
    """
    try:
        scores = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DetectorError(
            f"{class_name}.score gave {type(given).__name__}; it has to give one number a declaration"
        ) from None
    if scores.shape != (rows,):
        hint = ""
        if scores.shape == (rows, 2):
            hint = "; of a library's predict_proba, give column 1"
        raise DetectorError(
            f"{class_name}.score gave an array {scores.shape}; for {rows} declarations it has to be ({rows},){hint}"
        )
    strange = np.flatnonzero(~np.isfinite(scores))
    if strange.size:
        raise DetectorError(
            f"{class_name}.score gave {scores[strange[0]]} for declaration {strange[0]} ({strange.size} such scores); "
            "each has to be a finite number"
        )
    distinct, places = np.unique(scores, return_inverse=True)
    return places / max(len(distinct) - 1, 1)


def _where(error: BaseException, path: Path) -> str:
    """An error in a line, with the last line of the file that led to it."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {said}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.absolute()
    ]
    lines = lines or [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
    return f"line {lines[-1]}: {said}" if lines else said
