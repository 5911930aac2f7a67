"""The command line, driven through `main` as the console script is."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fedprop import cli
from fedprop.experiments.store import RunStore

MY_RULE = """
from fedprop.aggregators import Aggregation, Aggregator

class MyRule(Aggregator):
    kind: str = "mine"
    scale: float = 1.0

    def combine(self, cohort, state):
        weights = cohort.updates.new_full((len(cohort.updates),), self.scale / len(cohort.updates))
        return Aggregation(weights @ cohort.updates, weights)
"""


# fedprop run


def test_run_shows_a_summary_and_writes_a_report(fedprop):
    code, out, err = fedprop("run", "run.yaml")
    assert (code, err.strip()) == (0, "")
    assert "test error" in out
    assert "3 (0 failed)" in out
    line, warning, *_ = out.splitlines()
    attacked = "sign_flip, 2 of 10 clients compromised; the rule tolerates 0 of 3 updates"
    assert line == f"mean · {attacked} · fedbuff · 0 failed rounds · 0 failed attacks"
    assert warning == "warning: 2 of 10 clients are compromised, and the rule tolerates 0 of 3 updates"
    assert "report: runs/small-run/report.html" in out
    assert Path("runs/small-run/report.html").is_file()


MY_ATTACK = """
from fedprop.attacks import Attack

class MyAttack(Attack):
    kind: str = "mine"

    def craft(self, view):
        return view.own[1:]
"""


def test_an_attack_that_fails_ends_the_run_with_exit_code_1_or_is_told(fedprop, summary):
    Path("mine.py").write_text(MY_ATTACK)
    attack = ["--set", "attack={kind: 'mine.py:MyAttack', share: 0.2}", "--set", "policy={kind: synchronous}"]
    code, out, err = fedprop("run", "run.yaml", *attack, "--set", "faults={}")
    assert (code, out) == (1, "")
    assert "attack mine failed in round 0: the attack MyAttack must answer with rows of shape [2, 650]" in err
    assert "Traceback" not in err
    found = summary("run.yaml", *attack, "--set", "faults={}", "--set", "attack_failures=honest")
    assert (found["failed_attacks"], found["compromised"], found["rounds"]) == (3, 2, 3)
    assert found["warnings"][-1].startswith(
        "attack mine failed 3 times and its clients answered honestly, first in round 0"
    )


def test_run_shows_what_was_inferred(fedprop):
    code, out, err = fedprop(
        "run", "run.yaml", "--set", "inference={kind: membership, pairs: 20, attacks: [threshold]}"
    )
    assert (code, err.strip()) == (0, "")
    assert re.search(r"threshold on global model .*auc 0\.\d{3}, advantage 0\.\d{3} \(round 2\)", out)


def test_run_shows_the_metrics_asked_for(fedprop):
    code, out, err = fedprop("run", "run.yaml", "--set", "metrics=[f1, per_client_accuracy]")
    assert (code, err.strip()) == (0, "")
    assert re.search(r"F1, mean over classes .* 0\.\d{4}, lowest 0\.\d{4} \(class \d\)", out)
    assert re.search(r"accuracy by client .* 0\.\d{4}, lowest 0\.\d{4} \(client \d\)", out)


def test_run_says_what_ended_it_and_which_model_was_best(fedprop):
    code, out, err = fedprop(
        "run", "run.yaml", "--set", "until={patience: 1}", "--set", "rounds=40", "--set", "keep_best=true"
    )
    assert (code, err.strip()) == (0, "")
    assert "failed; no better test accuracy for 1 evaluation)" in " ".join(out.replace("│", "").split())
    assert re.search(r"best round .* \d+", out)
    assert Path("runs/small-run/best.safetensors").is_file()


def test_json_is_one_object_and_nothing_else(fedprop):
    code, out, _ = fedprop("run", "run.yaml", "--json", "--out", "there")
    found = json.loads(out)
    assert code == 0
    assert set(found) >= {"test_accuracy", "test_error", "rounds", "virtual_seconds", "wall_seconds", "trace_sha256"}
    assert found["rounds"] == 3
    assert found["folder"] == "there"
    assert len(found["trace_sha256"]) == 64
    assert not Path("there/report.html").exists()


def test_same_seed_same_hash(summary):
    assert summary("run.yaml")["trace_sha256"] == summary("run.yaml")["trace_sha256"]
    assert [path.name for path in sorted(Path("runs").iterdir())] == ["small-run", "small-run-2"]


def test_seed_and_set_change_the_run(summary):
    plain = summary("run.yaml")
    changed = [
        summary("run.yaml", "--seed", 7),
        summary("run.yaml", "--set", "policy.buffer=2"),
        summary("run.yaml", "--set", "attack.0.share=0.4"),
        summary("run.yaml", "--set", "training.lr=1e-2", "--set", "rounds=2"),
    ]
    hashes = {run["trace_sha256"] for run in [plain, *changed]}
    assert len(hashes) == 5
    assert changed[0]["seed"] == 7
    assert changed[3]["rounds"] == 2


def test_options_win_over_set_and_file(summary):
    assert summary("run.yaml", "--set", "seed=3", "--seed", 7)["seed"] == 7
    assert RunStore(Path("runs/small-run")).meta("settings")["device"] == "cpu"


def mistakes():
    return {
        "missing file": (["run", "nowhere.yaml"], "cannot read nowhere.yaml"),
        "a folder": (["run", "."], "cannot read ."),
        "no YAML": (["run", "broken.yaml"], "broken.yaml is not valid YAML"),
        "no date": (["run", "run.yaml", "--set", "name=2020-13-45"], "not valid YAML: month must be in 1..12"),
        "no mapping": (["run", "list.yaml"], "list.yaml must hold a mapping of settings; found list"),
        "no text": (["run", "binary.yaml"], "cannot read binary.yaml"),
        "key given twice": (["run", "twice.yaml"], "every key may stand once; found ['rounds'] twice"),
        "unknown key": (["run", "run.yaml", "--set", "policy.bufer=2"], "`policy.bufer`: there is no such setting"),
        "unknown kind": (["run", "run.yaml", "--set", "defense={kind: krumm}"], "; found 'krumm'; did you mean krum?"),
        "unknown policy": (["run", "run.yaml", "--set", "policy={kind: relay}"], "; found 'relay'"),
        "kind is a list": (["run", "run.yaml", "--set", "defense={kind: [1]}"], "; found [1]"),
        "no kind": (["run", "run.yaml", "--set", "policy={buffer: 3}"], "`policy` must be a mapping with a `kind`"),
        "kind of no file": (["run", "run.yaml", "--set", "defense={kind: 'a.py:B'}"], "there is no file a.py"),
        "kind of no class": (["run", "run.yaml", "--set", "defense={kind: 'json:dumps'}"], "must be a subclass of"),
        "wrong value": (["run", "run.yaml", "--set", "rounds=many"], "`rounds` must be a valid integer"),
        "parts do not fit": (["run", "run.yaml", "--set", "policy.concurrency=11"], "number of clients, 10; found 11"),
        "no assignment": (["run", "run.yaml", "--set", "rounds"], "--set needs the form a.b=VALUE; found 'rounds'"),
        "assignment too deep": (["run", "run.yaml", "--set", "rounds.x=1"], "`x` cannot be set inside 3"),
        "value is no YAML": (["run", "run.yaml", "--set", "name=[a"], "--set name is not valid YAML"),
        "data folder": (["run", "run.yaml", "--set", "data.kind=mnist"], "FEDPROP_DATA_DIR"),
        "empty data folder": (["run", "run.yaml", "--set", "data.kind=mnist", "--data-dir", "."], "train-images"),
        "unknown device": (["run", "run.yaml", "--device", "abacus"], "`device` must name a torch device"),
        "device not here": (["run", "run.yaml", "--device", "meta"], "`device` must be available on this machine"),
        "negative seed": (["run", "run.yaml", "--seed", "-1"], "`seed` must be greater than or equal to 0"),
        "enormous seed": (["run", "run.yaml", "--seed", str(2**64)], "`seed` must be less than"),
        "seed is no number": (["run", "run.yaml", "--seed", "x"], "--seed"),
        "nobody compromised": (
            ["run", "run.yaml", "--set", "attack.0.share=0.01"],
            "run.yaml: `attack.share` must come to at least one of 10 clients for SignFlip; found 0.01",
        ),
        "nobody compromised in a cell": (
            ["sweep", "sweep.yaml", "--set", "axes.attack.Gaussian.attack.share=0.01"],
            "cell Mean / Gaussian: `attack.share` must come to at least one of 10 clients for Gaussian",
        ),
        "too many clients": (["run", "run.yaml", "--set", "clients=100000"], "`clients` must lie between 1 and"),
        "out is a file": (
            ["run", "run.yaml", "--out", "run.yaml"],
            "run.yaml must be a folder, or a place for one",
        ),
        "resume what": (["run", "run.yaml", "--resume"], "--resume needs --out"),
        "jobs of one run": (["run", "run.yaml", "--jobs", "2"], "--jobs needs --seeds"),
        "seed and seeds": (
            ["run", "run.yaml", "--seed", "1", "--seeds", "1..2"],
            "must not be given both; found 1 and",
        ),
        "seeds that fall": (["run", "run.yaml", "--seeds", "3..1"], "`seeds`: a range of seeds must ascend"),
        "seeds that are none": (["run", "run.yaml", "--seeds", "many"], "--seeds: `seeds` must be "),
        "resume seeds": (["run", "run.yaml", "--seeds", "1..2", "--resume", "--out", "x"], "--resume must be left out"),
        "unknown option": (["run", "run.yaml", "--sed", "1"], "No such option"),
        "unknown command": (["walk"], "No such command"),
        "report of nothing": (["report", "empty"], "empty holds neither a run nor a sweep"),
        "damaged run": (["report", "damaged"], "damaged/run.sqlite cannot be read"),
        "damaged sweep": (["report", "damaged sweep"], "sweep.json cannot be read"),
        "unknown family": (["list", "ducks"], "'ducks' is not one of"),
        "unknown schema": (["schema", "duck"], "`kind` must be one of experiment, sweep; found 'duck'"),
        "mistyped schema": (["schema", "sweeep"], "found 'sweeep'; did you mean sweep?"),
        "mistyped kind": (["list", "krumm"], "no kind or setting either; did you mean krum?"),
        "no sweep": (["sweep", "run.yaml"], "run.yaml holds a single experiment: `fedprop run` runs it"),
        "no run": (["run", "sweep.yaml"], "sweep.yaml holds a sweep: `fedprop sweep` runs it"),
        "no index": (["run", "run.yaml", "--set", "attack.²=3"], "`²` cannot be set inside [{"),
        "truth for a number": (["run", "run.yaml", "--set", "rounds=true"], "must be a number, not true or false"),
        "enormous number": (["run", "run.yaml", "--set", f"rounds={2**64}"], "`rounds` must be less than"),
        "missing base": (["sweep", "sweep.yaml", "--set", "base=nowhere.yaml"], "cannot read nowhere.yaml"),
        "bad cell": (
            ["sweep", "sweep.yaml", "--set", "axes.rule.Mean.defense.kind=x"],
            "cell Mean / Nobody: `defense`",
        ),
        "negative jobs": (["sweep", "sweep.yaml", "--jobs", "-1"], "--jobs"),
    }


@pytest.mark.parametrize("name", mistakes())
def test_a_mistake_gives_a_sentence_and_exit_code_2(fedprop, name):
    Path("broken.yaml").write_text("rounds: [3")
    Path("list.yaml").write_text("- 3")
    Path("binary.yaml").write_bytes(b"\xff\xfe\xff")
    Path("twice.yaml").write_text("rounds: 3\nrounds: 4")
    for folder, file in (("damaged", "run.sqlite"), ("damaged sweep", "sweep.json"), ("empty", "unrelated")):
        Path(folder).mkdir()
        Path(folder, file).write_text("{")
    before = sorted(Path().rglob("*"))
    arguments, sentence = mistakes()[name]
    code, out, err = fedprop(*arguments)
    assert code == 2
    assert sentence in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
    assert out == ""
    assert sorted(Path().rglob("*")) == before


def test_every_mistake_in_a_file_has_a_line(fedprop):
    code, _, err = fedprop("run", "run.yaml", "--set", "rounds=0", "--set", "clients=x", "--set", "training.lr=-1")
    assert code == 2
    settings = [line.removeprefix("fedprop: ").split(": ")[1].split(" ")[0] for line in err.splitlines()]
    assert settings == ["`rounds`", "`clients`", "`training.lr`"]


def test_a_folder_holds_one_run(fedprop, summary):
    first = summary("run.yaml", "--out", "there")
    files = {path: path.stat().st_mtime_ns for path in Path("there").iterdir()}
    for arguments, sentence in (
        ([], "there already holds a run, which is finished; choose another folder"),
        (["--resume"], "the run in there is finished; there is nothing to resume"),
        (["--resume", "--seed", "9"], "there holds a run of another configuration"),
    ):
        code, out, err = fedprop("run", "run.yaml", "--out", "there", *arguments)
        assert (code, out) == (2, "")
        assert sentence in err
    assert {path: path.stat().st_mtime_ns for path in Path("there").iterdir()} == files
    assert RunStore(Path("there")).meta("summary")["trace_sha256"] == first["trace_sha256"]


def test_going_on_with_nothing_begins_and_says_so(fedprop):
    code, _, err = fedprop("run", "run.yaml", "--out", "nowhere", "--resume")
    assert code == 0
    assert "nowhere holds no run to go on with; a new one begins there" in err


def test_a_run_that_fails_gives_exit_code_1(fedprop, monkeypatch):
    monkeypatch.setattr("fedprop.simulation.policies.asynchronous.MAX_TASKS_PER_UPDATE", 20)
    code, out, err = fedprop("run", "run.yaml", "--set", "policy.timeout=0.01")
    assert (code, out) == (1, "")
    assert "fedprop: round 0 came to no end" in err


def test_a_run_whose_rounds_all_failed_gives_exit_code_1_and_no_number(fedprop):
    hasty = ["--set", "policy={kind: synchronous, deadline: 0.001}"]
    code, out, err = fedprop("run", "run.yaml", *hasty)
    assert code == 1
    assert re.search(r"test error +│ failed", out)
    assert err.strip().startswith("fedprop: all 3 rounds failed, 3 of them since `min_updates` = 1 must be reached")
    code, out, _ = fedprop("run", "run.yaml", *hasty, "--json")
    found = json.loads(out)
    assert (code, found["test_error"], found["failed_rounds"]) == (1, None, 3)
    assert found["failure"].startswith("all 3 rounds failed")


def test_our_own_mistakes_are_not_hidden(monkeypatch):
    monkeypatch.setattr(cli, "app", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_report_of_a_run_and_of_a_sweep(fedprop, summary):
    summary("run.yaml", "--out", "a run")
    fedprop("sweep", "sweep.yaml", "--jobs", 1, "--out", "a sweep", "--json")
    for folder in ("a run", "a sweep"):
        code, out, _ = fedprop("report", folder)
        assert (code, out.strip()) == (0, f"report: {folder}/report.html")
        assert Path(folder, "report.html").is_file()


def test_a_rule_of_ones_own_by_file(summary):
    Path("my_rule.py").write_text(MY_RULE)
    mean = summary("run.yaml")
    mine = summary("run.yaml", "--set", "defense={kind: 'my_rule.py:MyRule'}")
    scaled = summary("run.yaml", "--set", "defense={kind: 'my_rule.py:MyRule', scale: 0.5}")
    assert mine["test_accuracy"] == mean["test_accuracy"]
    assert scaled["trace_sha256"] != mine["trace_sha256"]


def test_what_a_rule_prints_stays_out_of_the_answer(fedprop):
    Path("loud.py").write_text("print('loaded')\n" + MY_RULE.replace("return ", "print('asked'); return ", 1))
    loud = ["--set", "defense={kind: 'loud.py:MyRule'}", "--json"]
    code, out, err = fedprop("run", "run.yaml", "--set", "rounds=1", *loud)
    assert (code, json.loads(out)["failed_rounds"]) == (0, 0)
    assert "loaded" in err
    assert "asked" in err
    code, out, _ = fedprop("run", "run.yaml", "--set", "rounds=1", "--seeds", "0..1", "--jobs", "1", *loud)
    assert (code, len(json.loads(out)["cells"])) == (0, 2)


# The script itself


def test_the_console_script(tmp_path):
    def call(*arguments):
        code = "from fedprop.cli import main; main()"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)

    good = call("run", "run.yaml", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["rounds"] == 3
    bad = call("run", "nowhere.yaml")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("fedprop: cannot read nowhere.yaml")
    assert len(bad.stderr.splitlines()) == 1
