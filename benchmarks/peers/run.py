"""Try the robust rules of other libraries, and write what was found to docs/peers.md and benchmarks/results/peers.json.

    nox -s peers
    python benchmarks/peers/run.py torchjd_krum flower_krum
    python benchmarks/peers/run.py --renew torchjd_krum

With names, only those rules are tried and their findings are printed; nothing is written, unless `--renew` has them
take the place of what was found before with the same versions of everything.
"""

import argparse
import contextlib
import json
import multiprocessing
import platform
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from page import PATIENCE, page, section
from peers import NOT_TRIED, PEERS, Peer

from fedprop.verify import verify
from fedprop.verify.hunting import patience

ROOT = Path(__file__).parents[2]
RULES = "benchmarks/peers/rules.py"
PAGE, RESULTS = ROOT / "docs" / "peers.md", ROOT / "benchmarks" / "results" / "peers.json"
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="names in rules.py; all of them and the report by default")
    parser.add_argument("--renew", action="store_true", help="write what is found of the named rules beside the rest")
    parser.add_argument("--examples", type=int, default=60, help="inputs for each claim")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds of real time for one input")
    given = parser.parse_args()
    wanted = [peer for peer in PEERS if not given.targets or peer.target in given.targets]
    # Each rule in a process of its own, so that what one library does to global state cannot reach another's outcome.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        records = list(pool.map(partial(tried, examples=given.examples, seconds=given.patience), wanted))
    if given.targets:
        print("\n\n".join(section(record) for record in records))
        if not given.renew:
            return
    results = {"environment": environment(), "seed": SEED, "not_tried": NOT_TRIED, "peers": records}
    if given.targets:
        results["peers"] = renewed(json.loads(RESULTS.read_text()), results, [peer.target for peer in PEERS])
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(results))


def renewed(before: Mapping[str, Any], now: Mapping[str, Any], targets: Sequence[str]) -> list[dict[str, Any]]:
    """The records of an earlier run with those of this one in their places, in the order of `targets`.

    A page speaks of one set of versions, so that what was found with others has to be found anew.
    """
    if (before["environment"], before["seed"]) != (now["environment"], now["seed"]):
        raise SystemExit(
            f"`--renew` needs the versions of the last run, {before['environment']}; run all rules instead"
        )
    known = {record["target"]: record for record in [*before["peers"], *now["peers"]]}
    return [known[target] for target in targets if target in known]


def tried(peer: Peer, examples: int, seconds: float) -> dict[str, Any]:
    """What is known of a peer, with the outcomes of all claims made or owed; none if it is not installed."""
    known = {"target": peer.target, "package": peer.package, "place": peer.place, "as": peer.as_}
    known |= {"documented": peer.documented, "patience": seconds}
    patience.PATIENCE = seconds
    try:
        known["version"] = version(peer.package)
    except PackageNotFoundError:
        return {**known, "version": None, "outcomes": []}
    print(f"{peer.target} ...", flush=True)
    target = f"{RULES}:{peer.target}"
    fs = peer.fs[0] if len(peer.fs) == 1 else range(peer.fs[0], peer.fs[-1] + 1)
    n = None if peer.n is None else range(peer.n[0], peer.n[1] + 1)
    with warnings.catch_warnings(), contextlib.chdir(ROOT):
        warnings.simplefilter("ignore")
        report = verify(target, f=fs, n=n, as_=peer.as_, seed=SEED, examples=examples, curious=False)
    decisive = [outcome for outcome in report.outcomes if outcome.status != "tried"]
    outcomes = [outcome.model_dump(mode="json", exclude_defaults=True) for outcome in decisive]
    return {**known, "command": report.command, "outcomes": outcomes}


def environment() -> dict[str, str]:
    """The versions that decide what is found."""
    packages = ("fedprop", "torch", "numpy", "scipy", "hypothesis")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


if __name__ == "__main__":
    main()
