"""The entry point of ``customs``: the form is read first, because all that follows is made from it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a form that cannot be read ends it with one sentence."""
    from customs_assets.forms import FormError

    try:
        from customs_assets.cli import main as run
    except FormError as error:
        print(f"error: CUSTOMS_FORM: {error}", file=sys.stderr)
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
