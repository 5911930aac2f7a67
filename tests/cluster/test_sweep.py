"""`fedprop sweep --on ray`: the results are those without it, whatever dies on the way."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from fedprop.experiments.runner import run
from fedprop.experiments.sweep import Sweep, cell_folder, cells, run_sweep
from fedprop.experiments.sweep.on_ray import on_ray
from tests.experiments.runs import content, cut

BASE = {
    "rounds": 3,
    "clients": 10,
    "checkpoint_every": 1,
    "data": {"kind": "digits"},
    "model": {"kind": "logistic_regression"},
}
OWN = """
import os
from pathlib import Path
from fedprop.aggregators import Aggregation, Aggregator

class Own(Aggregator):
    kind: str = "own"
    mark: str = ""

    def combine(self, cohort, state):
        if self.mark and not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), 9)
        weights = cohort.updates.new_full((len(cohort.updates),), 1.0 / len(cohort.updates))
        return Aggregation(weights @ cohort.updates, weights)

class Failing(Own):
    kind: str = "failing"

    def combine(self, cohort, state):
        return 1 / 0
"""


def sweep(rules, **settings):
    return Sweep(name="small", base={**BASE, **settings}, axes={"rule": rules})


def test_the_runs_are_those_without_ray_to_the_byte_also_where_a_worker_dies(cluster, tmp_path, monkeypatch):
    """One cell kills its worker the first time; its rule is known by a path relative to where the sweep began."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    own = {"kind": "own.py:Own", "mark": str(tmp_path / "died")}
    matrix = sweep({"Mean": {"defense": {"kind": "mean"}}, "Own": {"defense": own}})
    told = []
    there = run_sweep(matrix, "there", pool=on_ray(cluster.address), on_cell=told.append)
    assert (tmp_path / "died").exists()
    assert sorted(told, key=there.index) == there
    assert not [result.failure for result in there if result.failure]
    run_sweep(matrix, "here")
    for cell in cells(matrix):
        assert content(cell_folder(Path("there"), cell)) == content(cell_folder(Path("here"), cell))
    again = run_sweep(matrix, "there", pool=on_ray("127.0.0.1:1"))  # which nobody asks for anything
    assert [result.kept for result in again] == [True, True]
    assert not list(Path("there/cells").glob(".*"))


def test_a_cell_that_fails_says_why_and_where_to_look(cluster, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    matrix = sweep({"Failing": {"defense": {"kind": f"{tmp_path / 'own.py'}:Failing"}}, "Mean": {}})
    failing, mean = run_sweep(matrix, tmp_path / "out", pool=on_ray(cluster.address))
    assert "ZeroDivisionError" in failing.failure
    assert not mean.failure
    assert run_sweep(matrix, tmp_path / "out")[0].failure == failing.failure


def test_a_cell_that_was_cut_off_goes_on_from_its_checkpoint(cluster, tmp_path):
    matrix = sweep({"Mean": {}, "Median": {"defense": {"kind": "median"}}})
    for cell in cells(matrix):
        cut(cell.experiment, cell_folder(tmp_path / "cut", cell))
    shutil.copytree(tmp_path / "cut", tmp_path / "here")
    run_sweep(matrix, tmp_path / "cut", pool=on_ray(cluster.address))
    for cell in cells(matrix):
        run(cell.experiment, out=tmp_path / "whole" / cell.slug)
        there, whole = content(cell_folder(tmp_path / "cut", cell)), content(tmp_path / "whole" / cell.slug)
        assert there[1:] == whole[1:]


FILE = """
name: small
base: {rounds: 3, clients: 10, data: {kind: digits}, model: {kind: logistic_regression}}
axes:
  rule: {Mean: {defense: {kind: mean}}, Slow: {rounds: 4000, evaluate_every: 4000}}
"""


def test_it_is_interrupted_and_goes_on(cluster, tmp_path):
    (tmp_path / "sweep.yaml").write_text(FILE)
    line = [sys.executable, "-c", "from fedprop.cli import main; main()", "sweep", "sweep.yaml", "--on", "ray"]
    line += ["--address", cluster.address, "--out", "out", "--json"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr.readline().startswith("1 of 2")
        started.send_signal(signal.SIGINT)
        said = started.stderr.read()
    assert started.returncode == 128 + signal.SIGINT
    assert "interrupted" in said
    assert "what was saved is kept; go on with: fedprop sweep sweep.yaml --on ray" in said
    shorter = (tmp_path / "sweep.yaml").read_text().replace("4000", "4")
    (tmp_path / "sweep.yaml").write_text(shorter)
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second = done.stderr.strip().splitlines()
    assert first.endswith("(kept)")
    assert second.startswith("2 of 2: Slow, seed 0: test error 0.")
    assert len(json.loads(done.stdout)["cells"]) == 2
