"""What a proof is held to, and the table of all theorems at the end of a run; `--write-proofs FILE` keeps the table."""

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from proofs.prover import Goal, Refuted

# What the proofs are made of cannot even be looked through for doctests without Z3.
collect_ignore = [] if find_spec("z3") else ["formulas.py", "prover.py"]

HEADINGS = ("theorem", "n", "f", "d", "verdict")
PREAMBLE = """# Theorems proved by Z3

Written by `nox -s proofs -- --write-proofs docs/proofs.md`. The statements, their sources and what Z3 is asked are in
the docstrings of `specs/proofs/`. A claim is refuted because it must be: a premise is left out or the bound made
tighter, and the counterexample that Z3 finds is run through the real rule.

"""


@pytest.fixture
def proved(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """`proved(theorem, goals, n=, f=, d=)` fails, naming the theorem, unless Z3 proves every goal."""
    from proofs.prover import Proved, prove_all, require  # Z3 is optional

    def check(theorem: str, goals: "Iterable[Goal]", *, n: int, f: int, d: str) -> None:
        verdict = prove_all(goals)
        record_property("theorem", (theorem, n, f, d, str(verdict)))
        require(Proved, verdict, f"{theorem}, n={n}, f={f}, d={d}")

    return check


@pytest.fixture
def refuted(record_property: Callable[[str, object], None]) -> "Callable[..., Refuted]":
    """`refuted(claim, goal, n=, f=, d=)` is the counterexample to a claim that must have one."""
    from proofs.prover import Refuted, prove, require  # Z3 is optional

    def check(claim: str, goal: "Goal", *, n: int, f: int, d: str) -> Refuted:
        verdict = prove(goal)
        record_property("theorem", (claim, n, f, d, str(verdict)))
        return require(Refuted, verdict, f"{claim}, n={n}, f={f}, d={d}")

    return check


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-proofs", type=Path, metavar="FILE", help="write the table of theorems to a Markdown file")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [row for report in reports for name, row in report.user_properties if name == "theorem"]
    if not rows:
        return
    table = markdown(rows)
    terminalreporter.section("theorems")
    terminalreporter.write_line(table)
    file = config.getoption("--write-proofs", default=None)
    if file and not terminalreporter.getreports("failed"):
        file.write_text(PREAMBLE + table, encoding="utf-8")


def markdown(rows: Iterable[Iterable[object]]) -> str:
    """The table, theorem by theorem in the order of the run."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
