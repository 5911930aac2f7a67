"""What is learnt: losses and right answers on a few numbers, and that nothing else assumes classes."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from fedprop.data import Dataset, Examples, MarkovText
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.metrics import Reading
from fedprop.models import WindowLM
from fedprop.params import ParameterLayout
from fedprop.simulation.events import RoundRecord
from fedprop.tasks import TASKS, Classification, MultiLabel, NextToken, Perplexity, Regression, TokenAccuracy
from fedprop.training import LocalTraining, Shards, Ticket, make_engine

LEARNT = {
    "rounds": 3,
    "clients": 6,
    "task": "next_token",
    "data": {"kind": "markov_text", "train_size": 240, "test_size": 60},
    "model": {"kind": "window_lm", "hidden": 16},
    "training": {"lr": 1.0, "epochs": 1, "batch_size": 10},
}


def test_the_loss_of_a_sequence_is_the_mean_of_its_tokens():
    """Two tokens of four: the model gives the first 3 to 1 against each other, and knows nothing of the second."""
    outputs = torch.tensor([[[math.log(3.0), 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    y, task = torch.tensor([[0, 2]]), NextToken()
    wanted = (math.log(2.0) + math.log(4.0)) / 2
    assert float(task.loss(outputs, y)) == pytest.approx(wanted)
    assert task.each(outputs[None], y[None]).tolist() == [[pytest.approx(wanted)]]
    assert task.right(outputs, y).tolist() == [[True, False]]


def test_stacks_and_batches_agree_and_classification_is_torchs_own():
    draw = torch.Generator().manual_seed(0)
    for task, shape in ((Classification(), ()), (NextToken(), (5,)), (Regression(), (7,)), (MultiLabel(), (7,))):
        outputs = torch.randn(3, 4, *([] if task.vectors else shape), 7, generator=draw)
        y = torch.randint(2 if task.vectors else 7, (3, 4, *shape), generator=draw)
        each = task.each(outputs, y)
        assert each.shape == (3, 4)
        for client in range(3):
            torch.testing.assert_close(task.loss(outputs[client], y[client]), each[client].mean())
            torch.testing.assert_close(task.loss(outputs[client], y[client], "sum"), each[client].sum())
    logits, labels = torch.randn(9, 3, generator=draw), torch.randint(3, (9,), generator=draw)
    assert torch.equal(Classification().loss(logits, labels), cross_entropy(logits, labels))


def test_outputs_of_another_shape_are_refused():
    ids, task = torch.zeros(2, 5, dtype=torch.int64), NextToken()
    assert task.refused(torch.zeros(2, 5, 8), ids, 8) == task.refused(torch.zeros(2, 5, 8), ids, None) == ""
    rule = "logits of shape [2, 5, 8], one tensor of floats"
    for wrong in (torch.zeros(2, 8), torch.zeros(2, 5, 9), torch.zeros(2, 4, 8), torch.zeros(2, 5, 8).long(), [0.0]):
        assert task.refused(wrong, ids, 8).startswith(f"{rule}; found ")
    assert Classification().refused(torch.zeros(2, 5, 8), ids, None).startswith("logits of shape [2, classes]")


def test_perplexity_is_e_to_the_loss():
    record = RoundRecord(0, 1, 1.0, 0.1, accepted=1, rejected=0, accuracy=0.25, loss=math.log(6.0))
    assert Perplexity().read(record, ()).value == pytest.approx(6.0)
    assert TokenAccuracy().read(record, ()) == Reading(0.25)
    for loss in (math.inf, math.nan, 1e4):
        found = Perplexity().read(RoundRecord(0, 1, 1.0, 0.1, 1, 0, 0.25, loss), ())
        assert found.value is None or loss == 1e4
        assert found.value is not None or found.why.startswith("the mean loss is")


@pytest.mark.parametrize("privacy", [None, {"clip_norm": 0.5, "noise_multiplier": 1e-9}])
def test_clients_learn_in_a_stack_what_they_learn_alone(privacy):
    data, module = MarkovText(train_size=30, length=6).load(None, 0), WindowLM().build((6,), 8, 0)
    shards = Shards(data.train, (torch.arange(12), torch.arange(12, 30)), NextToken())
    origin = ParameterLayout.of(module).flatten(module)
    tickets = [Ticket(client, client, origin) for client in range(2)]
    found = []
    for engine in ("sequential", "vectorized"):
        config = LocalTraining(lr=0.5, epochs=1, batch_size=5, privacy=privacy, engine=engine)
        found.append(torch.stack([result.update for result in make_engine(module, shards, config, 0)(tickets)]))
    assert found[0].norm() > 0.01
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_a_language_is_learnt_against_an_attack(tmp_path):
    """Sign flipping makes the mean worse than guessing, Krum holds it off, and no model beats the entropy."""
    attack = {"kind": "sign_flip", "share": 0.34, "z": 5}
    undefended = run(Experiment(**LEARNT, attack=attack))
    run(Experiment(**LEARNT, attack=attack, defense={"kind": "krum", "f": 1, "m": 3}), out=tmp_path)
    numbers = {kind: told["value"] for kind, told in RunStore(tmp_path).meta("summary")["numbers"].items()}
    assert undefended.grades.loss > math.log(8)
    assert math.exp(MarkovText().entropy(0)) < numbers["perplexity"] == math.exp(numbers["test_loss"]) < 7
    assert numbers["token_accuracy"] == numbers["test_accuracy"] > 0.3
    assert numbers["attackers_excluded"] == 1.0


@pytest.mark.parametrize(
    "defense",
    [{"kind": "fl_trust"}, {"kind": "siren_plus"}],
    ids=lambda defense: defense["kind"],
)
def test_a_server_with_examples_of_its_own_learns_tokens_too(defense):
    outcome = run(Experiment(**LEARNT, defense=defense, root={"size": 20}, metrics="per_client_accuracy"))
    assert outcome.grades.loss < math.log(8)
    parts = outcome.grades.numbers["per_client_accuracy"].parts
    assert all(0.2 < share < 0.8 for share in parts.values())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"attack": "label_flip"}, "`attack`: LabelFlip needs a `task` that tells classes apart"),
        ({"attack": [{"kind": "targeted"}]}, "`attack`: Targeted needs a `task` that tells classes apart"),
        ({"attack": "model_replacement"}, "`attack`: ModelReplacement needs a `task` that tells classes apart"),
        ({"metrics": "f1"}, "`metrics`: F1 needs a `task` that tells classes apart"),
        ({"inference": "membership"}, "`inference`: Membership needs a `task` .* found next_token"),
    ],
    ids=str,
)
def test_whoever_looks_at_classes_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Experiment(**{**LEARNT, **settings})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"data": "digits", "model": "mlp"},
            r"`data` must have a label for each position of an input, \[n, T\], for `task` next_token",
        ),
        ({"task": "classification"}, r"`data` must have a label for each example, \[n\], for `task` classification"),
        ({"partition": {"kind": "fang", "p": 0.5}}, "`classes` must be at least 2 for FangNonIID; found 1"),
        ({"model": "mlp"}, r"`model`: Sequential must"),
    ],
    ids=str,
)
def test_data_and_models_that_do_not_fit_are_refused(settings, sentence):
    with pytest.raises(InvalidConfig, match=sentence):
        resolve(Experiment(**{**LEARNT, **settings}))


def test_labels_of_sequences_are_as_long_as_these():
    ids = torch.zeros(3, 5, dtype=torch.int64)
    Dataset("mine", Examples(ids, ids), Examples(ids, ids), 2, sequences=True)
    with pytest.raises(InvalidConfig, match=r"`y_train` must be int64 of shape \[n, T\] as its inputs"):
        Dataset("mine", Examples(ids, ids[:, :4]), Examples(ids, ids), 2, sequences=True)
    with pytest.raises(InvalidConfig, match=r"labels must lie in 0 ... classes - 1"):
        Dataset("mine", Examples(ids, ids + 2), Examples(ids, ids), 2, sequences=True)


def test_every_task_can_be_named():
    named = [TASKS.parse(kind).kind for kind in TASKS.kinds]
    assert named == ["classification", "next_token", "regression", "multi_label"]
    assert Experiment(rounds=1, clients=2).task == Classification()
