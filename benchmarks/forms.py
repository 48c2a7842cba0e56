"""Sources in the forms that ship, each from its file to a signed and published release with all evidence.

    python benchmarks/forms.py                                             # bacuda 100,000 rows; asycuda and eu-h1 3,000
    python benchmarks/forms.py --form asycuda --rows 3000 --months 3 --epochs 2 --shadows 4
    python benchmarks/forms.py --form bacuda --keep FOLDER                 # leave source, lake and release in FOLDER

A form is run in processes of its own, by the commands that an office types: ``inspect``, ``run``, ``deep-attacks``, ``sign-off``,
``publish``, ``verify``. One line a form says how it went; before it stand the claims that withheld the release and were set aside
with a reason, if any did. Exit status 1 where a form has no published release, or one with other columns or rows than its own.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from benchmarks.forms_written import write
from benchmarks.measuring import ROOT

ROWS = {"bacuda": 100_000, "asycuda": 3_000, "eu-h1": 3_000}
MONTHS = {"bacuda": 12, "asycuda": 3, "eu-h1": 3}

OFFICER = "officer@customs.example"

# A source of fewer rows is that of a small country: it is taken from a larger world, and has fewer product codes.
_FEW, _LARGER, _SMALL_CODES = 20_000, 8, 60

# Which claims withhold the release, as JSON, by the gate of the code that made it.
_OBJECTIONS = """
import json, sys
from customs_assets.claims import from_json
from customs_assets.lake import Lake
from customs_assets.privacy.gate import reasons_of_claims
lake = Lake(sys.argv[1])
told = {}
of_months = [lake.read_json("privacy_report", month) for month in lake.partitions("privacy_report")]
for document in (lake.read_json("release_privacy"), *of_months):
    for claim in from_json(document["claims"]):
        reasons = [r for r in reasons_of_claims([claim]) if not r.startswith("nothing is claimed")]
        if reasons:
            told[claim.key] = reasons[0]
print(json.dumps(told))
"""

# What is released in a form: headers, and those of absent attributes.
_HEADERS = """
import json
from customs_assets.declaration import BY_NAME, FORM, RELEASED
print(json.dumps({"headers": [a.header for a in RELEASED], "absent": [BY_NAME[name].header for name in FORM.absent]}))
"""


@dataclass
class Office:
    """A folder in which an office works by a form.

    Attributes:
        form: the form.
        folder: where source, lake, keys and release stand.
        settings: settings beside the form.
    """

    form: str
    folder: Path
    settings: dict[str, str]

    def customs(self, *arguments: str, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the command; what it says goes to ``log.txt``.

        Raises:
            SystemExit: it failed and may not.
        """
        done = self._python("-m", "customs_assets.command", *arguments)
        with (self.folder / "log.txt").open("a") as log:
            log.write(f"$ customs {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        if done.returncode and not may_fail:
            sys.exit(
                f"{self.form}: customs {arguments[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )
        return done

    def asked(self, script: str, *arguments: str) -> dict:
        """What a script prints as JSON in a process of the form."""
        done = self._python("-c", script, *arguments)
        if done.returncode:
            sys.exit(f"{self.form}: {done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMS_")}
        environment = (
            own
            | self.settings
            | {
                "CUSTOMS_FORM": self.form,
                "CUSTOMS_SOURCE": str(self.folder / "source"),
                "CUSTOMS_LAKE": str(self.folder / "lake"),
                "CUSTOMS_IDENTITY_KEY": str(self.folder / "secrets" / "identity.key"),
                "CUSTOMS_RELEASE_SECRET": str(self.folder / "secrets" / "release.secret"),
                "CUSTOMS_PUBLISHED": str(self.folder / "register"),
                "CUSTOMS_ALLOWED_SIGNERS": str(self.folder / "allowed_signers"),
                "DAGSTER_HOME": str(self.folder / "home"),
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            }
        )
        (self.folder / "home").mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-W", "ignore", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def make_signer(self) -> Path:
        """An officer's key pair, and the list of those who may sign; the private key."""
        key = self.folder / "officer"
        if key.exists():
            return key
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
        (self.folder / "allowed_signers").write_text(f"{OFFICER} {key.with_suffix('.pub').read_text()}")
        return key


def drive(office: Office, workers: int) -> str:
    """From the source to a published release; one line."""
    began = time.monotonic()
    said = office.customs("inspect").stdout
    rows = sum(int(found.replace(",", "")) for found in re.findall(r"^\d{4}-\d\d: ([\d,]+) rows", said, re.MULTILINE))
    months = re.findall(r"^(\d{4}-\d\d): .*can be made", said, re.MULTILINE)
    key = office.make_signer()
    run = office.customs("run", "--workers", str(workers), may_fail=True)
    aside: dict[str, str] = {}
    if not _released(run):
        print(f"{office.form}: {run.stdout.strip().splitlines()[-1]}", flush=True)
        aside = office.asked(_OBJECTIONS, str(office.folder / "lake"))
        if not aside:
            sys.exit(f"{office.form}: {run.stdout[-3000:]}{run.stderr[-3000:]}")
        office.settings["CUSTOMS_RELEASE_DESPITE"] = json.dumps(dict.fromkeys(aside, "a source made by a benchmark"))
        if not _released(run := office.customs("run", "--workers", str(workers), may_fail=True)):
            sys.exit(f"{office.form}: {run.stdout[-3000:]}")
    deep = office.customs("deep-attacks", "--workers", str(workers), may_fail=True)
    if deep.returncode:
        print(f"{office.form}: {deep.stdout.strip().splitlines()[-1]}", flush=True)
        reasons = dict.fromkeys(("deep_membership", "deep_membership_tpr"), "a source made by a benchmark")
        despite = json.loads(office.settings.get("CUSTOMS_RELEASE_DESPITE", "{}")) | reasons
        office.settings["CUSTOMS_RELEASE_DESPITE"] = json.dumps(despite)
        aside |= dict.fromkeys(reasons, "deep attacks")
        office.customs("run", "--workers", str(workers))
    release = office.folder / "release"
    office.customs("sign-off", "--name", OFFICER, "--key", str(key))
    office.customs("publish", str(release))
    checked = office.customs("verify", str(release), "--signers", str(office.folder / "allowed_signers")).stdout
    problems = problems_of(release, office.asked(_HEADERS), rows_inspected(said))
    for problem in problems:
        print(f"{office.form}: PROBLEM: {problem}", flush=True)
    minutes = (time.monotonic() - began) / 60
    line = f"{office.form}: {rows:,} declarations of {months[0]} to {months[-1]}, {rows_inspected(said):,} inspected, "
    line += f"released, {checked.splitlines()[1]}, {len(list(release.rglob('*')))} files, {minutes:.1f} min; "
    line += f"set aside: {', '.join(aside) or 'nothing'}"
    return line if not problems else ""


def _released(run: subprocess.CompletedProcess[str]) -> bool:
    """Whether a release stands after a run; what else its checks found is told by the line that failed."""
    for line in run.stdout.splitlines() if run.returncode else ():
        if re.match(r"    error ", line):
            print(f"  {line.strip()[:200]}", flush=True)
    return run.stdout.strip().splitlines()[-1].startswith("released: ")


def rows_inspected(said: str) -> int:
    """How many inspected rows ``customs inspect`` counted in months that can be made."""
    found = re.findall(r", ([\d,]+) inspected; can be made", said)
    return sum(int(count.replace(",", "")) for count in found)


def problems_of(release: Path, form: dict, inspected: int) -> list[str]:
    """What a published release has that its form has not, or lacks."""
    problems, rows = [], 0
    for part in ("train", "validation", "test"):
        path = release / f"{part}.csv"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            if (headers := next(reader)) != form["headers"]:
                problems.append(f"{path.name} has the columns {', '.join(headers)}")
            rows += sum(1 for _ in reader)
    if rows != inspected:
        problems.append(f"{rows} rows where {inspected} were inspected")
    with (release / "data_dictionary.csv").open(encoding="utf-8", newline="") as stream:
        described = [row["header"] for row in csv.DictReader(stream)]
    if described != form["headers"]:
        problems.append(f"the data dictionary describes {', '.join(described)}")
    return problems


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and drive the forms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--form", choices=ROWS, action="append", help="which form; may be given again; all if left out")
    parser.add_argument("--rows", type=int, help="declarations; 100,000 of bacuda and 3,000 of the others if left out")
    parser.add_argument("--months", type=int, help="months; 12 of bacuda and 3 of the others if left out")
    parser.add_argument("--uninspected", type=int, default=0, help="declarations without labels for each inspected one")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--shadows", type=int, default=32, help="of the deep attacks")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-source", action="store_true", help="write the sources and stop; needs --keep")
    parser.add_argument("--keep", type=Path, help="leave everything in this folder, or go on there")
    given = parser.parse_args(arguments)
    whole = True
    with contextlib.nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as place:
        for form in given.form or ROWS:
            folder = Path(str(place)).resolve() / form
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "source").exists():
                make_source(form, folder / "source", given)
            if given.only_source:
                continue
            settings = {"CUSTOMS_EPOCHS": str(given.epochs), "CUSTOMS_SHADOWS": str(given.shadows)}
            line = drive(Office(form, folder, settings), given.workers)
            whole = whole and bool(line)
            print(line, flush=True)
    sys.exit(not whole)


def make_source(form: str, folder: Path, given: argparse.Namespace) -> None:
    """A world of our own, written in a form."""
    from benchmarks.worlds import make_world

    rows, months = given.rows or ROWS[form], given.months or MONTHS[form]
    inspected = round(rows / (1 + given.uninspected))
    world = make_world("real-codes", inspected * (_LARGER if rows < _FEW else 1), months, given.uninspected, given.seed)
    declarations = world.declarations.to_pandas()
    write(form, small_trade(declarations, rows) if rows < _FEW else declarations, folder, given.seed)


def small_trade(declarations: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Of a larger trade so many declarations, of the product codes that are declared most: the trade of a small country."""
    codes = declarations["hs10_code"].str[:6]
    frequent = codes.isin(codes.value_counts().index[:_SMALL_CODES])
    places = np.random.default_rng(rows).permutation(np.flatnonzero(frequent))[:rows]
    return declarations.iloc[np.sort(places)].reset_index(drop=True)


if __name__ == "__main__":
    main()
