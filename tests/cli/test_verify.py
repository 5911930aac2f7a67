"""`fedprop verify` from the shell: what it prints, writes and returns."""

import json
from pathlib import Path

import pytest

RULES = """
import torch

def lower_median(rows):
    return rows.median(dim=0).values

def mean(rows, scale=1.0):
    return scale * rows.mean(dim=0)

def zeno(rows, losses):
    return rows[losses.argmin()]
"""
QUICK = ("--examples", "15", "--f", "1")


@pytest.fixture(autouse=True)
def rules():
    Path("rules.py").write_text(RULES)


def test_a_broken_rule_is_shown_with_its_counterexample(fedprop):
    code, out, _ = fedprop("verify", "rules.py:lower_median", "--as", "median", *QUICK)
    assert code == 1
    assert "of 18 claims broken: definition" in out
    assert "expected: [0.5]" in out
    assert "again: fedprop verify rules.py:lower_median --f 1 --as median --examples 15 --seed 0" in out


def test_what_is_not_claimed_decides_nothing(fedprop):
    code, out, _ = fedprop("verify", "rules.py:mean", *QUICK)
    assert code == 0
    assert "does not hold" in out
    assert fedprop("verify", "rules.py:mean", "--claim", "breakdown", *QUICK)[0] == 1
    assert fedprop("verify", "rules.py:mean", "--as", "mean", "--set", "scale=2.0", *QUICK)[0] == 1


def test_the_report_as_json_and_as_a_page(fedprop):
    code, out, err = fedprop(
        "verify", "rules.py:lower_median", "--as", "median", "--json", "--html", "a/b.html", *QUICK
    )
    assert (code, err.strip()) == (1, "")
    found = json.loads(out)
    broken = [o for o in found["outcomes"] if o["status"] == "claimed" and o["verdict"] == "broken"]
    assert broken[0]["name"] == "definition"
    assert {o["name"] for o in broken} <= {"definition", "kappa", "unattacked"}
    assert "lower_median" in Path("a/b.html").read_text()


PRINTS = """
import os, sys
from sys import stdout

print("while loading")

def rule(rows):
    print("while asked")
    print("still there", file=stdout)
    os.write(1, b"below Python")
    os.system("echo from elsewhere")
    return rows.mean(dim=0)

def talks(rows):
    print("x" * 200_000)
    return rows.mean(dim=0)
"""


def test_what_a_target_prints_stays_out_of_the_answer(fedprop):
    Path("prints.py").write_text(PRINTS)
    code, out, err = fedprop("verify", "prints.py:rule", "--json", "--f", "0", "--n", "3", "--examples", "1")
    assert (code, json.loads(out)["target"]) == (0, "prints.py:rule")
    for told in ("while loading", "while asked", "still there", "below Python", "from elsewhere"):
        assert told in err


def test_what_a_target_prints_is_told_up_to_a_point(fedprop):
    Path("prints.py").write_text(PRINTS)
    _, out, err = fedprop("verify", "prints.py:talks", "--json", "--f", "0", "--n", "3", "--examples", "1")
    assert json.loads(out)
    assert 100_000 < len(err) < 101_000
    assert err.endswith("(what else the target prints is left out)\n")


def test_what_broke_once_is_tried_first_the_next_time(fedprop):
    fedprop("verify", "rules.py:lower_median", "--as", "median", *QUICK)
    code, out, _ = fedprop(
        "verify", "rules.py:lower_median", "--as", "median", "--f", "1", "--examples", "1", "--seed", "9"
    )
    assert code == 1
    assert "expected: [0.5]" in out


def test_the_worst_case_is_searched(fedprop):
    code, out, _ = fedprop("verify", "fedprop:Median", "--f", "1", "--n", "3", "--examples", "3", "--search")
    assert code == 0
    assert "n =  3, f = 1: kappa 1, proved 1" in out


def test_what_is_left_undecided_for_want_of_time_is_told_and_is_no_success(fedprop):
    code, out, _ = fedprop("verify", "rules.py:mean", "--seconds", "0.000001")
    assert code == 1
    assert "UNDECIDED" in out
    assert "6 of 6 claims undecided: answers, surroundings, shape, finite, untouched, repeatable" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("rules.py:nothing",), "rules.py has no 'nothing'"),
        (("nowhere.py:rule",), "there is no file nowhere.py"),
        (("rules.py:mean", "--f", "many"), "`f` must be a number such as 2 or a range such as 7..15; found 'many'"),
        (("rules.py:mean", "--n", "5..3"), "`n` must be a number such as 2"),
        (("rules.py:mean", "--as", "crumb"), "--as must spell a built-in rule, stage or postprocessor; found crumb"),
        (("rules.py:mean", "--as", "{kind: ["), "--as is not valid YAML"),
        (
            ("rules.py:mean", "--as", "3"),
            "--as must spell a built-in rule, stage or postprocessor, as krum or {kind: krum, m: 3}",
        ),
        (("rules.py:mean", "--as", ""), "or a list of those; found None"),
        (("rules.py:zeno",), "['losses'] need --set; what only a server can tell, such as losses"),
        (("rules.py:mean", "--profile", "hasty"), "`profile` must be one of fast, thorough; found 'hasty'"),
        (("rules.py:mean", "--set", "colour=1"), "--set names ['colour']"),
        (("rules.py:RULE",), "rules.py has no 'RULE'"),
    ],
)
def test_mistakes_of_the_user_are_a_sentence_and_exit_code_2(fedprop, options, told):
    code, out, err = fedprop("verify", *options)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err
