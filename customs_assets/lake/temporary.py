"""Hidden names for what is not whole yet, which say what process of what machine writes there."""

from __future__ import annotations

import os
import socket
import uuid

_TEMPORARY = ".tmp"


def temporary_name(name: str) -> str:
    """A hidden name, used once, for what is going to be ``name``. It says which process of which machine writes there."""
    return f".{name}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_TEMPORARY}"


def is_orphan(name: str) -> bool:
    """Whether a name is a temporary one of this machine whose process has ended."""
    host_part = f".{socket.gethostname()}."
    if not (name.startswith(".") and name.endswith(_TEMPORARY) and host_part in name):
        return False
    pid = name.split(host_part, 1)[1].split(".", 1)[0]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
