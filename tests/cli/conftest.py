"""A folder with a small run and a small sweep, and the console script to call."""

import json
import sys
from pathlib import Path

import pytest
import torch

from fedprop import cli
from fedprop.cli.child import CHANNEL

RUN = """
name: small run
rounds: 3
clients: 10
data: {kind: digits}
model: {kind: logistic_regression}
attack: [{kind: sign_flip, share: 0.2}]
policy: {kind: fedbuff, concurrency: 6, buffer: 3, timeout: 20}
compute: {time: {kind: lognormal, median: 1, sigma: 1}}
faults: {dropout: 0.1}
"""
SWEEP = """
name: small sweep
base: run.yaml
axes:
  rule:
    Mean: {defense: {kind: mean}}
    Median: {defense: {kind: median}}
  attack:
    Nobody: {attack: {kind: none}}
    Gaussian: {attack: {kind: gaussian, share: 0.2}}
seeds: [0]
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty folder with the two files in it, and a repeatable order of sums."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FEDPROP_DATA_DIR", raising=False)
    monkeypatch.setenv(CHANNEL, "")  # what is called here runs here, not in a child process
    Path("run.yaml").write_text(RUN)
    Path("sweep.yaml").write_text(SWEEP)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def fedprop(monkeypatch, capfd):
    """Runs a command: its exit code, and what it printed to both channels."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["fedprop", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return call


@pytest.fixture
def summary(fedprop):
    """Runs an experiment with --json and gives the object that it prints."""

    def call(*arguments):
        code, out, err = fedprop("run", *arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call
