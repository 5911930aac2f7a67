"""What is killed, interrupted or left without room, and how it goes on."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedprop.cli.progress import LiveProgress
from fedprop.errors import WriteFailed
from fedprop.experiments.store import RunStore

KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from fedprop.experiments.experiment import load_experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import run as store

class Killer:
    def __init__(self, moment):
        self.moment = moment
    def on_event(self, event):
        if self.moment == ("event", event.seq):
            os.kill(os.getpid(), signal.SIGKILL)
    def on_round(self, record, snapshot):
        if self.moment == ("round", record.round):
            os.kill(os.getpid(), signal.SIGKILL)

def write_and_die(path, tensors, write=store.write_tensors):
    digest = write(path, tensors)
    if path.name.startswith("checkpoint-00000001"):
        os.kill(os.getpid(), signal.SIGKILL)
    return digest

experiment = load_experiment(Path("run.yaml"))
run(experiment)  # imports what the children would import one by one
for folder, moment in eval(sys.argv[1]).items():
    child = os.fork()
    if child == 0:
        if moment == ("checkpoint", 1):
            store.write_tensors = write_and_die
        run(experiment, out=Path(folder), watchers=[Killer(moment)])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, (folder, status)
"""


MOMENTS = {
    "at birth": ("event", 0),
    "before the first checkpoint": ("event", 9),
    "in the second round": ("round", 1),
    "between a checkpoint's files": ("checkpoint", 1),
    "at the end": ("round", 2),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_killed_run_goes_on_with_resume(fedprop, summary):
    subprocess.run([sys.executable, "-c", KILLED, repr(MOMENTS)], check=True)
    whole = summary("run.yaml", "--out", "whole")
    for folder in MOMENTS:
        assert RunStore(Path(folder)).meta("summary") is None
        code, _, err = fedprop("run", "run.yaml", "--out", folder, "--resume", "--seed", "5")
        assert code == 2
        assert "holds a run of another configuration" in err
        resumed = summary("run.yaml", "--out", folder, "--resume")
        assert resumed["trace_sha256"] == whole["trace_sha256"], folder
        assert resumed["accepted"] == whole["accepted"]
        assert RunStore(Path(folder)).events() == RunStore(Path("whole")).events()


@pytest.fixture
def ended(monkeypatch):
    """Ends the next run with an error when its first round has closed."""

    def end(error):
        def on_round(self, record, snapshot, usual=LiveProgress.on_round):
            monkeypatch.setattr(LiveProgress, "on_round", usual)
            raise error

        monkeypatch.setattr(LiveProgress, "on_round", on_round)

    return end


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--seed", 5], " --seed 5 --out runs/small-run --resume"),
        (["--out", "a b"], " --out 'a b' --resume"),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(fedprop, ended, arguments, more):
    ended(KeyboardInterrupt())
    code, out, err = fedprop("run", "run.yaml", *arguments)
    assert (code, out) == (130, "")
    command = f"fedprop run run.yaml{more}"
    assert f"what was saved is kept; go on with: {command}" in err
    assert fedprop(*shlex.split(command)[1:], "--json")[0] == 0


def test_a_terminated_run_says_how_to_go_on(fedprop, monkeypatch):
    def on_round(self, record, snapshot):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    monkeypatch.setattr("fedprop.cli.progress.LiveProgress.on_round", on_round)
    code, _, err = fedprop("run", "run.yaml", "--out", "there")
    assert code == 143
    assert "go on with: fedprop run run.yaml --out there --resume" in err
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_full_disk_gives_exit_code_1_and_says_how_to_go_on(fedprop, ended):
    ended(WriteFailed("run.sqlite cannot be written: database or disk is full"))
    code, out, err = fedprop("run", "run.yaml")
    assert (code, out) == (1, "")
    assert "fedprop: run.sqlite cannot be written: database or disk is full" in err
    assert "go on with: fedprop run run.yaml --out runs/small-run --resume" in err


def test_an_interrupted_sweep_says_how_to_go_on(fedprop, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fedprop.experiments.sweep.running.run_in", interrupt)
    code, _, err = fedprop("sweep", "sweep.yaml", "--jobs", 1)
    assert code == 130
    assert "go on with: fedprop sweep sweep.yaml --jobs 1" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_summary_that_cannot_be_printed_gives_exit_code_1(tmp_path):
    code = "from fedprop.cli import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "list", "models"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "fedprop: the output cannot be written: No space left on device\n")
