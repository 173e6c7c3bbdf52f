"""Ours and the peers side by side: each run a process of its own, alternated, memory as the operating system counts it."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.linkage import scores, shares

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".peers" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "peers"
TRAINING_STEPS = ("train", "u", "em")


@dataclass(frozen=True)
class Set:
    """A made-up nation: how many cards, whether births lie in four years, and whether Splink takes part (25 million cards are too many)."""

    cards: int
    dense: bool = False
    peers: bool = True
    rounds: int = 3


SETS = {
    "20k": Set(20_000),
    "50k": Set(50_000),
    "100k": Set(100_000),
    "200k": Set(200_000),
    "400k": Set(400_000),
    "1m": Set(1_000_000, rounds=5),
    "1m-dense": Set(1_000_000, dense=True),
    "5m-dense": Set(5_000_000, dense=True, rounds=5),
    "5m": Set(5_000_000),
    "10m": Set(10_000_000),
    "25m": Set(25_000_000, peers=False, rounds=1),
}


STANDING = {"night": "5m", "night-dense": "5m-dense"}  # the set that a night of 20,000 cards stands on


@dataclass(frozen=True)
class Run:
    """What a process said of itself, and what the system says of it: seconds from start to end, peak resident memory in MB."""

    said: dict[str, Any]
    wall: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        return float(sum(self.said["seconds"].values()))

    @property
    def training(self) -> float:
        return float(sum(self.said["seconds"].get(step, 0.0) for step in TRAINING_STEPS))


def child(command: Sequence[str]) -> Run:
    """Runs one process to its end. Its last line of output is JSON. Raises RuntimeError with what it complained about if it fails."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert process.stdout is not None
        said = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaints.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}\n{complaints.read().decode(errors='replace')[-4000:]}")
    return Run(json.loads(said.splitlines()[-1]) if said.strip() else {}, time.perf_counter() - start, usage.ru_maxrss / 1024)


def made(chosen: Set, folder: Path, seed: int, errors: str) -> None:
    """The cards of a set, in `folder`."""
    dense = ["--dense"] if chosen.dense else []
    world = [sys.executable, "-m", "benchmarks.linkage.world", str(chosen.cards), str(folder)]
    child([*world, "--seed", str(seed), "--errors", errors, *dense])


def ours(folder: Path, start_from: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.linkage.ours", str(folder), start_from]


def peer(script: str, folder: Path) -> list[str]:
    if not PEERS.exists():
        raise FileNotFoundError(f"{PEERS} is missing: `make peers` makes it")
    return [str(PEERS), str(SCRIPTS / script), str(folder)]


def compared(name: str, seed: int, errors: str, rounds: int | None = None, keep: Path | None = None) -> dict[str, Any]:
    """The figures of one set: for each engine its time (medians), memory and scores. `keep`: a folder to work in and to leave."""
    chosen = SETS[name]
    folder = keep or Path(tempfile.mkdtemp(prefix="linkage-"))
    try:
        made(chosen, folder, seed, errors)
        preparation = child([sys.executable, "-m", "benchmarks.linkage.standardised", str(folder)])
        truth = pl.read_parquet(folder / "persons.parquet")["person"].to_numpy()
        runs: dict[str, list[Run]] = {"ours": [], "ours, trained": [], "splink": [], "splink with veto": []}
        for round_ in range(rounds or chosen.rounds):
            if chosen.peers:
                runs["splink"].append(child(peer("splink_fast.py", folder)))
                runs["splink with veto"].append(child(peer("splink_veto.py", folder)))
            if round_ == 0:
                # A model of this very set, as the peer has one: to see what the pinned one costs.
                runs["ours, trained"].append(child(ours(folder, "trained")))
                trained = _quality(folder, "ours", truth)
            runs["ours"].append(child(ours(folder, "standardised")))
        from_cards = child(ours(folder, "cards"))
        before = preparation.said
        figures: dict[str, Any] = {
            "ours": {**_cost(runs["ours"], len(truth)), "seconds_with_preparation": from_cards.seconds, **_quality(folder, "ours", truth)},
            "ours, trained": {**_cost(runs["ours, trained"], len(truth)), **trained},
        }
        figures["ours"]["peak_mb_with_preparation"] = from_cards.peak_mb
        if chosen.peers:
            cost = _cost(runs["splink"], len(truth))
            cost["seconds_with_preparation"] = cost["seconds"] + before["standardise"] + before["keys"]
            figures["splink"] = {**cost, **_quality(folder, "splink", truth)}
            more = statistics.median(run.seconds for run in runs["splink with veto"])
            added = {key: cost[key] + more for key in ("seconds", "seconds_with_preparation")}
            figures["splink with veto"] = {**cost, **added, **_quality(folder, "splink_veto", truth)}
        made_of = {"errors": errors, "seed": seed, "shares": shares.reached(folder)}
        return {"cards": len(truth), "dense": chosen.dense, **made_of, "engines": figures}
    finally:
        if keep is None:
            shutil.rmtree(folder)


def _cost(runs: Sequence[Run], cards: int) -> dict[str, Any]:
    peak = statistics.median(run.peak_mb for run in runs)
    return {
        "seconds": statistics.median(run.seconds for run in runs),
        "of_it_training": statistics.median(run.training for run in runs),
        "all_seconds": [run.seconds for run in runs],
        "peak_mb": peak,
        "bytes_per_card": peak * 2**20 / cards,
    }


def _quality(folder: Path, engine: str, truth: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Scores of the edges that an engine left in `folder`: ours at its fixed threshold with its guard, a peer at its best threshold."""
    edges = pl.read_parquet(folder / f"{engine}_edges.parquet")
    points = scores.curve(edges, truth)
    top = scores.best(points)
    persons = folder / f"{engine}_persons.parquet"
    if persons.exists():
        found = pl.read_parquet(persons).sort("card")["person"].to_numpy()
    else:
        found = _clusters(edges, top["threshold"], len(truth))
    numbers = pl.read_parquet(folder / "standardised.parquet", columns=["citizen", "verified"])
    bins = scores.calibration(edges, truth)
    return {
        **scores.pair_scores(found, truth),
        "b3_f1": scores.b_cubed(found, truth)["f1"],
        "best_threshold": top["threshold"],
        "best_f1": top["f1"],
        "recall_at": {str(p): scores.recall_at(points, p) for p in scores.PRECISIONS},
        "two_citizens": scores.two_citizens(found, numbers["citizen"], numbers["verified"]),
        "calibration_error": scores.calibration_error(bins),
        "calibration": bins.to_dicts(),
    }


def _clusters(edges: pl.DataFrame, threshold: float, size: int) -> np.ndarray[Any, Any]:
    enough = edges.filter(pl.col("weight") >= threshold)
    return scores.components(size, enough["left"].to_numpy(), enough["right"].to_numpy())


def nights(standing: str, seed: int, errors: str, rounds: int = 3, keep: Path | None = None) -> dict[str, Any]:
    """Seconds and memory of a night of 20,000 new and changed cards on the standing index of a set."""
    folder = keep or Path(tempfile.mkdtemp(prefix="linkage-"))
    try:
        made(SETS[standing], folder, seed, errors)
        command = [sys.executable, "-m", "benchmarks.linkage.night", str(folder)]
        whole = child([*command, "stand"])
        runs = [child([*command, "night"]) for _ in range(rounds)]
        steps = {step: statistics.median(run.said["seconds"][step] for run in runs) for step in runs[0].said["seconds"]}
        return {
            "standing": SETS[standing].cards,
            "seconds": statistics.median(run.seconds for run in runs),
            "steps": steps,
            "peak_mb": statistics.median(run.peak_mb for run in runs),
            "seconds_to_make_the_index": whole.seconds,
        }
    finally:
        if keep is None:
            shutil.rmtree(folder)


def table(name: str, figures: dict[str, Any]) -> str:
    """The figures of one set as lines of text."""
    lines = [
        f"{name}: {figures['cards']:,} cards, errors of the {figures['errors']} model, seed {figures['seed']}",
        shares.told(figures["shares"]),
        f"{'':18}{'seconds':>9}{'training':>9}{'prepared':>9}{'MB':>8}{'B/card':>8}{'P':>8}{'R':>8}{'F1':>8}{'best F1':>8}{'R .999':>8}"
        f"{'R .9998':>8}{'B3':>8}{'2 CCCD':>7}{'calibr.':>8}",
    ]
    for engine, of in figures["engines"].items():
        whole = of.get("seconds_with_preparation")
        lines.append(
            f"{engine:18}{of['seconds']:9.2f}{of['of_it_training']:9.2f}{f'{whole:9.2f}' if whole else '        –'}{of['peak_mb']:8,.0f}"
            f"{of['bytes_per_card']:8.0f}{of['precision']:8.4f}{of['recall']:8.4f}{of['f1']:8.4f}{of['best_f1']:8.4f}"
            f"{of['recall_at']['0.999']:8.4f}{of['recall_at']['0.9998']:8.4f}{of['b3_f1']:8.4f}{of['two_citizens']:7d}{of['calibration_error']:8.3f}"
        )
    return "\n".join(lines)
