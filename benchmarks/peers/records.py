"""What was found of each rule, what it is due to, and so which of it a run need not find again."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from peers import Peer

Record: TypeAlias = dict[str, Any]
"""One rule: what it was asked as, and the outcomes; none if its library is not installed."""

Results: TypeAlias = Mapping[str, Any]
"""The terms of a run, and under `peers` the records made on them."""

ROOT = Path(__file__).parents[2]
SOURCES = ("fedprop/verify", "fedprop/properties", "benchmarks/peers/rules.py")
"""The code that decides what is found, beside the packages."""

SEED, EXAMPLES = 0, 60
"""What inputs are drawn from, and how many for each claim."""

PATIENCE = 600.0
"""Seconds of real time that a rule is given for one input: it is not to be called slow for what else a machine does."""

TERMS = ("environment", "code", "seed", "examples", "patience")
"""What all records of one page have in common."""

ASKED = ("version", "as", "f", "n")
"""What decides what is found of one rule; all else that is known of it is said about it."""


def terms() -> dict[str, Any]:
    """Those of a run here and now."""
    packages = ("fedprop", "torch", "numpy", "scipy", "hypothesis")
    environment = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    settings = {"seed": SEED, "examples": EXAMPLES, "patience": PATIENCE}
    return {"environment": environment, "code": digest(ROOT), **settings}


def digest(root: Path) -> str:
    """Of the code that decides what is found."""
    files = (file for place in SOURCES for file in [root / place, *sorted((root / place).rglob("*.py"))])
    told = [
        f"{file.relative_to(root).as_posix()}\n{file.read_text(encoding='utf-8')}" for file in files if file.is_file()
    ]
    return hashlib.sha256("".join(told).encode()).hexdigest()[:16]


def asked(peer: Peer) -> Record:
    """What is known of a rule before it is tried, as JSON gives it back; its version is None if it is not installed."""
    try:
        number = version(peer.package)
    except PackageNotFoundError:
        number = None
    told = {"target": peer.target, "package": peer.package, "place": peer.place, "version": number}
    told |= {"as": peer.as_, "f": peer.fs, "n": peer.n, "documented": peer.documented}
    plain: Record = json.loads(json.dumps(told))
    return plain


def kept(before: Results, now: Results) -> dict[str, Record]:
    """The records of an earlier run that this one would make again, by target.

    Parameters
    ----------
    before : that run's results, of all rules or some; empty if there was none.
    now : the terms of this run, and under `peers` what is known of each rule before it is tried. What is merely said
        about a rule is taken from here.
    """
    if any(before.get(term) != now[term] for term in TERMS):
        return {}
    wishes = {wish["target"]: wish for wish in now["peers"]}
    same = [
        (record, wish)
        for record in before["peers"]
        if (wish := wishes.get(record["target"])) is not None and all(record.get(k) == wish[k] for k in ASKED)
    ]
    return {wish["target"]: {**record, **wish} for record, wish in same}


def gathered(now: Results, found: Mapping[str, Record]) -> dict[str, Any]:
    """The results of a run so far, in the order in which its rules are told of."""
    return {**now, "peers": [found[wish["target"]] for wish in now["peers"] if wish["target"] in found]}
