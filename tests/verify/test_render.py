"""Findings in words: the matrix, the answers, and code that shows the mistake again."""

import json

import pytest
import torch

from fedprop.verify import Counterexample, Outcome, Report, assert_contract, verify
from fedprop.verify.page import write_page
from fedprop.verify.render import as_text, described, matrix
from fedprop.verify.script import literal


def lower_median(rows):
    return rows.median(dim=0).values


def test_the_matrix_marks_byzantine_rows_and_aligns_numbers():
    shown = Counterexample(rows=((0.0, -1.0), (1e20, 0.5)), byzantine=(1,), found="", code="")
    assert matrix(shown) == ["     0      0     -1", "     1  1e+20    0.5  Byzantine"]


def test_numbers_that_are_none_are_shown(tmp_path):
    nan, inf = float("nan"), float("inf")
    shown = Counterexample(rows=((nan, 1.0), (-inf,)), found="nan", expected=[nan], actual=[inf], code="")
    assert matrix(shown) == ["     0   nan     1", "     1  -inf"]
    outcome = Outcome(
        name="finite", statement="S.", source="a", status="safety", verdict="broken", counterexample=shown
    )
    assert "  rows\n" in described(outcome)
    assert "expected: [nan]\n  actual:   [inf]" in described(outcome)
    report = verify(lower_median, examples=1, f=0).model_copy(update={"outcomes": (outcome,)})
    assert "-inf" in write_page(report, tmp_path / "page.html").read_text()
    again = Report.model_validate(json.loads(report.model_dump_json())).outcomes[0].counterexample
    assert again.rows[1] == (-inf,)
    assert torch.equal(eval(literal(torch.tensor(shown.rows[1]))), torch.tensor([-inf]))


def test_of_large_rows_the_beginning_and_the_end_are_shown():
    large = Counterexample(rows=tuple(tuple(map(float, range(200))) for _ in range(100)), found="", code="")
    lines = matrix(large)
    assert lines[0].split() == ["0", *map(str, range(7)), "...", "(190", "more)", "...", "197", "198", "199"]
    assert (len(lines), lines[27], lines[-1].split()[0]) == (31, "... (70 more) ...", "99")


def test_the_text_says_what_a_reader_needs():
    report = verify(lower_median, as_="median", examples=20)
    text = as_text(report)
    assert "definition: The answer is the one that the definition gives." in text
    assert "source: Yin et al., ICML 2018, Definition 1." in text
    assert "expected: [0.5]" in text
    assert "again: fedprop verify" in text
    assert "--as median --examples 20 --seed 0" in text


def test_the_reproducer_runs_and_shows_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rule.py").write_text("def lower(rows):\n    return rows.median(dim=0).values\n")
    report = verify("rule.py:lower", as_="median", examples=20)
    for outcome in (o for o in report.outcomes if o.fails):
        exec(outcome.counterexample.code, {})
        told = capsys.readouterr().out.splitlines()[0].replace(", dtype=torch.float64", "")
        assert told == f"tensor({[float(v) for v in outcome.counterexample.actual]})".replace(".0", ".")


def test_assert_contract_raises_with_the_counterexample():
    assert_contract(lambda rows: rows.mean(dim=0), examples=5)
    with pytest.raises(AssertionError, match=r"expected: \[0.5\]"):
        assert_contract(lower_median, as_="median", examples=20)


def test_the_page_holds_claims_counterexamples_and_plots(tmp_path):
    report = verify(lower_median, as_="median", f=1, n=range(3, 5), examples=20, search=True)
    page = write_page(report, tmp_path / "out.html").read_text()
    assert "1 of" in page
    assert page.count("data:image/png") >= 2
    assert "Worst case" in page
    assert "load_rule" in page


def test_described_without_rows():
    report = verify(lambda rows: 1 / 0 if not rows.any() else rows.mean(dim=0), examples=10)
    (outcome,) = (o for o in report.outcomes if o.name == "answers")
    assert "ZeroDivisionError" in described(outcome)
