"""Which form is in force: the one that ``CUSTOMS_FORM`` names, read once in a process, and the forms that ship."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from customs_assets.forms.form import Form, FormError, problems_of

DEFAULT = "korea"
SHIPPED = (DEFAULT, "bacuda", "asycuda", "eu-h1")

_FOLDER = Path(__file__).parent
_LARGEST_BYTES = 1 << 20


@cache
def form_in_force() -> Form:
    """The form that the environment names. The schema of the process is made from it, so it is read once.

    Raises:
        FormError: there is no such form, or it cannot be read.
    """
    return open_form(os.environ.get("CUSTOMS_FORM", "").strip() or DEFAULT)


@cache
def open_form(address: str) -> Form:
    """A form by its name, if it ships, or by the path of its file.

    Raises:
        FormError: there is no such form, or it cannot be read.
    """
    path = _FOLDER / f"{address}.toml" if address in SHIPPED else Path(address).expanduser()
    if not path.is_file():
        raise FormError(f"there is no form {address!r}: name {', '.join(SHIPPED)}, or the path of a .toml file")
    if path.stat().st_size > _LARGEST_BYTES:
        raise FormError(f"{address} has {path.stat().st_size:,} bytes; a form has at most {_LARGEST_BYTES:,}")
    try:
        return parse_form(path.read_text(encoding="utf-8"), address)
    except OSError as error:
        raise FormError(f"the form {address} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FormError(f"the form {address} is not written in UTF-8 ({error})") from error


def parse_form(text: str, name: str) -> Form:
    """A form from its text.

    Raises:
        FormError: it is no TOML, or says what no form says.
    """
    try:
        return Form.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise FormError(f"the form {name} is no TOML: {error}") from error
    except ValidationError as error:
        raise FormError(f"the form {name}: {problems_of(error)}") from error
