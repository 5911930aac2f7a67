"""The pytest plugin: one test per claim of a target, with the counterexample in place of a traceback.

Of the claims a few are tried. Once that is done in a process of its own, as users have it, and else in this one, which
has imported what there is to import.
"""

import pytest

import fedprop.verify.command
import fedprop.verify.pages.render  # noqa: F401 - what a test imports first is forgotten after it

pytest_plugins = ["pytester"]

RULES = """
def lower_median(rows):
    return rows.median(dim=0).values

def median(rows):
    return rows.quantile(0.5, dim=0)
"""


@pytest.fixture
def rules(pytester):
    pytester.makepyfile(rules=RULES)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def test_each_claim_is_a_test(rules):
    options = ("--fedprop", "rules.py:median", "--fedprop-examples", "10", "-rA", "-k", "finite or shape or orthogonal")
    result = rules.runpytest_inprocess(*options)
    found = result.parseoutcomes()
    assert (found.pop("deselected") > 15, found) == (True, {"passed": 2, "xfailed": 1})
    result.stdout.fnmatch_lines(["*PASSED*finite*"])
    result.stdout.fnmatch_lines(["*not claimed: Rotated rows have the rotated answer.*"])


def test_a_broken_claim_shows_its_counterexample(rules):
    options = ("--fedprop", "rules.py:lower_median", "--fedprop-as", "median", "--fedprop-examples", "10")
    result = rules.runpytest_inprocess(*options, "-k", "definition or permutation or shape")
    assert result.ret == 1
    assert {name: result.parseoutcomes()[name] for name in ("failed", "passed")} == {"failed": 1, "passed": 2}
    result.stdout.fnmatch_lines(
        ["definition: The answer is the one that the definition gives.", "*expected: [[]0.5[]]"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_built_in_rule_is_spelled_as_on_the_command_line(rules):
    options = ("--fedprop", "rules.py:median", "--fedprop-examples", "1", "--collect-only", "-q")
    result = rules.runpytest_inprocess(*options, "--fedprop-as", "{kind: krum, f: 1, m: 3}")
    result.stdout.fnmatch_lines(["*definition*"])
    result = rules.runpytest_inprocess(*options, "--fedprop-as", "{kind: krum, m: [")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--fedprop-as is not valid YAML*"])


def test_targets_run_beside_ordinary_tests(rules):
    rules.makepyfile(
        test_mine="from fedprop.verify import assert_contract\nfrom rules import median\n\n"
        "def test_median():\n    assert_contract(median, as_='median', examples=1, f=1, curious=False)\n"
    )
    few = ("--fedprop-examples", "3", "-k", "test_median or shape or finite or untouched")
    result = rules.runpytest_subprocess("test_mine.py", "--fedprop", "rules.py:median", *few)
    assert result.parseoutcomes()["passed"] == 4
    result = rules.runpytest_inprocess("test_mine.py")
    assert result.parseoutcomes() == {"passed": 1}


def test_a_target_that_does_not_exist_is_a_usage_error(rules):
    result = rules.runpytest_inprocess("--fedprop", "rules.py:nothing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*rules.py has no 'nothing'*"])
