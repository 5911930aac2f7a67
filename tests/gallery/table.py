"""Write docs/gallery.md: every mistake of the gallery, and what `verify` made of it.

`nox -s gallery -- --if-changed` does so only if the code of `verify`, of the properties or of the gallery is no longer
the one of which the page tells.
"""

import hashlib
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from catalogue import FOLDER, MISTAKES, Mistake
from judge import failures

from fedprop.verify import Outcome

ROOT = FOLDER.parents[1]
PAGE = ROOT / "docs" / "gallery.md"
SOURCES = ("fedprop/verify", "fedprop/properties", "tests/gallery")
"""The code that decides what the page tells."""

INTRODUCTION = """# The gallery of mistakes

Mistakes that others made, each rebuilt in a few lines in `tests/gallery`, beside a correct version of the same thing.
`fedprop verify` is told what a rule claims to be and never what is wrong with it. `nox -s gallery` writes this page.

**{caught} of {all} mistakes are caught; {flagged} of {twins} correct versions are flagged.**

The third column names every claim that fell. *Inputs* is how many the first of them had been tried on by then, and
*size* that of its smallest counterexample: rows x dimensions, where it is a matrix.

| mistake | seen in | caught by | inputs | size |
|---|---|---|---|---|
"""


def main() -> int:
    """Verify everything and write the page; the status is 0 if every mistake is caught and nothing else flagged."""
    if sys.argv[1:] == ["--if-changed"] and PAGE.read_text(encoding="utf-8").endswith(_signed(digest())):
        print("docs/gallery.md tells of this code")
        return 0
    twins = {(mistake.twin, repr(mistake.options)): mistake for mistake in MISTAKES}.values()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        flagged = [
            fallen for fallen in pool.map(_judged, [(mistake.twin, mistake.options) for mistake in twins]) if fallen
        ]
        fallen = list(pool.map(_judged, [(mistake.broken, mistake.options) for mistake in MISTAKES]))
    heading = INTRODUCTION.format(
        caught=sum(map(bool, fallen)), all=len(MISTAKES), flagged=len(flagged), twins=len(twins)
    )
    PAGE.write_text(heading + "".join(map(_line, MISTAKES, fallen)) + _signed(digest()), encoding="utf-8")
    return int(bool(flagged) or not all(fallen))


def digest() -> str:
    """Of all the code that decides what is caught."""
    files = sorted(file for place in SOURCES for file in (ROOT / place).rglob("*.py"))
    told = "".join(f"{file.relative_to(ROOT).as_posix()}\n{file.read_text(encoding='utf-8')}" for file in files)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _signed(digest: str) -> str:
    return f"\n<!-- of the code {digest} -->\n"


def _judged(piece: tuple[str, Mapping[str, Any]]) -> list[Outcome]:
    name, options = piece
    found = failures(name, options)
    print(f"{name}: {', '.join(outcome.name for outcome in found) or 'holds'}", flush=True)
    return found


def _line(mistake: Mistake, found: Sequence[Outcome]) -> str:
    names = ", ".join(outcome.name for outcome in found) or "**nothing**"
    inputs, size = (str(found[0].examples), _size(found[0])) if found else ("", "")
    return f"| {' | '.join((f'**{mistake.name}**: {mistake.sentence}', mistake.seen_in, names, inputs, size))} |\n"


def _size(outcome: Outcome) -> str:
    rows = outcome.counterexample.rows if outcome.counterexample else ()
    return f"{len(rows)} x {len(rows[0])}" if rows else ""


if __name__ == "__main__":
    sys.exit(main())
