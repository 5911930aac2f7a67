import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest
import yaml
from pydantic import ValidationError

from fedprop.aggregators import AGGREGATORS
from fedprop.defenses import PROTOCOLS
from fedprop.errors import DataUnavailable, InvalidConfig, RunFailed
from fedprop.experiment import load_experiment
from fedprop.runner import run
from fedprop.store import RunStore
from fedprop.sweep import SWEEP_FILE, Sweep, cell_folder, cells, finished, load_sweep, run_sweep
from fedprop.sweep import running as sweeps

BASE = {"rounds": 2, "clients": 10, "data": {"kind": "digits"}, "model": {"kind": "logistic_regression"}}
AXES = {
    "rule": {"Mean": {"defense": {"kind": "mean"}}, "Krum 1": {"defense": {"kind": "krum", "f": 1}}},
    "attack": {
        "Nobody": {"attack": {"kind": "none"}},
        "Matched": {
            "per": "rule",
            "Mean": {"attack": {"kind": "sign_flip", "share": 0.2}},
            "Krum 1": {"attack": {"kind": "fang_krum", "share": 0.1}, "rounds": 1},
        },
    },
}


def a_sweep(**settings):
    return Sweep(**{"name": "small", "base": BASE, "axes": AXES, **settings})


RULES = ", ".join([*AGGREGATORS.kinds, *PROTOCOLS.kinds])


class Faulty:
    """A watcher that fails when the first round has closed."""

    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        raise ZeroDivisionError


def ignore(result):
    """Nobody listens."""


def test_cells_are_all_combinations_in_the_order_of_the_axes():
    made = cells(a_sweep(seeds=[3, 5]))
    assert [(cell.labels, cell.seed) for cell in made] == [
        (labels, seed)
        for labels in [("Mean", "Nobody"), ("Mean", "Matched"), ("Krum 1", "Nobody"), ("Krum 1", "Matched")]
        for seed in (3, 5)
    ]
    assert made[0].slug == "mean-nobody-seed3"
    assert made[0].label == "Mean, Nobody"
    assert {cell.experiment.name for cell in made} == {"small"}
    assert [cell.experiment.seed for cell in made[:2]] == [3, 5]


def test_a_choice_may_depend_on_an_earlier_one():
    mean, krum = (cell.experiment for cell in cells(a_sweep()) if cell.labels[1] == "Matched")
    assert (mean.attack[0].kind, mean.rounds) == ("sign_flip", 2)
    assert (krum.attack[0].kind, krum.rounds) == ("fang_krum", 1)


def test_a_choice_sets_paths():
    axes = {**AXES, "pace": {"slow": {"compute.time": 9.0, "training.lr": 0.5}}}
    assert {cell.experiment.training.lr for cell in cells(a_sweep(axes=axes))} == {0.5}
    assert {cell.experiment.compute.time.value for cell in cells(a_sweep(axes=axes))} == {9.0}


def test_a_choice_that_lacks_an_entry_is_refused():
    axes = {**AXES, "attack": {"Matched": {"per": "rule", "Mean": {}}}}
    with pytest.raises(InvalidConfig, match=r"`axes.attack.Matched.per`: needs an entry for 'Krum 1'; found none"):
        cells(a_sweep(axes=axes))


CONDITIONS = {
    "no axis": (
        {"per": "weather"},
        "attack.Matched.per`: needs an entry for 'weather' among the other axes, rule",
    ),
    "its own axis": ({"per": "attack"}, "needs an entry for 'attack' among the other axes, rule; found none"),
    "nearly an axis": ({"per": "rules"}, "found none; did you mean rule?"),
    "a mapping": ({"per": {}}, "needs an entry for {} among the other axes, rule; found none"),
    "nothing": ({"per": None}, "needs an entry for None among"),
    "a bare kind": (
        {"per": "rule", "Mean": "sign_flip", "Krum 1": {}},
        "attack.Matched.Mean` must be a mapping of",
    ),
    "no names": ({"per": "rule", "Mean": {3: 4}, "Krum 1": {}}, "must be a mapping of settings; found {3: 4}"),
    "no choice": ({"per": "rule", "Mean": {}, "Krum 1": {}, "Krum 2": {}}, "found 'Krum 2'; did you mean Krum 1?"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_that_cannot_be_is_refused(name):
    choice, sentence = CONDITIONS[name]
    with pytest.raises(InvalidConfig, match=re.escape(sentence)):
        cells(a_sweep(axes={**AXES, "attack": {"Matched": choice}}))


def test_every_mistake_in_the_cells_is_told_once():
    axes = {
        "rule": {"Mean": {"defense.kind": "maen"}, "Krum": {"defense": {"kind": "krum", "f": -1}}},
        "attack": {"Nobody": {}, "Everybody": {"attack": {"kind": "sign_flip", "share": 1.0}}},
    }
    with pytest.raises(InvalidConfig) as caught:
        cells(a_sweep(axes=axes, base={**BASE, "rounds": 0}, seeds=[0, 1, 2]))
    assert [line.partition(": ")[::2] for line in str(caught.value).splitlines()] == [
        ("cell Mean / Nobody", "`rounds`: Input should be greater than 0; found 0"),
        ("cell Mean / Nobody", f"`defense`: `kind` must be one of {RULES}; found 'maen'; did you mean mean?"),
        ("cell Mean / Everybody", "`attack.share`: Input should be less than 1; found 1.0"),
        ("cell Krum / Nobody", "`defense.f`: Input should be greater than or equal to 0; found -1"),
    ]


def test_a_sweep_made_without_a_check_is_checked():
    with pytest.raises(InvalidConfig, match="`sweep` must be an object of class Sweep"):
        cells({"axes": {}})
    with pytest.raises(InvalidConfig, match=r"`seeds.0`: Input should be greater than or equal to 0; found -1"):
        cells(Sweep.model_construct(name="x", base=BASE, axes=AXES, seeds=(-1,)))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"axes": {"rule": AXES["rule"]}}, "at least 2 items"),
        ({"axes": {**AXES, "pace": {}}}, "`axes.pace` must have at least one choice; found none"),
        ({"seeds": []}, "at least 1 item"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"paper": {"values": {"Krum": 3}}}, "valid dictionary"),
        ({"paper": {"values": {"Krum": {}}}}, "`paper.values.Krum` must be a choice of the first axis; .* mean Krum 1"),
        ({"paper": {"values": {"Mean": {"Noboby": 1}}}}, "must be a choice of the second axis; .* did you mean Nobody"),
        ({"axes": {**AXES, "pace": {"slow": {"seed": 3}}}}, "the sweep itself says `name` and `seeds`; found 3"),
        ({"seeds": range(2501)}, "must make at most 10,000 cells; found 10,004"),
    ],
)
def test_mistakes_in_a_sweep(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        a_sweep(**settings)


def test_a_measure_of_a_metric_needs_the_metric():
    with pytest.raises(InvalidConfig, match="`measures`: lowest_f1 needs f1 among the `metrics` of the cells"):
        cells(a_sweep(measures=["test_error", "lowest_f1"]))
    assert cells(a_sweep(measures=["lowest_f1"], base={**BASE, "metrics": "f1"}))


def test_a_cell_that_makes_no_experiment_is_named():
    axes = {**AXES, "rule": {"Krum": {"defense": {"kind": "krum", "f": 4}}}, "attack": {"Nobody": {}}}
    with pytest.raises(InvalidConfig, match=r"cell Krum / Nobody: `defense`: Krum needs n >= 2f \+ 3"):
        cells(a_sweep(axes=axes))


@pytest.mark.parametrize("labels", [("A b", "a-B"), ("é", "ü")])
def test_cells_must_have_folders_of_their_own(labels):
    axes = {"rule": {label: {} for label in labels}, "attack": {"Nobody": {}}}
    with pytest.raises(InvalidConfig, match="must name every cell's folder uniquely; found 2 cells"):
        cells(a_sweep(axes=axes))
    with pytest.raises(InvalidConfig, match="uniquely"):
        cells(a_sweep(seeds=[1, 1]))


def test_a_file_with_its_base_beside_it(tmp_path):
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE))
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "axes": AXES}, sort_keys=False))
    loaded = load_sweep(tmp_path / "sweep.yaml", ["seeds=[7]", "axes.attack.Nobody={rounds: 5}"])
    assert loaded.base == BASE
    assert loaded.seeds == (7,)
    assert cells(loaded)[0].experiment.rounds == 5
    changed = load_sweep(tmp_path / "sweep.yaml", ["base.rounds=7", "base.training.lr=0.5"])
    assert changed.base == {**BASE, "rounds": 7, "training": {"lr": 0.5}}
    with pytest.raises(InvalidConfig, match=r"cannot read .*nowhere.yaml"):
        load_sweep(tmp_path / "sweep.yaml", ["base=nowhere.yaml"])
    with pytest.raises(InvalidConfig, match="cell Mean / Nobody: `clients`"):
        load_sweep(tmp_path / "sweep.yaml", ["base={rounds: 1, clients: 0}"])


def test_a_file_of_the_other_sort_names_the_other_command(tmp_path):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(BASE))
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": BASE, "axes": AXES}))
    with pytest.raises(InvalidConfig, match=r"run.yaml holds a single experiment: `fedprop run` runs it"):
        load_sweep(tmp_path / "run.yaml")
    with pytest.raises(InvalidConfig, match=r"sweep.yaml holds a sweep: `fedprop sweep` runs it"):
        load_experiment(tmp_path / "sweep.yaml")


def test_running_fills_the_folder_and_tells_of_every_cell(tmp_path):
    told = []
    results = run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=told.append)
    assert results == told
    assert [result.cell for result in results] == cells(a_sweep())
    assert all(0 <= result.summary["test_error"] <= 1 and not result.failure for result in results)
    assert Sweep.model_validate(json.loads((tmp_path / SWEEP_FILE).read_text())) == a_sweep()
    assert sorted(path.name for path in (tmp_path / "cells").iterdir()) == sorted(r.cell.slug for r in results)


def test_finished_cells_are_kept_and_unfinished_ones_taken_up_again(tmp_path, monkeypatch):
    made = cells(a_sweep())
    calls = []

    def stop_after_two(cell, out, data_dir, run_cell=sweeps.run_cell):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(cell)
        return run_cell(cell, out, data_dir)

    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "run_cell", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    assert [finished(tmp_path, cell) is not None for cell in made] == [True, True, False, False]
    with pytest.raises(ZeroDivisionError):
        run(made[2].experiment, out=cell_folder(tmp_path, made[2]), watchers=[Faulty()])
    hashes = [finished(tmp_path, cell).summary["wall_seconds"] for cell in made[:2]]
    results = run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    assert [result.summary["wall_seconds"] for result in results[:2]] == hashes
    assert all(result.summary for result in results)


def test_other_settings_are_refused_before_anything_is_written(tmp_path):
    run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    note = (tmp_path / SWEEP_FILE).read_bytes()
    other = a_sweep(base={**BASE, "rounds": 3})
    with pytest.raises(InvalidConfig, match="holds a run of another configuration; choose another --out"):
        run_sweep(other, tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    assert (tmp_path / SWEEP_FILE).read_bytes() == note


def test_more_cells_may_be_added(tmp_path):
    run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    more = {**AXES, "rule": {**AXES["rule"], "Median": {"defense": {"kind": "median"}}}}
    more["attack"] = {"Nobody": AXES["attack"]["Nobody"]}
    results = run_sweep(a_sweep(axes=more), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    assert [result.cell.labels[0] for result in results] == ["Mean", "Krum 1", "Median"]


def test_missing_data_ends_the_sweep(tmp_path):
    missing = a_sweep(base={**BASE, "data": {"kind": "mnist"}})
    with pytest.raises(DataUnavailable):
        run_sweep(missing, tmp_path, data_dir=tmp_path, jobs=1, on_cell=ignore)
    assert not (tmp_path / "cells").exists()


def test_a_failed_cell_is_a_result(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RunFailed("round 0 came to no end")

    monkeypatch.setattr(sweeps, "run", fail)
    results = run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=1, on_cell=ignore)
    assert {(result.failure, len(result.summary)) for result in results} == {("round 0 came to no end", 0)}


MY_RULE = """
from fedprop.aggregators import Aggregation, Aggregator

class MyRule(Aggregator):
    kind: str = "mine"

    def combine(self, cohort, state):
        weights = cohort.updates.new_full((len(cohort.updates),), 1.0 / len(cohort.updates))
        return Aggregation(weights @ cohort.updates, weights)
"""


def test_several_processes_give_the_same_results(tmp_path):
    """Also for a rule that only a file knows, which could not be sent to another process as an object."""
    (tmp_path / "my_rule.py").write_text(MY_RULE)
    rule = {"kind": f"{tmp_path / 'my_rule.py'}:MyRule"}
    sweep = a_sweep(axes={"rule": {"Mine": {"defense": rule}}, "attack": {"A": {}, "B": {"rounds": 3}}})
    together = run_sweep(sweep, tmp_path / "together", data_dir=None, jobs=2, on_cell=ignore)
    alone = run_sweep(sweep, tmp_path / "alone", data_dir=None, jobs=1, on_cell=ignore)
    assert [r.cell.labels for r in together] == [r.cell.labels for r in alone]
    assert [r.summary["accepted"] for r in together] == [r.summary["accepted"] for r in alone] == [20, 30]
    assert all(RunStore(cell_folder(tmp_path / "together", r.cell)).meta("summary") == r.summary for r in together)


class DyingPool:
    """Stands in for a pool whose processes die."""

    def __init__(self, *_, **__):
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.ended

    def submit(self, *_):
        future = Future()
        future.set_exception(BrokenProcessPool("terminated abruptly"))
        return future

    def shutdown(self, *, cancel_futures):
        self.ended = cancel_futures


def test_a_process_that_dies_is_an_error_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "ProcessPoolExecutor", DyingPool)
    with pytest.raises(RunFailed, match="a cell's process died, perhaps for want of memory; try again with fewer"):
        run_sweep(a_sweep(), tmp_path, data_dir=None, jobs=2, on_cell=ignore)


def test_what_a_process_of_the_pool_does(tmp_path):
    summary, failure = sweeps._run_labels(a_sweep(), ("Mean", "Nobody"), 0, tmp_path, None)
    assert (summary["rounds"], failure) == (2, "")


ORPHANED = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from fedprop.sweep.workers import start_worker

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=start_worker)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "orphaned.py"
    script.write_text(ORPHANED)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as sweep:
        worker = int(sweep.stdout.readline())
        os.kill(worker, 0)
        sweep.kill()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its parent")
