"""Findings in words: the matrix, the answers, and code that shows the mistake again."""

import json
import re

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Contract
from fedprop.report.figures import counterexample_figure
from fedprop.verify import Counterexample, Outcome, Report, assert_contract, verify
from fedprop.verify.command import claims_of
from fedprop.verify.hunting.hunt import Effort, hunt_all
from fedprop.verify.pages.page import write_page
from fedprop.verify.pages.render import as_text, described, matrix
from fedprop.verify.targets.script import literal


def lower_median(rows):
    return rows.median(dim=0).values


@pytest.fixture(scope="module")
def report():
    """What is found against a rule, a search for its worst case included."""
    return verify(lower_median, as_="median", f=1, n=range(4, 5), examples=20, search=True, curious=False)


def test_the_matrix_marks_byzantine_rows_and_aligns_numbers():
    shown = Counterexample(rows=((0.0, -1.0), (1e20, 0.5)), byzantine=(1,), found="", code="")
    assert matrix(shown) == ["     0      0     -1", "     1  1e+20    0.5  Byzantine"]


class Follow(Aggregator):
    """The server's own update, but a row that is longer: then a number too large."""

    kind: str = "follow"

    @property
    def asks(self):
        return frozenset({"reference"})

    def contract(self):
        return Contract(scaling=True, orthogonal=True)

    def combine(self, cohort, state):
        value, rows = cohort.server_side.reference(), cohort.updates
        return Aggregation(value + float(rows.norm(dim=1).max() > value.norm()), torch.ones(len(rows)))


def test_the_row_of_the_server_is_told_from_those_of_its_clients(tmp_path):
    report = verify(Follow(), examples=20)
    (outcome,) = (o for o in report.outcomes if o.name == "scaling")
    shown = outcome.counterexample
    marks = [line.split()[-1] for line in matrix(shown)]
    assert marks[0] == "server"
    assert "server" not in marks[1:]
    assert (shown.server, 0 in shown.byzantine) == (0, False)
    assert "# row 0: what the server knows" in shown.code
    exec(shown.code, {"Follow": Follow})
    page = write_page(report, tmp_path / "out.html").read_text()
    assert f"{matrix(shown)[0]}\n" in page


def test_the_figure_draws_the_row_of_the_server_apart():
    figure = counterexample_figure("", ((0.0,), (1.0,), (2.0,)), byzantine=(2,), server=0)
    (axes,) = figure.axes
    assert axes.get_legend_handles_labels()[1] == ["honest row", "Byzantine row", "server's row"]


def test_numbers_that_are_none_are_shown(report, tmp_path):
    nan, inf = float("nan"), float("inf")
    shown = Counterexample(rows=((nan, 1.0), (-inf,)), found="nan", expected=[nan], actual=[inf], code="")
    assert matrix(shown) == ["     0   nan     1", "     1  -inf"]
    outcome = Outcome(
        name="finite", statement="S.", source="a", status="safety", verdict="broken", counterexample=shown
    )
    assert "  rows\n" in described(outcome)
    assert "expected: [nan]\n  actual:   [inf]" in described(outcome)
    report = report.model_copy(update={"outcomes": (outcome,)})
    assert "-inf" in write_page(report, tmp_path / "page.html").read_text()
    again = Report.model_validate(json.loads(report.model_dump_json())).outcomes[0].counterexample
    assert again.rows[1] == (-inf,)
    assert torch.equal(eval(literal(torch.tensor(shown.rows[1]))), torch.tensor([-inf]))


def test_of_large_rows_the_beginning_and_the_end_are_shown():
    rows = tuple(tuple(float(i + k) for k in range(200)) for i in range(100))
    lines = matrix(Counterexample(rows=rows, found="", code=""))
    assert lines[0].split() == ["0", *map(str, range(7)), "...", "(190", "more)", "...", "197", "198", "199"]
    assert (len(lines), lines[27], lines[-1].split()[0]) == (31, "... (70 more) ...", "99")


def test_of_many_rows_or_columns_those_that_are_equal_stand_once():
    rows = [[1.0] * 99 + [7.0]] + [[0.0] * 100] * 20
    shown = Counterexample(rows=tuple(map(tuple, rows)), byzantine=(20,), found="", code="")
    assert matrix(shown) == [
        "          0-98    99",
        "       0     1     7",
        "    1-19     0     0",
        "      20     0     0  Byzantine",
    ]
    few = Counterexample(rows=((0.0, 0.0),) * 3, found="", code="")
    assert matrix(few) == [f"     {i}  0  0" for i in range(3)]


@pytest.mark.parametrize(
    "rows", [[[1.0, 2.0]], [[0.5]] * 30, [[1.0] * 40, [2.0] * 40], [[float("nan")] * 50, [-0.0] * 49 + [1.0]]]
)
def test_a_large_tensor_is_written_in_short(rows):
    tensor = torch.tensor(rows, dtype=torch.float64)
    written = literal(tensor)
    assert torch.equal(eval(written).nan_to_num(5.0), tensor.nan_to_num(5.0))
    assert len(written) < 150


@pytest.mark.parametrize(
    "tensor",
    [torch.ones(3, requires_grad=True), torch.ones(40, 2, dtype=torch.bfloat16), torch.tensor(2), torch.ones(0, 3)],
)
def test_any_tensor_is_written(tensor):
    assert torch.equal(eval(literal(tensor)).reshape(tensor.shape), tensor)


def test_the_text_says_what_a_reader_needs(report):
    text = as_text(report)
    assert "definition: The answer is the one that the definition gives." in text
    assert "source: Yin et al., ICML 2018, Definition 1." in text
    assert "expected: [0.5]" in text
    assert "again: fedprop verify" in text
    assert "--f 1 --n 4 --as median --examples 20 --seed 0" in text


def in_double(rows):
    """The mean, in float64 if the rows are in float32."""
    return rows.double().mean(dim=0) if rows.dtype == torch.float32 else rows.mean(dim=0)


def blind_to_small(rows):
    """NaN where float32 loses a number: the same rows in float64 are fine."""
    return rows.mean(dim=0) / (0.0 if rows.dtype == torch.float32 else 1.0)


def forgets(rows):
    rows -= 1
    return rows.sum(dim=0)


BREAKERS = {
    "definition": (lower_median, "median"),
    "shape": (in_double, "mean"),
    "finite": (blind_to_small, "mean"),
    "untouched": (forgets, "mean"),
    "translation": (lambda rows: rows.mean(dim=0).relu(), "mean"),
    "permutation": (lambda rows: rows[0].clone(), "median"),
    "orthogonal": (lambda rows: rows.amax(dim=0), "mean"),
}


@pytest.fixture
def all_digits():
    """Tensors are printed as precisely as the comments of a reproducer are."""
    torch.set_printoptions(precision=12)
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("name", BREAKERS)
def test_the_reproducer_runs_and_shows_the_same(name, capsys, all_digits):
    """Each prints what it says in its comments, the numbers rounded."""
    rule, reference = BREAKERS[name]
    claim = next(claim for claim in claims_of(rule, as_=reference) if claim.name == name)
    shown = hunt_all([claim], Effort(20, 0, shrink=False))[0].counterexample
    exec(shown.code, {})
    printed = capsys.readouterr().out.splitlines()
    told = [
        line.partition("  # ")[2].partition(", expected")[0] for line in shown.code.splitlines() if "print(" in line
    ]
    assert len(printed) == len(told)
    for line, words in zip(printed, told, strict=True):
        assert numbers_in(line) == pytest.approx(numbers_in(words), rel=1e-3)


def numbers_in(line):
    found = re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", line.replace("float32", "").replace("float64", ""))
    return [float(number) for number in found]


def test_assert_contract_raises_with_the_counterexample():
    assert_contract(lambda rows: rows.mean(dim=0), examples=5, curious=False)
    with pytest.raises(AssertionError, match=r"expected: \[0.5\]"):
        assert_contract(lower_median, as_="median", f=1, examples=20, curious=False)


def test_the_page_holds_claims_counterexamples_and_plots(report, tmp_path):
    page = write_page(report, tmp_path / "out.html").read_text()
    assert "3 of" in page
    assert page.count("data:image/png") >= 2
    assert "Worst case" in page
    assert "load_rule" in page


def test_described_without_rows():
    report = verify(lambda rows: 1 / 0 if not rows.any() else rows.mean(dim=0), examples=10, curious=False)
    (outcome,) = (o for o in report.outcomes if o.name == "answers")
    assert "ZeroDivisionError" in described(outcome)
