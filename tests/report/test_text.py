from dataclasses import replace
from io import StringIO

from rich.console import Console

from fedprop.report import render_table
from fedprop.report.run import Failure


def shown(table, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(render_table(table))
    return console.file.getvalue()


def test_a_cell_reads_ours_then_the_papers(table):
    text = shown(table)
    assert "0.12 ± 0.03 (0.11)" in text
    assert "0.40 (0.75) !" in text
    assert "– (0.52)" in text
    assert text.count(") !") == 1
    assert "Fang et al. 2020, Table 2" in text
    assert "MNIST stand-in." in text


def test_without_a_paper_only_our_numbers_are_explained(table):
    text = shown(replace(table, paper={}, notes=""))
    assert "paper" not in text
    assert "0.40 " in text


def test_brackets_in_names_are_text_and_not_markup(table):
    text = shown(replace(table, title="[bold]T[/bold]", columns=("no attack", "[red]full")))
    assert "[bold]T[/bold]" in text
    assert "[red]full" in text


def test_a_narrow_terminal_cuts_no_number(table):
    assert "…" not in shown(table, width=40)


def test_marks_are_explained_where_there_are_some(table):
    assert "†" not in shown(table)
    text = shown(replace(table, marks={("Krum", "no attack"): "°†"}))
    assert "0.12 ± 0.03°† (0.11)" in text
    text = " ".join(text.split())
    assert "° more clients compromised, or updates of theirs in a round, than the rule tolerates." in text
    assert "no update ever had any weight, or the loss ended at NaN." in text


def test_failed_trials_are_marked_and_their_reasons_follow(table):
    lost = (Failure("Krum, no attack, seed 1", "[no] memory"),)
    failures = {("Krum", "no attack"): lost, ("Krum", "full"): (Failure("Krum, full, seed 0", "[no] memory"),)}
    text = shown(replace(table, columns=("no attack", "full"), failures=failures))
    assert "0.12 ± 0.03 (1 of 3 failed) (0.11)" in text
    assert "Krum, no attack, seed 1; Krum, full, seed 0 failed: [no] memory" in " ".join(text.split())
