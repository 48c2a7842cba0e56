"""The library ``sdv``, imported so that it leaves no trace. Import it nowhere else by itself."""

from __future__ import annotations

import os
from types import ModuleType


def import_sdv() -> ModuleType:
    """The module ``sdv`` with ``sdv.metadata``; the first call takes seconds, since it loads torch.

    When ``sdv`` is first imported, it copies a configuration for logging into the user's data folder, and it would write logs
    there if that file asked for them. A data folder that cannot exist keeps it from both: its loggers have no file then.
    """
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = os.devnull
    try:
        import sdv
        import sdv.metadata
    finally:
        if before is None:
            del os.environ["XDG_DATA_HOME"]
        else:
            os.environ["XDG_DATA_HOME"] = before
    return sdv
