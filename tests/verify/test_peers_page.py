"""The report on other libraries: its parts fit together, and its page tells what was found."""

import importlib.util
import sys
from pathlib import Path

import pytest

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
SHOWN = {"f": 1, "rows": [[0.0], [3.0]], "byzantine": [1], "expected": [0.0], "found": "[3.0] instead of [0.0]"}
HELD = {"name": "shape", "verdict": "holds", "examples": 7}
BROKEN = {"name": "definition", "verdict": "broken", "statement": "S.", "source": "there", "counterexample": SHOWN}
MUTE = {"name": "answers", "verdict": "skipped", "why": "TypeError: no"}


@pytest.fixture
def load(monkeypatch):
    """A function that loads one of the scripts."""

    def loaded(name):
        spec = importlib.util.spec_from_file_location(f"_peers_{name}", PEERS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return loaded


def record(*outcomes):
    return {
        "target": "their_krum",
        "package": "theirs",
        "place": "theirs.Krum",
        "version": "1.0",
        "as": {"kind": "krum", "m": 3},
        "documented": "another",
        "command": "fedprop verify it",
        "outcomes": list(outcomes),
    }


def test_every_peer_names_a_rule_and_every_rule_a_peer(load):
    rules = {name for name, value in vars(load("rules")).items() if getattr(value, "__module__", "") == "_peers_rules"}
    assert {peer.target for peer in load("peers").PEERS} == {name for name in rules if not name.startswith("_")}


def test_a_finding_is_shown_with_its_input_and_both_answers(load):
    shown = load("page").section(record(HELD, BROKEN))
    assert "Holds: shape (7 inputs)." in shown
    assert "**definition** does not hold: S. (there)" in shown
    assert "    rows:      [[0.0], [3.0]]" in shown
    assert "    found:     [3.0] instead of [0.0]" in shown
    assert "Documented: another" in shown


def test_a_rule_that_never_answers_is_not_said_to_break_nothing(load):
    page = load("page")
    assert "| gives no answer |" in page.table([record(HELD, MUTE)])
    assert "Gives no answer: TypeError: no" in page.section(record(HELD, MUTE))


def test_the_table_counts_and_names(load):
    line = load("page").table([record(HELD, BROKEN)]).splitlines()[-1]
    assert line == "| [theirs.Krum](#their_krum) | 1.0 | `krum` m=3 | 1 | definition |"


def test_the_page_says_what_was_left_out(load):
    absent = {**record(), "version": None}
    results = {"environment": {"torch": "2"}, "seed": 0, "not_tried": {"X": "Y."}, "peers": [record(HELD), absent]}
    written = load("page").page(results)
    assert "Not tried: X, because Y." in written
    assert "Not installed, so not tried: theirs.Krum." in written


def test_rules_that_are_tried_again_take_the_places_of_what_was_found_before(load, monkeypatch):
    for name in ("page", "peers"):
        monkeypatch.setitem(sys.modules, name, load(name))
    run = load("run")
    made = {"environment": {"torch": "2"}, "seed": 0}
    before = {**made, "peers": [{"target": name, "version": "1"} for name in "ab"]}
    now = {**made, "peers": [{"target": name, "version": "2"} for name in "ca"]}
    found = run.renewed(before, now, "abcd")
    assert [(record["target"], record["version"]) for record in found] == [("a", "2"), ("b", "1"), ("c", "2")]
    with pytest.raises(SystemExit, match="'torch': '2'"):
        run.renewed(before, {**now, "environment": {"torch": "3"}}, "abcd")
