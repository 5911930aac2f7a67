"""A real deployment: a SuperLink and four SuperNodes, one malicious, one that dies, one that is slow."""

import json
import queue
import signal

import pytest

from fedprop.errors import RunFailed
from fedprop.flower import loopback
from fedprop.flower.export import export
from fedprop.flower.guard import tagged
from fedprop.flower.loopback import Deployment, main
from fedprop.flower.processes import Line

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


class Told:
    """Processes that only say what they are to say, and note what was done to them."""

    tag = "tag"

    def __init__(self, out, lines, codes):
        self.out, self.codes, self.done, self.lines = out, codes, [], queue.Queue()
        for number, (name, text) in enumerate(lines):
            self.lines.put(Line(100.0 + number, name, text))

    def __call__(self, environment, folder):
        assert (environment["OMP_NUM_THREADS"], folder.name) == ("1", "app")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.append("all ended")

    def start(self, name, command):
        self.done.append(name)

    def ended(self, name):
        return self.codes.get(name)

    def signal(self, name, number):
        self.done.append((name, number))
        if number == signal.SIGCONT:
            told = {"round": 1, "when": [100.0, 110.0, 111.0], "test": {"accuracy": 0.5}}
            (self.out / "rounds.json").write_text(json.dumps([told]))


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Makes a deployment whose processes are told what to say."""

    def make(lines, codes=()):
        export(SMALL, "run.yaml", tmp_path / "app")
        processes = Told(tmp_path / "out", lines, dict(codes))
        monkeypatch.setattr(loopback, "Processes", processes)
        monkeypatch.setattr(loopback, "_script", str)
        monkeypatch.setattr(Deployment, "_wait_for", lambda *_: None)
        return Deployment(tmp_path / "app", tmp_path / "out", kill={3: 1}, slow={2: 0.01}), processes

    return make


def test_nodes_are_killed_and_stopped_as_they_train(told):
    training = "INFO :      client {0}: round {1}: training"
    lines = [("3", training.format(3, 2)), ("3", training.format(3, 1)), ("2", training.format(2, 1))]
    deployment, processes = told([("0", "Received successfully"), ("superlink", "Sent successfully"), *lines])
    deployment.run(60)
    assert processes.done == [
        *("superlink", "0", "1", "2", "3", "run"),
        ("3", signal.SIGKILL),
        ("2", signal.SIGSTOP),
        ("2", signal.SIGCONT),
        "all ended",
    ]
    events = [(event["node"], event["what"]) for event in json.loads((deployment.out / "events.json").read_text())]
    nodes = [(0, "received"), (3, "training"), (3, "training"), (3, "killed"), (2, "training"), (2, "stopped")]
    assert events == [*nodes, (2, "resumed")]
    assert (deployment.out / "timeline.png").exists()


@pytest.mark.parametrize(
    ("codes", "seconds", "sentence"),
    [
        ({"superlink": -9}, 60, "the SuperLink must run until the app has ended; it stopped"),
        ({"run": 1}, 60, "Flower must take the app; it refused it"),
        ({}, 0.2, "the app must end in time; it has not"),
    ],
)
def test_what_goes_wrong_is_told_with_the_last_lines(told, codes, seconds, sentence):
    deployment, processes = told([("superlink", f"line {number}") for number in range(9)], codes)
    with pytest.raises(RunFailed) as failed:
        deployment.run(seconds)
    assert str(failed.value).startswith(f"{sentence}. Last lines:")
    assert processes.done[-1] == "all ended"
    assert codes or "superlink: line 1" in str(failed.value)


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
