"""The report on other libraries: its parts fit together, its page tells what was found, and a run cut short goes on."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks" / "peers"
SHOWN = {"f": 1, "rows": [[0.0], [3.0]], "byzantine": [1], "expected": [0.0], "found": "[3.0] instead of [0.0]"}
HELD = {"name": "shape", "verdict": "holds", "examples": 7}
BROKEN = {"name": "definition", "verdict": "broken", "statement": "S.", "source": "there", "counterexample": SHOWN}
OPEN = {"name": "hull", "verdict": "undecided", "examples": 2, "why": "9 inputs refused"}
MUTE = {"name": "kappa", "verdict": "unanswered", "why": "TypeError: no"}
TERMS = {
    "environment": {"torch": "2"},
    "code": "c0de",
    "seed": 0,
    "examples": 9,
    "patience": 5.0,
    "not_tried": {"X": "Y."},
}


@pytest.fixture
def load(monkeypatch):
    """A function that loads one of the scripts; they know each other by their plain names."""

    def loaded(name):
        spec = importlib.util.spec_from_file_location(name, PEERS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    for name in ("peers", "records", "page"):
        loaded(name)
    return loaded


@pytest.fixture
def run(load, monkeypatch, tmp_path):
    """The script that tries rules, told of three and of a folder of its own."""
    run = load("run")
    places = {"PAGE": "docs/peers.md", "RESULTS": "results/peers.json", "UNFINISHED": "build/peers.json"}
    for name, place in {"ROOT": "", **places}.items():
        monkeypatch.setattr(run, name, tmp_path / place)
    peers = tuple(run.Peer(name, "torch", f"theirs.{name}", "mean", (0,)) for name in ("a", "b", "c"))
    monkeypatch.setattr(run, "PEERS", peers)
    return run


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
    rules = {name for name, value in vars(load("rules")).items() if getattr(value, "__module__", "") == "rules"}
    assert {peer.target for peer in load("peers").PEERS} == {name for name in rules if not name.startswith("_")}


def test_a_finding_is_shown_with_its_input_and_both_answers(load):
    shown = load("page").section(record(HELD, BROKEN))
    assert "Holds: shape (7 inputs)." in shown
    assert "**definition** does not hold: S. (there)" in shown
    assert "    rows:      [[0.0], [3.0]]" in shown
    assert "    found:     [3.0] instead of [0.0]" in shown
    assert "Documented: another" in shown


def test_what_is_undecided_is_neither_held_nor_broken_and_shown(load):
    page, found = load("page"), record({**HELD, "why": "3 inputs refused"}, OPEN, MUTE, BROKEN)
    assert "| 1 | definition; undecided: hull, kappa |" in page.table([found])
    assert "Holds: shape (7 inputs; 3 inputs refused)." in page.section(found)
    assert "Undecided: hull (2 inputs; 9 inputs refused)." in page.section(found)
    assert "Undecided: kappa (0 inputs; TypeError: no)." in page.section(found)


def test_the_table_counts_and_names(load):
    line = load("page").table([record(HELD, BROKEN)]).splitlines()[-1]
    assert line == "| [theirs.Krum](#their_krum) | 1.0 | `krum` m=3 | 1 | definition |"


def test_the_page_says_what_was_left_out_and_what_it_tells_of(load):
    absent = {**record(), "version": None}
    written = load("page").page({**TERMS, "peers": [record(HELD), absent]})
    assert "Not tried: X, because Y." in written
    assert "Not installed, so not tried: theirs.Krum." in written
    assert "Run with torch 2; seed 0. A rule was given 5 seconds of real time for one input;" in written
    assert written.endswith("<!-- of the code c0de -->\n")


def test_what_was_found_on_the_same_terms_is_kept_with_what_is_said_now(load):
    before = {**TERMS, "peers": [{**asked("a"), "outcomes": [HELD]}, {**asked("gone"), "outcomes": [HELD]}]}
    now = {**TERMS, "peers": [{**asked("a"), "documented": "better"}, asked("b")]}
    assert load("records").kept(before, now) == {"a": {**asked("a"), "documented": "better", "outcomes": [HELD]}}


@pytest.mark.parametrize("term", ["environment", "code", "seed", "examples", "patience"])
def test_nothing_is_kept_that_was_found_on_other_terms(load, term):
    found = [{**asked("a"), "outcomes": [HELD]}]
    now = {**TERMS, "peers": [asked("a")]}
    assert not load("records").kept({**TERMS, term: "other", "peers": found}, now)
    assert not load("records").kept({name: value for name, value in TERMS.items() if name != term}, now)


@pytest.mark.parametrize("name", ["version", "as", "f", "n"])
def test_a_rule_that_was_asked_as_another_is_not_kept(load, name):
    found = [{**asked("a"), "outcomes": [HELD]}, {**asked("b"), name: "other", "outcomes": [HELD]}]
    now = {**TERMS, "peers": [asked("a"), asked("b")]}
    assert list(load("records").kept({**TERMS, "peers": found}, now)) == ["a"]


def test_the_code_is_told_by_all_files_that_decide_and_no_others(load, tmp_path):
    digest = load("records").digest
    (tmp_path / "fedprop" / "verify" / "deep").mkdir(parents=True)
    decides, other = tmp_path / "fedprop" / "verify" / "deep" / "claims.py", tmp_path / "fedprop" / "clock.py"
    decides.write_text("x = 1")
    first = digest(tmp_path)
    other.write_text("y = 1")
    assert digest(tmp_path) == first
    decides.write_text("x = 2")
    assert digest(tmp_path) != first


def test_a_run_that_was_cut_goes_on_where_it_stood(run, monkeypatch):
    tries = trying(run, monkeypatch, cut_before="b")
    with pytest.raises(KeyboardInterrupt):
        run.main()
    assert tries == ["a", "b"]
    assert not run.PAGE.exists()
    assert not run.RESULTS.exists()
    tries = trying(run, monkeypatch)
    assert run.main() == 0
    assert tries == ["b", "c"]
    assert [peer["target"] for peer in json.loads(run.RESULTS.read_text())["peers"]] == ["a", "b", "c"]
    assert "theirs.c" in run.PAGE.read_text()
    assert not run.UNFINISHED.exists()
    tries = trying(run, monkeypatch)
    assert run.main() == 0
    assert tries == []


@pytest.mark.parametrize(("words", "tried"), [(["c", "a"], ["a", "c"]), (["--anew"], ["a", "b", "c"])])
def test_named_rules_are_tried_anew_and_the_others_kept(run, monkeypatch, words, tried):
    trying(run, monkeypatch)
    assert run.main() == 0
    tries = trying(run, monkeypatch, *words)
    assert run.main() == 0
    assert tries == tried


def test_no_page_is_written_while_rules_are_left(run, monkeypatch, capsys):
    trying(run, monkeypatch, "b")
    assert run.main() == 1
    assert "docs/peers.md is not written: nothing is found yet of a, c" in capsys.readouterr().out
    assert not run.PAGE.exists()


def test_what_was_found_of_a_rule_that_fails_anew_is_not_told_again(run, monkeypatch):
    trying(run, monkeypatch)
    assert run.main() == 0
    before = run.PAGE.read_text()
    trying(run, monkeypatch, "a", fails="a")
    assert run.main() == 1
    assert run.PAGE.read_text() == before


def test_an_unknown_rule_is_refused(run, monkeypatch, capsys):
    trying(run, monkeypatch, "d")
    with pytest.raises(SystemExit, match="2"):
        run.main()
    assert "NAME must be one of a, b, c; found d" in capsys.readouterr().err


def test_a_rule_is_tried_with_the_terms_of_the_run_and_the_code_must_still_be_that(run, monkeypatch, tmp_path):
    (tmp_path / "rules.py").write_text("def a(rows):\n    return rows.mean(dim=0)\n")
    monkeypatch.setattr(run, "RULES", "rules.py")
    monkeypatch.setattr(run.patience, "PATIENCE", 1.0)
    monkeypatch.setattr(run.engine, "MAX_SHRINKING_SECONDS", 300)
    now = {**TERMS, "examples": 1, "code": run.digest(tmp_path), "patience": 77.0}
    found, seconds = run.tried(run.PEERS[0], now)
    assert found["command"] == "fedprop verify rules.py:a --f 0 --as mean --examples 1 --seed 0"
    assert "definition" in [outcome["name"] for outcome in found["outcomes"] if outcome["verdict"] == "holds"]
    assert run.patience.PATIENCE == 77.0
    assert seconds > 0
    report = SimpleNamespace(outcomes=(), command="")
    monkeypatch.setattr(run, "verify", lambda *_, **__: report)
    with pytest.raises(RuntimeError, match="the code was changed"):
        run.tried(run.PEERS[0], {**now, "code": "older"})


def test_a_library_that_is_not_there_has_no_outcomes(run):
    absent = run.Peer("a", "no-such-distribution", "theirs.a", "mean")
    found, _ = run.tried(absent, TERMS)
    assert (found["version"], found["outcomes"]) == (None, [])


def asked(target):
    """What is known of a rule before it is tried."""
    return {"target": target, "version": "1.0", "as": "mean", "f": [1], "n": None, "documented": ""}


def trying(run, monkeypatch, *words, cut_before="", fails=""):
    """The names of the rules that a run with such arguments tries, in a list that grows as it does."""
    tries = []

    def all_tried(wanted, now):
        for peer in wanted:
            tries.append(peer.target)
            if peer.target == cut_before:
                raise KeyboardInterrupt
            if peer.target != fails:
                yield {**run.asked(peer), "command": "fedprop verify it", "outcomes": [HELD]}

    monkeypatch.setattr(run, "_all_tried", all_tried)
    monkeypatch.setattr(sys, "argv", ["run.py", *words])
    return tries


def test_the_published_page_is_that_of_the_published_results(load):
    results = json.loads((ROOT / "benchmarks" / "results" / "peers.json").read_text(encoding="utf-8"))
    assert (ROOT / "docs" / "peers.md").read_text(encoding="utf-8") == load("page").page(results)
    assert [peer["target"] for peer in results["peers"]] == [peer.target for peer in load("peers").PEERS]
