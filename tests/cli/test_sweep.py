"""`fedprop sweep`, and `fedprop run` under several seeds."""

import json
import re
from pathlib import Path

from rich.console import Console

from fedprop.cli.matrix import trials_table, warnings_of
from fedprop.experiments.sweep import CellResult, Place


def test_sweep_shows_a_table_and_writes_a_report(fedprop):
    code, out, err = fedprop("sweep", "sweep.yaml", "--jobs", 1)
    assert code == 0
    assert "Median" in out
    assert "report: runs/small-sweep/report.html" in out
    first, *_, last = err.strip().splitlines()
    assert re.fullmatch(r"1 of 4, about \d+ s left: Mean, Nobody, seed 0: test error 0\.\d{3}.*", first)
    assert last.startswith("4 of 4: Median, Gaussian, seed 0: test error 0.")
    assert Path("runs/small-sweep/report.html").is_file()


def test_sweep_keeps_what_is_finished(fedprop):
    code, out, _ = fedprop("sweep", "sweep.yaml", "--jobs", 1, "--out", "there", "--json")
    first = json.loads(out)
    assert code == 0
    assert [(cell["labels"], cell["seed"], cell["failure"]) for cell in first["cells"]] == [
        (["Mean", "Nobody"], 0, ""),
        (["Mean", "Gaussian"], 0, ""),
        (["Median", "Nobody"], 0, ""),
        (["Median", "Gaussian"], 0, ""),
    ]
    times = {path: path.stat().st_mtime_ns for path in Path("there").rglob("*.s*") if path.name != "sweep.json"}
    assert len(times) == 4 * 3
    code, out, err = fedprop("sweep", "sweep.yaml", "--jobs", 1, "--out", "there", "--json")
    assert json.loads(out) == first
    assert err.splitlines()[0].startswith("1 of 4: Mean, Nobody, seed 0: test error 0.")
    assert all(line.endswith("(kept)") for line in err.strip().splitlines())
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_sweep_refuses_a_folder_with_other_settings_and_leaves_it_alone(fedprop):
    fedprop("sweep", "sweep.yaml", "--jobs", 1, "--out", "there", "--json")
    code, _, err = fedprop("sweep", "sweep.yaml", "--jobs", 1, "--out", "there", "--set", "base.rounds=2")
    assert code == 2
    code, _, err = fedprop("sweep", "sweep.yaml", "--out", "there", "--set", "axes.rule.Mean={rounds: 2}")
    assert code == 2
    assert "holds a run of another configuration: `rounds` was 3, and is 2 now; choose another folder" in err
    assert fedprop("report", "there")[0] == 0


def test_a_failed_cell_gives_exit_code_1_and_the_others_go_on(fedprop, monkeypatch):
    monkeypatch.setattr("fedprop.simulation.policies.asynchronous.MAX_TASKS_PER_UPDATE", 20)
    change = "axes.rule.Mean={defense: {kind: mean}, policy.timeout: 0.01}"
    code, out, _ = fedprop("sweep", "sweep.yaml", "--jobs", 1, "--json", "--set", change)
    assert code == 1
    failures = [cell["failure"] for cell in json.loads(out)["cells"]]
    assert [bool(failure) for failure in failures] == [True, True, False, False]
    code, out, _ = fedprop("sweep", "sweep.yaml", "--jobs", 1, "--set", change)
    assert code == 1
    assert re.search(r"Mean .*failed .*failed", out)
    assert "round 0 came to no end" in " ".join(out.split())
    assert "failed" in Path("runs/small-sweep/report.html").read_text()


def test_one_run_for_each_seed_and_a_table_of_all(fedprop):
    code, out, err = fedprop("run", "run.yaml", "--seeds", "1..3", "--jobs", 1, "--out", "there")
    assert (code, [line.partition(":")[0][:6] for line in err.strip().splitlines()]) == (
        0,
        ["1 of 3", "2 of 3", "3 of 3"],
    )
    assert "small run, 3 seeds" in out
    assert re.search(r"test error +│ 0\.\d{4} │ 0\.\d{4} +│ 0\.\d{4} │ 0\.\d{4} +│", out)
    shown = json.loads(fedprop("run", "run.yaml", "--seeds", "[1, 2, 3]", "--jobs", 1, "--out", "there", "--json")[1])
    assert [(cell["seed"], cell["labels"]) for cell in shown["cells"]] == [(1, []), (2, []), (3, [])]
    alone = json.loads(fedprop("run", "run.yaml", "--seed", 2, "--json")[1])
    assert shown["cells"][1]["trace_sha256"] == alone["trace_sha256"]
    assert fedprop("report", "there")[0] == 0


def test_a_mean_over_fewer_seeds_than_were_asked_for_says_over_how_many():
    def ended(seed, failure="", **values):
        told = {name: {"label": name, "value": value} for name, value in values.items()}
        return CellResult(Place((), seed), {"numbers": told}, failure)

    seeds = [
        ended(0, test_error=0.25, client_auc=0.5),
        ended(1, test_error=0.5, client_auc=None),
        ended(2, "no memory"),
    ]
    console = Console(width=200)
    with console.capture() as shown:
        console.print(trials_table("small", seeds))
    assert "small, 2 of 3 seeds" in shown.get()
    assert re.search(r"test error +│ 0\.3750 ", shown.get())
    assert re.search(r" \(1 seed\) +│ 0\.5000 │ – ", shown.get())
    assert re.search(r"seed 2 +│ failed", shown.get())


def test_seeds_tell_what_a_single_run_would_warn_of(fedprop):
    attack = "attack={kind: false_alarms, share: 0.2}"
    code, out, _ = fedprop("run", "run.yaml", "--seeds", "1..2", "--jobs", 1, "--set", attack)
    told = "warning: attack false_alarms had no effect: the defense asks no client what it holds of the global model"
    assert (code, out.count(told)) == (0, 1)
    some = [CellResult(Place((), seed), {"warnings": ["odd"] * (seed > 0)}) for seed in range(3)]
    assert warnings_of(some) == ["seed 1, 2: odd"]


def test_a_sweep_under_other_seeds(fedprop):
    code, out, _ = fedprop("sweep", "sweep.yaml", "--seeds", "4..5", "--jobs", 1, "--json")
    assert (code, [cell["seed"] for cell in json.loads(out)["cells"]]) == (0, [4, 5] * 4)
