"""The metrics asked for in a run: what they are handed, where their readings go, and what becomes of wrong ones."""

import pytest
import torch

from fedprop.errors import RunFailed
from fedprop.experiments.experiment import Experiment
from fedprop.metrics import Metric, Reading
from fedprop.simulation.evaluation import Evaluator
from fedprop.simulation.records import from_text, to_text

ALL = ["per_class_accuracy", "per_client_accuracy", "f1", "auc"]


def test_readings_stand_in_the_records_of_rounds_evaluated(play):
    outcome = play(rounds=4, evaluate_every=2, metrics=ALL)
    assert [[*record.numbers] for record in outcome.rounds] == [[], ALL, [], ALL]
    last = outcome.rounds[-1]
    assert from_text(to_text(last)) == last
    shares = torch.bincount(torch.arange(20) % 2) / 20
    by_class = last.numbers["per_class_accuracy"].parts
    assert last.accuracy == pytest.approx(sum(share * by_class[k] for k, share in enumerate(shares.tolist())))


def test_metrics_change_nothing_else(play):
    assert play(metrics=ALL).trace_sha256 == play().trace_sha256


def test_accuracy_by_client_is_that_on_the_data_of_each_honest_client(configure, play):
    settings = {"clients": 5, "attack": {"kind": "label_flip", "share": 0.4}, "metrics": "per_client_accuracy"}
    setup, outcome = configure(**settings), play(**settings)
    parts = outcome.rounds[-1].numbers["per_client_accuracy"].parts
    assert set(parts) == set(range(5)) - setup.compromised
    evaluate = Evaluator(setup.module, setup.dataset.test)
    for client, found in parts.items():
        held, pool = setup.shards.parts[client], setup.shards.pool
        own = type(pool)(pool.x[held], pool.y[held])
        assert found == pytest.approx(evaluate.score(outcome.parameters, own).accuracy)


class Odd(Metric):
    """Answers with whatever it is told."""

    kind: str = "odd"
    answer: object = None

    def measure(self, exam):
        return 1 / 0 if self.answer == "raise" else Reading(float("nan")) if self.answer == "nan" else self.answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (0.5, r"Odd.measure must answer with a Reading; found float"),
        (None, r"Odd.measure must answer with a Reading; found NoneType"),
        ("raise", r"ZeroDivisionError: division by zero"),
        ("nan", r"ValueError: a reading must hold finite numbers, or None and why; found nan"),
    ],
)
def test_a_wrong_metric_fails_the_run_and_is_named(play, answer, sentence):
    with pytest.raises(RunFailed, match=f"metric odd failed in round 0: {sentence}"):
        play(metrics=[Odd(answer=answer)])


def test_a_metric_is_named_once():
    with pytest.raises(ValueError, match="`metrics` must name each metric once; found f1 2 times"):
        Experiment(rounds=1, clients=2, metrics=["f1", {"kind": "f1"}])
