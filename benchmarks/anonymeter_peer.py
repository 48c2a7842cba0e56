"""Our three attacks of Giomi et al. 2023 against ``anonymeter``'s, on the same rows and the same guesses.

    python benchmarks/anonymeter_peer.py [--venv FOLDER] [--rows 600]

``anonymeter`` 1.1.0 cannot be installed beside the pipeline (it asks for numpy < 1.27 and pyarrow < 22), so it gets an
environment of its own, made on first use. Printed are, for each attack, the successes against training and control and the risk
with its interval, ours and theirs; the command fails where a count differs or a risk by more than 1e-6.

The rows are simulated declarations, and a synthetic table that leaks: half of it are training rows with one attribute changed.
Numbers carry a little noise of their own, so that no two synthetic rows are equally near and both searches must find the same
one; labels are text, since the peer takes every number for an amount.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ANONYMETER = "anonymeter==1.1.0"
TOLERANCE = 1e-6

# Both halves hold a number that tells rows apart.
HALVES = (
    ["date", "office_id", "import_type", "payment_type", "mode_of_transport", "country_of_departure"],
    ["hs6_code", "country_of_origin", "tax_type", "net_mass", "item_price"],
)
SECRETS = ("item_price", "hs6_code", "critical_fraud")


def ours(folder: Path, rows: int) -> dict[str, dict[str, float]]:
    """Run our attacks, leave rows and guesses in ``folder`` for the peer, and return what came of them."""
    from customs_assets.privacy.nearest_guesses import inference, linkability
    from customs_assets.privacy.risk import Risk
    from customs_assets.privacy.singling_out import as_attacked, guesses_from, matches, singling_out

    synthetic, training, control = leaking_tables(rows)
    for name, frame in {"synthetic": synthetic, "training": training, "control": control}.items():
        as_attacked(frame).to_parquet(folder / f"{name}.parquet", index=False)
    risks: dict[str, Risk] = {}
    guesses: dict[str, Any] = {}
    for mode in ("univariate", "multivariate"):
        key = f"singling out, {mode}"
        made = guesses_from(as_attacked(synthetic), mode, 2 * rows, seed=2020)
        assert (matches(as_attacked(synthetic), made) == 1).all()
        guesses[key] = [[[column, relation, _plain(value)] for column, relation, value in guess] for guess in made]
        risks[key] = singling_out(synthetic, training, control, mode, 2 * rows, seed=2020)
    risks["linkability"] = linkability(synthetic, training, control, HALVES)
    for secret in SECRETS:
        risks[f"inference, {secret}"] = inference(synthetic, training, control, secret)
    (folder / "guesses.json").write_text(json.dumps(guesses))
    return {name: _as_numbers(risk) for name, risk in risks.items()}


def leaking_tables(rows: int) -> tuple[Any, Any, Any]:
    """Synthetic, training and control rows, ``rows`` of each, from one simulated month."""
    import numpy as np
    import pandas as pd

    from customs_assets.lake import to_frame
    from customs_assets.source.address import open_source

    raw = to_frame(open_source("simulated?declarations=400000").read_month("2020-01").declarations)
    labelled = raw.dropna(subset=["fraud"]).head(3 * rows).copy()
    labelled["hs6_code"] = labelled["hs10_code"].str[:6]
    labelled = labelled.astype({"fraud": int, "critical_fraud": int}).astype({"fraud": str, "critical_fraud": str})
    rng = np.random.default_rng(1)
    labelled["date"] = pd.to_datetime(labelled["date"])
    labelled["net_mass"] *= 1 + rng.random(len(labelled)) * 1e-3
    labelled["item_price"] *= 1 + rng.random(len(labelled)) * 1e-3
    training, control, fresh = (
        labelled.iloc[part * rows : (part + 1) * rows].reset_index(drop=True) for part in range(3)
    )
    leak = training.sample(rows // 2, random_state=2).assign(office_id="99")
    synthetic = pd.concat([leak, fresh.head(rows - len(leak))], ignore_index=True)
    for frame in (synthetic, training, control):
        days = (frame["date"] - pd.Timestamp("1970-01-01")).dt.days
        frame["date"] = days + rng.random(len(frame)) / 2
    return synthetic, training, control


def theirs(folder: Path) -> dict[str, dict[str, float]]:
    """Run the peer's attacks on what :func:`ours` left. Only ``anonymeter``'s environment can do this."""
    import pandas as pd
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator  # pyright: ignore[reportMissingImports]

    synthetic, training, control = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("synthetic", "training", "control")
    )
    found = _their_singling_out(folder, training, control)
    linking = LinkabilityEvaluator(
        ori=training, syn=synthetic, aux_cols=HALVES, n_attacks=len(training), n_neighbors=1, control=control
    )
    found["linkability"] = _their_numbers(linking.evaluate(n_jobs=1).results())
    for secret in SECRETS:
        hidden = ("fraud", "critical_fraud") if secret == "critical_fraud" else (secret,)
        guessing = InferenceEvaluator(
            ori=training,
            syn=synthetic,
            control=control,
            aux_cols=[name for name in synthetic.columns if name not in hidden],
            secret=secret,
            regression=secret == "item_price",
            n_attacks=len(training),
        ).evaluate(n_jobs=1)
        found[f"inference, {secret}"] = _their_numbers(guessing.results())
    return found


def _their_singling_out(folder: Path, training: Any, control: Any) -> dict[str, dict[str, float]]:
    """Our guesses as the peer's queries, evaluated and turned into a risk by the peer."""
    import operator
    from functools import reduce

    import polars as pl  # pyright: ignore[reportMissingImports]
    from anonymeter.evaluators import singling_out_evaluator as peer  # pyright: ignore[reportMissingImports]
    from anonymeter.stats.confidence import EvaluationResults  # pyright: ignore[reportMissingImports]

    relations = {"==": operator.eq, ">=": operator.ge, "<=": operator.le}
    found = {}
    for mode, guesses in json.loads((folder / "guesses.json").read_text()).items():
        queries = [reduce(operator.and_, [relations[r](pl.col(c), v) for c, r, v in guess]) for guess in guesses]
        counts = [
            len(peer._evaluate_queries_and_return_successful(df=pl.DataFrame(frame), queries=queries))
            for frame in (training, control)
        ]
        result = EvaluationResults(n_attacks=len(queries), n_success=counts[0], n_baseline=0, n_control=counts[1])
        found[mode] = _their_numbers(result)
    return found


def _their_numbers(result: Any) -> dict[str, float]:
    risk = result.risk()
    return {
        "attacks": result.n_attacks_ori,
        "successes": int(result.n_success),
        "control": int(result.n_control),
        "risk": risk.value,
        "lower": risk.ci[0],
        "upper": risk.ci[1],
    }


def _as_numbers(risk: Any) -> dict[str, float]:
    return {
        "attacks": risk.attacks,
        "successes": risk.successes,
        "control": risk.control_successes,
        "risk": risk.value,
        "lower": risk.lower,
        "upper": risk.upper,
    }


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def environment(folder: Path) -> Path:
    """The Python of an environment that has the peer, made where it is not there yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", ANONYMETER], check=True)
    return python


def compare(mine: dict[str, dict[str, float]], peers: dict[str, dict[str, float]]) -> bool:
    """Print both beside each other; whether they agree."""
    agree = True
    print("| attack | guesses | right on training, ours / theirs | on control | risk, ours | theirs |")
    print("| --- | ---: | ---: | ---: | --- | --- |")
    for name, left in mine.items():
        right = peers[name]
        same = all(abs(left[key] - right[key]) <= TOLERANCE for key in left)
        agree &= same
        shown = [f"{side['risk']:.6f} ({side['lower']:.6f} to {side['upper']:.6f})" for side in (left, right)]
        print(
            f"| {name} | {left['attacks']} | {left['successes']} / {right['successes']} "
            f"| {left['control']} / {right['control']} | {shown[0]} | {shown[1]}{'' if same else ' DIFFERS'} |"
        )
    return agree


def main() -> None:
    """Read the command line; run both sides and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--venv", type=Path, default=ROOT / "build" / "anonymeter", help="where the peer's environment is"
    )
    parser.add_argument("--rows", type=int, default=600, help="rows of each table")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        (arguments.inside / "theirs.json").write_text(json.dumps(theirs(arguments.inside)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        mine = ours(folder, arguments.rows)
        command = [str(environment(arguments.venv)), __file__, "--inside", str(folder)]
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(command, check=True, env=alone)
        peers = json.loads((folder / "theirs.json").read_text())
    if not compare(mine, peers):
        raise SystemExit("ours and anonymeter's differ")


if __name__ == "__main__":
    main()
