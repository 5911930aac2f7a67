"""A server optimizer may be anybody's: in a file by place, and wrong in every way."""

import pytest
import torch

from fedprop.aggregators import Aggregation
from fedprop.errors import RunFailed
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import simulate
from fedprop.simulation.optimizers import FedAvgM, ServerOptimizer
from fedprop.simulation.stepping import Basis, ServerStep


class InPlace(FedAvgM):
    """FedAvgM as one writes it in torch."""

    def step(self, parameters, aggregate, state, trainable):
        state["v"].mul_(self.momentum).add_(aggregate)
        return parameters.add_(self.lr * state["v"]), state


def test_an_optimizer_may_write_to_what_it_is_handed(play, log, configure):
    plain = play(policy={"kind": "fedbuff", "concurrency": 4, "buffer": 2}, optimizer=FedAvgM())
    changed = play(policy={"kind": "fedbuff", "concurrency": 4, "buffer": 2}, optimizer=InPlace())
    assert changed.trace_sha256 == plain.trace_sha256


def test_what_an_optimizer_writes_to_is_not_the_past():
    """Others hold the model before and its memory: a server that goes back begins there again."""
    step = ServerStep(InPlace(momentum=0.5), torch.ones(2, dtype=torch.bool))
    before = Basis(torch.zeros(2), {"v": torch.zeros(2)})
    after = step.take(before, Aggregation(torch.ones(2), torch.ones(1)), torch.ones(1))
    assert after.optimizer["v"].tolist() == [1, 1]
    assert before.parameters.tolist() == before.optimizer["v"].tolist() == [0, 0]


def test_an_optimizer_named_by_place_moves_the_model(tmp_path, monkeypatch, play):
    (tmp_path / "mine.py").write_text(
        "from typing import Literal\n"
        "from fedprop.simulation.optimizers import ServerOptimizer\n"
        "class Signed(ServerOptimizer):\n"
        "    kind: Literal['signed'] = 'signed'\n"
        "    def move(self, aggregate, state):\n"
        "        return self.lr * aggregate.sign(), state\n"
    )
    monkeypatch.chdir(tmp_path)
    start = play(rounds=1, optimizer={"kind": "mine.py:Signed", "lr": 0.25})
    end = play(rounds=2, optimizer={"kind": "mine.py:Signed", "lr": 0.25})
    torch.testing.assert_close((end.parameters - start.parameters).abs(), torch.full((6,), 0.25))
    assert Experiment(rounds=1, clients=1, optimizer="mine.py:Signed").optimizer.kind == "signed"


def test_an_optimizer_without_a_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from fedprop.simulation.optimizers import ServerOptimizer\nclass Nameless(ServerOptimizer): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"mine.py:Nameless must define kind \(a name, as in `kind: str = 'mine'`\)"):
        Experiment(rounds=1, clients=1, optimizer="mine.py:Nameless")


class Wrong(ServerOptimizer):
    """Makes one mistake."""

    kind: str = "wrong"
    method: str
    mistake: str

    def _err(self, method, right):
        if method != self.method:
            return right
        if self.mistake == "raises":
            raise ZeroDivisionError("division by zero")
        first, *rest = right if isinstance(right, tuple) else (right,)
        spoilt = {"shorter": lambda: first[..., :-1], "double": first.double, "floats": first.tolist}[self.mistake]()
        return (spoilt, *rest) if rest else spoilt

    def init(self, parameters):
        return self._err("init", parameters) if self.method == "init" else {}

    def prepare(self, rows, lengths, trainable):
        return self._err("prepare", rows)

    def finish(self, aggregate, weights, lengths, trainable):
        return self._err("finish", aggregate)

    def step(self, parameters, aggregate, state, trainable):
        return self._err("step", (parameters + aggregate, state))


@pytest.mark.parametrize(
    ("method", "mistake", "found"),
    [
        ("init", "floats", r"Wrong.init must answer with a state, tensors by name; found "),
        ("init", "raises", r"ZeroDivisionError: division by zero \(test_stepping.py, line"),
        (
            "prepare",
            "shorter",
            r"Wrong.prepare must answer with a tensor of shape \[6, 6\], .*; found a tensor of shape \[6, 5\]",
        ),
        ("prepare", "raises", r"ZeroDivisionError"),
        (
            "finish",
            "double",
            r"Wrong.finish must answer with a tensor .* torch.float32, on cpu; found .* torch.float64",
        ),
        ("finish", "raises", r"ZeroDivisionError"),
        ("step", "floats", r"Wrong.step must answer with a tensor of shape \[6\], .*; found list"),
        ("step", "shorter", r"Wrong.step must answer with a tensor of shape \[6\], .*; found a tensor of shape \[5\]"),
        ("step", "raises", r"ZeroDivisionError"),
    ],
)
def test_a_wrong_answer_fails_the_run_and_is_named(configure, log, method, mistake, found):
    with pytest.raises(RunFailed, match=f"optimizer wrong failed in `{method}`: {found}"):
        simulate(configure(optimizer=Wrong(method=method, mistake=mistake)), log)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (torch.zeros(6), "a model and a state; found a tensor"),
        ((torch.zeros(6), {"v": 1.0}), "a state, tensors by name; found {'v': 1.0}"),
    ],
    ids=["no pair", "no tensor"],
)
def test_a_step_has_two_halves(configure, log, answer, found):
    class Half(ServerOptimizer):
        kind: str = "half"

        def step(self, parameters, aggregate, state, trainable):
            return answer

    with pytest.raises(RunFailed, match=f"failed in `step`: Half.step must answer with {found}"):
        simulate(configure(optimizer=Half()), log)


def test_momentum_on_the_server_speeds_a_run_up(play):
    slow = {"rounds": 10, "training": {"lr": 0.02}}
    assert play(**slow, optimizer="fedavgm").rounds[-1].loss < play(**slow).rounds[-1].loss
