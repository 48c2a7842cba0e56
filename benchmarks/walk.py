"""The walk of ``docs/your-data.md``: from an extract that nobody has described to a signed release, as a transcript.

    python benchmarks/walk.py                        # 3 months of 1,000 rows, semicolons; 20 epochs
    python benchmarks/walk.py --bars --rows 300 --epochs 2 --shadows 4

Every line that begins with ``$`` is a command that was run, and what follows is what it said. What a person does between two
commands is a line with ``#``. Exit status 1 where there is no published release in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measuring import ROOT
from customs_assets_tests.walking import corrected, corrections, write_bars, write_extract

OFFICER = "officer@customs.example"


class Walk:
    """A person at a terminal, in a folder.

    Args:
        folder: the folder.
        settings: settings that are exported before the walk.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        own = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMS_")}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.environment = (
            own | settings | {"DAGSTER_HOME": str(folder / ".dagster"), "PYTHONPATH": path, "COLUMNS": "130"}
        )
        self.exported: dict[str, str] = {}
        (folder / ".dagster").mkdir()

    def export(self, **settings: str) -> None:
        """Set settings from here on."""
        self.exported |= settings
        print(f"$ export {' '.join(f'{name}={shlex.quote(value)}' for name, value in settings.items())}", flush=True)

    def customs(self, *arguments: str, last: int = 0) -> tuple[int, str]:
        """Run the command and print what it says, or the last lines of that."""
        print(f"$ customs {shlex.join(arguments)}", flush=True)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "customs_assets.command", *arguments],
            cwd=self.folder,
            env=self.environment | self.exported,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = (done.stdout + done.stderr).strip().splitlines()
        shown = lines[-last:] if last else lines
        print("\n".join(["…", *shown] if len(shown) < len(lines) else shown), flush=True)
        return done.returncode, done.stdout

    def note(self, sentence: str) -> None:
        """What the person does."""
        print(f"# {sentence}", flush=True)


def main() -> None:
    """Take the walk and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", action="store_true", help="the extract with bars, without IDs")
    parser.add_argument("--rows", type=int, default=1000, help="declarations a month")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--shadows", type=int, default=32)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        walk = Walk(Path(place), {"CUSTOMS_EPOCHS": str(given.epochs), "CUSTOMS_SHADOWS": str(given.shadows)})
        (write_bars if given.bars else write_extract)(walk.folder / "incoming", given.rows)
        sys.exit(not taken(walk, given.bars))


def taken(walk: Walk, bars: bool) -> bool:
    """Take the walk; whether it ended with a release that was published and checked."""
    walk.customs("inspect", "incoming", "--write-form", "my.toml")
    form = walk.folder / "my.toml"
    text, changed = corrected(form.read_text(encoding="utf-8"), corrections(semicolons=not bars))
    form.write_text(text, encoding="utf-8")
    walk.note(
        f"{changed} lines of my.toml corrected: the title, the currency"
        + ("" if bars else ", the country of each code")
    )
    walk.export(CUSTOMS_FORM="my.toml", CUSTOMS_SOURCE="incoming", CUSTOMS_ALLOWED_SIGNERS="allowed_signers")
    walk.customs("inspect")
    status, said = walk.customs("run", last=3)
    if status:
        aside = re.findall(r'"([^"]+)"', said.strip().splitlines()[-1].partition("CUSTOMS_RELEASE_DESPITE")[2])
        if not aside:
            return False
        walk.note("three months are too little to measure these; this is a pilot, and card and page will say so")
        reasons = dict.fromkeys([*aside, "deep_membership", "deep_membership_tpr"], "a pilot of three months")
        walk.export(CUSTOMS_RELEASE_DESPITE=json.dumps(reasons))
        status, _ = walk.customs("run", last=2)
    walk.customs("deep-attacks", last=1)
    key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "officer"]
    subprocess.run(key, cwd=walk.folder, check=True)
    print(f"$ {shlex.join(key)}; echo {OFFICER} $(cat officer.pub) > allowed_signers")
    public = (walk.folder / "officer.pub").read_text(encoding="utf-8")
    (walk.folder / "allowed_signers").write_text(f"{OFFICER} {public}", encoding="utf-8")
    walk.note("the officer reads lake/evidence_report.html")
    walk.customs("sign-off", "--name", OFFICER, "--key", "officer", last=4)
    walk.customs("publish", "release", last=4)
    return walk.customs("verify", "release", "--signers", "allowed_signers")[0] == 0


if __name__ == "__main__":
    main()
