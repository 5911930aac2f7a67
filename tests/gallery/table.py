"""Write docs/gallery.md: every mistake of the gallery, and what `verify` made of it."""

from catalogue import FOLDER, MISTAKES, Mistake
from judge import first_failure

from fedprop.verify import Outcome

PAGE = FOLDER.parents[1] / "docs" / "gallery.md"

INTRODUCTION = """# The gallery of mistakes

Mistakes that others made, each rebuilt in a few lines in `tests/gallery`, beside a correct version of the same thing.
`fedprop verify` is told what a rule claims to be and never what is wrong with it. `nox -s gallery` writes this page.

**{caught} of {all} mistakes are caught; {flagged} of {twins} correct versions are flagged.**

The third column names the first claim that fell; *inputs* is how many it had been tried on by then, and *size* the
smallest counterexample found: rows x dimensions, where it is a matrix.

| mistake | seen in | caught by | inputs | size |
|---|---|---|---|---|
"""


def main() -> None:
    """Verify everything and write the page."""
    twins = {(mistake.twin, repr(mistake.options)): mistake for mistake in MISTAKES}.values()
    flagged = [mistake for mistake in twins if _judged(mistake.twin, mistake)]
    outcomes = [_judged(mistake.broken, mistake) for mistake in MISTAKES]
    caught = sum(outcome is not None for outcome in outcomes)
    heading = INTRODUCTION.format(caught=caught, all=len(MISTAKES), flagged=len(flagged), twins=len(twins))
    lines = map(_line, MISTAKES, outcomes)
    PAGE.write_text(heading + "".join(lines), encoding="utf-8")


def _judged(name: str, mistake: Mistake) -> Outcome | None:
    outcome = first_failure(name, mistake.options)
    print(f"{name}: {outcome.name if outcome else 'holds'}", flush=True)
    return outcome


def _line(mistake: Mistake, outcome: Outcome | None) -> str:
    found = ("**nothing**", "", "") if outcome is None else (outcome.name, str(outcome.examples), _size(outcome))
    return f"| {' | '.join((f'**{mistake.name}**: {mistake.sentence}', mistake.seen_in, *found))} |\n"


def _size(outcome: Outcome) -> str:
    rows = outcome.counterexample.rows if outcome.counterexample else ()
    return f"{len(rows)} x {len(rows[0])}" if rows else ""


if __name__ == "__main__":
    main()
