"""Runs that end before their rounds are over."""

import math

import pytest
from pydantic import ValidationError

from fedprop.errors import RunFailed
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.ending import Until
from fedprop.simulation.engine import simulate


@pytest.mark.parametrize(
    ("until", "reading", "why"),
    [
        ({"accuracy": 0.9}, (0.9, 1.0, 0), "the test accuracy, 0.9000, has reached 0.9"),
        ({"accuracy": 0.9}, (0.89, 1.0, 9), ""),
        ({"loss": 0.5}, (0.1, 0.5, 0), "the test loss, 0.5000, has come down to 0.5"),
        ({"loss": 0.5}, (0.1, math.nan, 0), ""),
        ({"patience": 2}, (0.1, 1.0, 2), "no better test accuracy for 2 evaluations"),
        ({"patience": 2}, (0.1, 1.0, 1), ""),
        ({"accuracy": 0.9, "patience": 2}, (0.1, 1.0, 2), "no better test accuracy for 2 evaluations"),
    ],
)
def test_what_ends_a_run(until, reading, why):
    found = Until(**until).why(*reading)
    assert found.startswith(why)
    assert bool(found) == bool(why)


@pytest.mark.parametrize("wrong", [{}, {"accuracy": 0}, {"accuracy": 1.1}, {"loss": 0}, {"patience": 0}, {"rounds": 3}])
def test_an_end_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Until(**wrong)


@pytest.mark.parametrize(
    ("new", "old", "longer"),
    [
        ({"accuracy": 0.9}, {"accuracy": 0.8}, True),
        ({"accuracy": 0.8}, {"accuracy": 0.9}, False),
        ({"loss": 0.1}, {"loss": 0.2}, True),
        ({"patience": 3}, {"patience": 2, "accuracy": 0.5}, True),
        ({"patience": 3, "accuracy": 0.5}, {"patience": 2}, False),
        ({"patience": 1}, {"patience": 2}, False),
        ({"loss": 0.1, "patience": 3}, {"loss": 0.1, "patience": 2}, True),
        ({"loss": 0.1, "patience": 2}, {"loss": 0.2, "patience": 2}, True),
        ({"accuracy": 0.9, "loss": 0.1}, {"accuracy": 0.9, "loss": 0.2}, True),
    ],
)
def test_which_of_two_takes_longer(new, old, longer):
    assert Until(**new).outlasts(Until(**old)) is longer


def test_without_evaluations_on_the_way_there_is_no_such_end():
    with pytest.raises(ValidationError, match=r"`until` needs evaluations on the way: .*below `rounds`, 5; found 5"):
        Experiment(rounds=5, clients=2, evaluate_every=5, until={"accuracy": 0.5})


def test_a_run_ends_when_it_is_good_enough(play, log):
    whole = play(rounds=20)
    wanted = whole.rounds[5].accuracy
    first = next(record.round for record in whole.rounds if record.accuracy >= wanted)
    outcome = play(rounds=20, until={"accuracy": wanted})
    assert len(outcome.rounds) == first + 1 < 20
    assert outcome.rounds[-1].last
    assert outcome.end == ("until", f"the test accuracy, {outcome.test_accuracy:.4f}, has reached {wanted}")
    assert (whole.end.by, whole.end.why) == ("rounds", "")


def test_a_run_ends_when_patience_does(play):
    outcome = play(rounds=50, evaluate_every=2, until={"patience": 3})
    measured = [record.accuracy for record in outcome.rounds if record.accuracy is not None]
    assert max(measured[-3:]) <= max(measured[:-3])
    assert all(max(measured[i - 3 : i]) > max(measured[: i - 3]) for i in range(4, len(measured)))
    assert len(outcome.rounds) == 2 * len(measured) < 50
    assert outcome.end.by == "until"


def test_a_run_that_its_time_ends_says_so(play):
    assert play(rounds=100, max_seconds=3.0).end.by == "max_seconds"


class Tired:
    """Ends the run after some rounds."""

    def __init__(self, rounds, answer="enough"):
        self.rounds, self.answer, self.models = rounds, answer, []

    def on_event(self, event):
        """Not interested."""

    def on_round(self, record, snapshot):
        self.models.append(snapshot.parameters)
        snapshot.parameters.zero_()  # a watcher has a copy
        return self.answer if record.round + 1 == self.rounds else None


def test_a_watcher_ends_a_run_and_the_model_that_it_leaves_is_evaluated(configure):
    watcher = Tired(3)
    outcome = simulate(configure(rounds=20, evaluate_every=10, metrics="f1"), watcher)
    assert outcome.end == ("watcher", "enough")
    assert [record.accuracy for record in outcome.rounds] == [None] * 3
    assert outcome.test_accuracy == simulate(configure(rounds=3), Tired(9)).test_accuracy
    assert outcome.grades.numbers["f1"].value > 0
    assert watcher.models[-1].equal(outcome.parameters)
    assert not watcher.models[0].equal(watcher.models[1])


@pytest.mark.parametrize("answer", [True, ["enough"], 0])
def test_a_watcher_gives_a_reason_or_none(configure, answer):
    with pytest.raises(
        RunFailed, match="the watcher Tired must answer with a text, to end the run, or with None; found"
    ):
        simulate(configure(rounds=5), Tired(2, answer))
