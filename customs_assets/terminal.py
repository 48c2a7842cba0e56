"""What every command of ``customs`` shares: the settings by flags and environment, what is said, and how an error ends it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from customs_assets.masking import mask_credentials
from customs_assets.settings import Settings

T = TypeVar("T")

console = Console()

LakeOption = Annotated[str | None, typer.Option(help="CUSTOMS_LAKE: folder or fsspec address of the lake")]


def settings_of(**flags: object) -> Settings:
    """The settings, flags before environment, and the environment set by them for the processes that follow."""
    for name, value in flags.items():
        if value is not None:
            os.environ[f"CUSTOMS_{name.upper()}"] = str(value)
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            complain(f"CUSTOMS_{name}: {problem['msg']} (it is {mask_credentials(repr(problem.get('input')))})")
        raise typer.Exit(2) from None


def say(sentence: str) -> None:
    """A line of output, as it is."""
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """A line of standard error that begins with "error"."""
    Console(stderr=True).print(f"[bold red]error[/]: {escape(message)}", highlight=False, soft_wrap=True)


def or_exit(error_type: type[Exception], function: Callable[..., T], *arguments: object) -> T:
    """The function's result; an error of the type ends the command with its message and status 2."""
    try:
        return function(*arguments)
    except error_type as error:
        complain(str(error))
        raise typer.Exit(2) from None
