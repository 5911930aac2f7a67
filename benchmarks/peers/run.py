"""Try the robust rules of other libraries, and write what was found to docs/peers.md and benchmarks/results/peers.json.

    nox -s peers
    nox -s peers -- torchjd_krum flower_krum
    nox -s peers -- --anew

What is found of a rule is kept at once, in build/peers.json, so that a run that is cut short can be gone on with. Tried
are the rules of which nothing was found yet with the same versions, code and settings; with names, those anew, and what
is found is printed. The page is written when there is something to tell of every rule, and not before.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis.internal.conjecture import engine
from page import page, section, verdicts
from peers import NOT_TRIED, PEERS, Peer
from records import ROOT, Record, asked, digest, gathered, kept, terms

from fedprop.failures import in_words
from fedprop.files import write_atomically
from fedprop.verify import verify
from fedprop.verify.hunting import patience

RULES = "benchmarks/peers/rules.py"
PAGE, RESULTS = ROOT / "docs" / "peers.md", ROOT / "benchmarks" / "results" / "peers.json"
UNFINISHED = ROOT / "build" / "peers.json"


def main() -> int:
    """The status is 0 if the page is written, and 1 if something is still to be found out for it."""
    anew = _named()
    now = {**terms(), "not_tried": NOT_TRIED, "peers": [asked(peer) for peer in PEERS]}
    known = {**kept(_read(RESULTS), now), **kept(_read(UNFINISHED), now)}
    found = {target: record for target, record in known.items() if target not in anew}
    wanted = [peer for peer in PEERS if peer.target not in found and (not anew or peer.target in anew)]
    for record in _all_tried(wanted, now):
        found[record["target"]] = record
        _write(UNFINISHED, gathered(now, found))
    for target in anew & found.keys():
        print(f"\n{section(found[target])}")
    missing = [peer.target for peer in PEERS if peer.target not in found]
    if missing:
        print(f"{PAGE.relative_to(ROOT)} is not written: nothing is found yet of {', '.join(missing)}")
        return 1
    _write(RESULTS, gathered(now, found))
    write_atomically(PAGE, page(gathered(now, found)))
    UNFINISHED.unlink(missing_ok=True)
    return 0


def _named() -> set[str]:
    """The rules that are to be tried whatever is known of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", metavar="NAME", help="names in rules.py, to be tried anew")
    parser.add_argument("--anew", action="store_true", help="try all of them anew")
    given, all_ = parser.parse_args(), {peer.target for peer in PEERS}
    if unknown := sorted({*given.rules} - all_):
        parser.error(f"NAME must be one of {', '.join(sorted(all_))}; found {', '.join(unknown)}")
    return all_ if given.anew else {*given.rules}


def _all_tried(wanted: Sequence[Peer], now: Mapping[str, Any]) -> Iterator[Record]:
    """The records of rules, each as soon as it is there; of one that cannot be tried it is said why.

    Each rule is in a process of its own, so that what one library does to global state cannot reach another's outcome.
    """
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        jobs = {pool.submit(partial(tried, peer, now)): peer.target for peer in wanted}
        for done, job in enumerate(as_completed(jobs), start=1):
            place = f"{done} of {len(jobs)}: {jobs[job]}"
            try:
                record, seconds = job.result()
            except Exception as error:  # whatever a rule, its library or the end of a process raises
                print(f"{place} cannot be tried: {in_words(error)}", flush=True)
                continue
            print(f"{place}, {seconds:.0f} CPU s: {verdicts(record)}", flush=True)
            yield record


def tried(peer: Peer, now: Mapping[str, Any]) -> tuple[Record, float]:
    """What is known of a rule, with the outcomes of all claims made or owed, and the CPU seconds that this took.

    Raises
    ------
    RuntimeError
        If the code is no longer that of the run.
    """
    wish = asked(peer)
    if wish["version"] is None:
        return {**wish, "outcomes": []}, 0.0
    # Neither a rule nor the search for its smallest input is cut short by what else the machine does.
    patience.PATIENCE, engine.MAX_SHRINKING_SECONDS = now["patience"], sys.maxsize
    fs = peer.fs[0] if len(peer.fs) == 1 else range(peer.fs[0], peer.fs[-1] + 1)
    n = None if peer.n is None else range(peer.n[0], peer.n[1] + 1)
    options = {"f": fs, "n": n, "as_": peer.as_, "seed": now["seed"], "examples": now["examples"], "curious": False}
    with warnings.catch_warnings(), contextlib.chdir(ROOT):
        warnings.simplefilter("ignore")
        report = verify(f"{RULES}:{peer.target}", **options)
    if digest(ROOT) != now["code"]:
        raise RuntimeError("the code was changed since the run began")
    decisive = [outcome for outcome in report.outcomes if outcome.status != "tried"]
    outcomes = [outcome.model_dump(mode="json", exclude_defaults=True) for outcome in decisive]
    return {**wish, "command": report.command, "outcomes": outcomes}, time.process_time()


def _read(file: Path) -> dict[str, Any]:
    """The results in a file; empty if there is none."""
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return read


def _write(file: Path, results: Mapping[str, Any]) -> None:
    write_atomically(file, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
