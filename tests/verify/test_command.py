"""The options of `verify`, and its report as data."""

import json
import shlex

import pytest

from fedprop.aggregators import Krum, Median
from fedprop.errors import InvalidConfig
from fedprop.verify import Report, assert_contract, verify
from fedprop.verify.options import numbers


def test_the_report_is_plain_data():
    report = verify("fedprop:Median", examples=5, shrink=False)
    assert Report.model_validate(json.loads(report.model_dump_json())) == report
    assert (report.target, report.family, report.broken) == ("fedprop:Median", "rule", False)
    assert report.versions["torch"]


def lower_median(rows):
    return rows.median(dim=0).values


def test_the_same_seed_gives_the_same_report():
    one, other = (verify(lower_median, as_="median", examples=10, seed=3, curious=False) for _ in "12")
    assert one.broken
    assert one == other


def test_a_time_limit_holds_for_everything_and_what_it_leaves_untried_is_undecided():
    report = verify(Median, f=1, n=range(3, 5), search=True, seconds=1e-6)
    assert {o.verdict for o in report.outcomes} == {"undecided", "skipped"}
    assert report.fails
    assert not report.broken
    assert report.limits == ()
    assert {peak.kappa for peak in report.search} == {0.0}
    assert report.command.endswith("--examples 200 --seed 0 --seconds 1e-06 --search")
    with pytest.raises(AssertionError, match=r"claims undecided: .*\n\n.*: no answer to any input \(\d+ inputs left"):
        assert_contract(Median, seconds=1e-6)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"profile": "lazy"}, "`profile` must be one of fast, thorough; found 'lazy'"),
        ({"profile": "fats"}, "found 'fats'; did you mean fast?"),
        ({"claims": ["permutatoin"]}, "found permutatoin; did you mean permutation?"),
        ({"examples": 0}, "`examples` must be at least 1; found 0"),
        ({"f": -1}, "`f` must be a number >= 0"),
        ({"n": range(3)}, "`n` must be a range of numbers >= 1; found 0..2"),
        ({"as_": "krumm"}, "--as must spell a built-in rule, stage or postprocessor; found krumm: .*must be one of"),
        ({"as_": {"kind": "krum", "colour": 1}}, "there is no such setting"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, told):
    with pytest.raises(InvalidConfig, match=told):
        verify(Median, **options)


def test_the_command_does_it_again():
    reference = {"kind": "krum", "m": 2}
    quick = {"examples": 5, "curious": False}
    report = verify("fedprop:Krum", f=1, n=range(5, 7), settings={"m": 2}, as_=reference, seed=4, **quick)
    wanted = ["verify", "fedprop:Krum", "--f", "1", "--n", "5..6", "--as", '{"kind": "krum", "m": 2}']
    assert shlex.split(report.command) == ["fedprop", *wanted, "--set", "m=2", "--examples", "5", "--seed", "4"]
    assert not report.broken


def test_settings_reach_the_reference_where_it_has_the_same_fields():
    quick = {"f": 1, "curious": False, "shrink": False}
    assert not verify(Krum, as_="krum", settings={"m": 3}, examples=5, **quick).broken
    assert verify(Krum, as_={"kind": "krum", "m": 1}, settings={"m": 3}, examples=20, **quick).broken


def test_a_pipeline_can_be_the_reference():
    rule = "fedprop.aggregators:NearestNeighbourMixing"
    assert not verify(rule, as_="nearest_neighbour_mixing", examples=5, curious=False).broken


@pytest.mark.parametrize(("text", "found"), [("7", range(7, 8)), ("7..15", range(7, 16)), (" 0 ", range(1))])
def test_numbers(text, found):
    assert numbers("n", text) == found


@pytest.mark.parametrize("text", ["", "x", "3..", "5..2", "-1", "1.5"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(InvalidConfig, match=r"`n` must be a number such as 2 or a range such as 7..15; found"):
        numbers("n", text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "import sys\ndef rule(rows):\n    return rows.mean(dim=0)\nsys.exit(0)",
            "rules.py failed while loading: SystemExit",
        ),
        ("while True:\n    pass", "rules.py:rule must be there to be tried.*no answer within 0.2 seconds"),
        ("class rule:\n    def __init__(self):\n        while True:\n            pass", "no answer within 0.2 seconds"),
    ],
)
def test_a_target_that_is_never_there_is_refused(tmp_path, monkeypatch, text, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fedprop.verify.command.LOADING", 0.2)
    (tmp_path / "rules.py").write_text(text)
    with pytest.raises(InvalidConfig, match=told):
        verify("rules.py:rule", examples=1)


def test_a_rule_that_was_made_without_a_check_is_refused():
    with pytest.raises(InvalidConfig, match="`f` must be greater than or equal to 0; found -1"):
        verify(Krum.model_construct(f=-1))
