"""A real deployment: a SuperLink and four SuperNodes, one malicious, one that dies, one that is slow."""

import json

import pytest

from fedprop.flower.export import export
from fedprop.flower.guard import tagged
from fedprop.flower.loopback import Deployment, main

SMALL = {
    "name": "small",
    "rounds": 2,
    "clients": 4,
    "data": "digits",
    "model": "logistic_regression",
    "training": {"lr": 0.5, "batch_size": 16, "epochs": 4},
    "defense": "median",
    "attack": {"kind": "random", "share": 0.25},
    "compromised": "first",
}


def test_a_client_that_there_is_not_is_refused(tmp_path, capsys):
    export(SMALL, "run.yaml", tmp_path / "app")
    command = [str(tmp_path / "app"), "--out", str(tmp_path / "out"), "--kill", "4:1"]
    assert main(command) == 2
    assert "--kill must name clients from 0 to 3; found [4]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_rounds_go_on_without_the_dead_and_nothing_is_left_running(tmp_path):
    """Flower takes a minute to notice that a node is gone; the rest is the start of processes."""
    pytest.importorskip("flwr", reason="needs the extra `flower`: nox -s flower")
    out = tmp_path / "out"
    export(SMALL, "run.yaml", tmp_path / "app")
    deployment = Deployment(tmp_path / "app", out, kill={3: 1}, slow={2: 3.0})
    deployment.run(540)
    rounds = json.loads((out / "rounds.json").read_text())
    assert [len(told["weights"]) for told in rounds] == [3, 3]
    assert [told["failure"] for told in rounds] == ["", ""]
    assert rounds[-1]["test"]["accuracy"] > 0.8
    events = [(event["node"], event["what"]) for event in json.loads((out / "events.json").read_text())]
    assert events.count((3, "killed")) == 1
    assert (3, "sent") not in events
    assert [events.count((2, what)) for what in ("training", "stopped", "resumed", "trained", "sent")] == [2] * 5
    assert (out / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "model.safetensors").is_file()
    assert [*tagged(deployment.tag)] == []
