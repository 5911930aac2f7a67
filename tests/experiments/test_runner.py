import asyncio

import pytest
import torch
from torch import nn

from fedprop.aggregators import Median
from fedprop.attacks import Attack
from fedprop.data import Dataset
from fedprop.errors import InvalidConfig, RunFailed, StoreError
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run, versions
from fedprop.experiments.store import RunStore, read_tensors
from fedprop.folders import claimed
from fedprop.params import ParameterLayout
from tests.experiments.runs import PRIVATE, Bystander, Cut, PowerCut, content, cut, experiment


@pytest.mark.parametrize("error", [PowerCut, StoreError, KeyboardInterrupt])
def test_what_ends_a_run_in_a_notebook_comes_out_as_it_is(toy, error):
    class Ending(Bystander):
        def on_round(self, record, snapshot):
            raise error("enough")

    async def notebook():
        run(experiment(), dataset=toy, watchers=[Ending()])

    with pytest.raises(error, match="enough"):
        asyncio.run(notebook())


def test_a_run_in_a_notebook_is_the_same(toy, tmp_path):
    """There an event loop runs already in the thread that calls `run`."""

    async def notebook():
        return run(experiment(), dataset=toy, out=tmp_path / "inside")

    inside, outside = asyncio.run(notebook()), run(experiment(), dataset=toy, out=tmp_path / "outside")
    assert inside.trace_sha256 == outside.trace_sha256
    assert torch.equal(inside.parameters, outside.parameters)
    assert content(tmp_path / "inside") == content(tmp_path / "outside")


class Waiting(Bystander):
    def __init__(self):
        super().__init__()
        self.told = []

    def on_activity(self, what):
        self.told.append(what)


def test_whoever_wants_to_know_is_told_what_takes_long(toy):
    watcher = Waiting()
    calm = {"network": {}, "faults": {}, "compute": {}, "policy": {"kind": "synchronous"}}
    run(experiment(**calm, rounds=1), dataset=toy, watchers=[Bystander(), watcher])
    assert watcher.told == ["attack sign_flip works on 2 updates", ""]


def test_a_run_in_memory_leaves_nothing_behind(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    watcher = Bystander()
    outcome = run(experiment(), dataset=toy, watchers=[watcher])
    assert [*tmp_path.iterdir()] == []
    assert tuple(watcher.rounds) == outcome.rounds
    assert len(outcome.rounds) == 6


def test_a_run_on_disk_is_the_same_and_complete(toy, tmp_path):
    folder, watcher = tmp_path / "deep" / "run", Bystander()
    outcome = run(experiment(), dataset=toy, out=folder, watchers=[watcher])
    assert outcome.trace_sha256 == run(experiment(), dataset=toy).trace_sha256
    store = RunStore(folder)
    assert store.events() == watcher.events
    assert tuple(store.rounds()) == outcome.rounds
    assert store.meta("settings") == experiment().model_dump(mode="json")
    assert store.meta("versions") == versions()
    assert len(store.meta("compromised")) == 2
    assert {path.name for path in folder.iterdir()} == {
        ".lock",
        "run.sqlite",
        "model.safetensors",
        "checkpoint-00000004.safetensors",
    }


def test_the_summary_counts(toy, tmp_path):
    run(experiment(), dataset=toy, out=tmp_path)
    store = RunStore(tmp_path)
    summary, events = store.meta("summary"), store.events()
    assert summary["accepted"] == sum(event.kind == "accepted" for event in events) > 0
    assert sum(summary["rejected"].values()) == sum(event.kind == "rejected" for event in events) > 0
    assert summary["rounds"] == 6
    assert summary["failed_rounds"] == sum(event.kind == "round_failed" for event in events)
    assert summary["test_error"] == 1 - summary["test_accuracy"]
    assert summary["virtual_seconds"] == events[-1].time


def test_a_private_run_says_what_it_cost(toy, tmp_path):
    outcome = run(experiment(training=PRIVATE), dataset=toy, out=tmp_path)
    summary = RunStore(tmp_path).meta("summary")
    spent = [epsilon for record in outcome.rounds for epsilon in record.epsilon.values()]
    assert 0.0 < summary["epsilon"] == max(spent) <= summary["target_epsilon"] == 2.0
    assert summary["delta"] == 0.001
    assert summary["noise_multiplier"] > 0.5


def test_without_privacy_the_summary_says_nothing_of_it(toy, tmp_path):
    run(experiment(), dataset=toy, out=tmp_path)
    assert "epsilon" not in RunStore(tmp_path).meta("summary")


def test_the_decisions_of_a_protocol_are_summed_up_and_survive_a_file(toy, tmp_path):
    calm = {"network": {}, "faults": {}, "compute": {}, "optimizer": {"kind": "fedavg"}}
    attack = {"kind": "sign_flip", "share": 0.25, "z": 90.0}
    outcome = run(experiment(defense="siren_plus", root={"size": 10}, attack=attack, **calm), dataset=toy, out=tmp_path)
    store = RunStore(tmp_path)
    rulings = [record.ruling for record in outcome.rounds if record.ruling is not None]
    made = store.meta("summary")["decisions"]
    assert sum(made["cases"].values()) == len(rulings) > 3
    assert made["rollbacks"] == sum(ruling.rollback for ruling in rulings) > 0
    assert made["banned"] == list(rulings[-1].banned)
    assert tuple(store.rounds()) == outcome.rounds


def test_a_rule_makes_no_decisions(toy, tmp_path):
    run(experiment(), dataset=toy, out=tmp_path)
    assert RunStore(tmp_path).meta("summary")["decisions"] == {}


def test_the_last_model_is_saved_by_name(toy, tmp_path):
    outcome = run(experiment(), dataset=toy, out=tmp_path)
    saved = read_tensors(tmp_path / "model.safetensors")
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    module.load_state_dict(saved)
    assert ParameterLayout.of(module).flatten(module).equal(outcome.parameters)


def test_the_summary_has_the_newest_finding_on_each_model(toy, tmp_path):
    configured = experiment(inference={"kind": "membership", "pairs": 6, "client": 1})
    outcome = run(configured, dataset=toy, out=tmp_path)
    newest = RunStore(tmp_path).meta("summary")["inference"]
    assert {(f["target"], f["attack"]) for f in newest} == {
        (target, attack) for target in ("global model", "client 1") for attack in ("threshold", "logistic_regression")
    }
    for shown in newest:
        rounds = [r for r in outcome.rounds if any(f.target == shown["target"] for f in r.findings)]
        assert shown["round"] == rounds[-1].round
        found = next(f for f in rounds[-1].findings if (f.target, f.attack) == (shown["target"], shown["attack"]))
        assert (shown["auc"], shown["advantage"]) == (found.numbers["auc"], found.numbers["advantage"])


def test_the_summary_says_how_far_targeted_attacks_came(toy, tmp_path):
    outcome = run(experiment(attack={"kind": "targeted", "share": 0.3, "inputs": 2}), dataset=toy, out=tmp_path)
    summary = RunStore(tmp_path).meta("summary")
    reading = outcome.rounds[-1].numbers["misclassification_confidence"]
    assert summary["numbers"]["misclassification_confidence"]["value"] == reading.value
    assert RunStore(tmp_path).rounds()[-1].numbers["misclassification_confidence"] == reading
    run(experiment(), dataset=toy, out=tmp_path / "untargeted")
    assert "misclassification_confidence" not in RunStore(tmp_path / "untargeted").meta("summary")["numbers"]


class Centred(nn.Linear):
    """Takes off the mean of the batch, which padding would change."""

    def forward(self, x):
        return super().forward(x - x.mean(0))


@pytest.mark.parametrize(
    ("module", "kind", "reason"),
    [(nn.Linear, "vectorized", ""), (Centred, "workers", "the model does not train in a stack as it does alone:")],
)
def test_the_outcome_and_the_summary_say_which_engine_trained_and_why(toy, tmp_path, module, kind, reason):
    outcome = run(experiment(model=None, rounds=1), dataset=toy, model=module(2, 2), out=tmp_path)
    summary = RunStore(tmp_path).meta("summary")
    assert (outcome.engine.kind, outcome.engine.reason) == (summary["engine"], summary["engine_reason"])
    assert outcome.engine.kind == kind
    assert outcome.engine.reason.partition(" updates")[0] == reason


def test_checkpoints_come_every_so_many_rounds(toy, tmp_path):
    with pytest.raises(PowerCut):
        run(experiment(checkpoint_every=2), dataset=toy, out=tmp_path, watchers=[Cut(5)])
    store = RunStore(tmp_path)
    assert [record.round for record in store.rounds()] == [0, 1, 2, 3]
    assert store.meta("checkpoint")["file"] == "checkpoint-00000003.safetensors"


def test_events_may_be_left_out(toy, tmp_path):
    run(experiment(keep_events=False), dataset=toy, out=tmp_path)
    store = RunStore(tmp_path)
    assert store.events() == []
    assert len(store.rounds()) == 6
    assert store.meta("summary")["accepted"] > 0


def test_without_checkpoints_there_is_no_checkpoint_file(toy, tmp_path):
    run(experiment(checkpoint_every=0), dataset=toy, out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "run.sqlite", "model.safetensors"}


def test_a_run_whose_rounds_all_failed_is_no_result(toy, tmp_path):
    hasty = experiment(policy={"kind": "synchronous", "deadline": 0.001}, rounds=2)
    with pytest.raises(RunFailed, match="all 2 rounds failed, 2 of them since `min_updates` = 1 must be reached"):
        run(hasty, dataset=toy)
    with pytest.raises(RunFailed):
        run(hasty, dataset=toy, out=tmp_path)
    summary = RunStore(tmp_path).meta("summary")
    assert (summary["test_error"], summary["test_accuracy"], summary["failed_rounds"]) == (None, None, 2)
    assert summary["failure"] == RunStore(tmp_path).meta("failure")


def test_some_failed_rounds_are_counted_with_the_commonest_reason(toy, tmp_path):
    outcome = run(
        experiment(policy={"kind": "synchronous", "deadline": 1.2, "min_updates": 3}), dataset=toy, out=tmp_path
    )
    summary = RunStore(tmp_path).meta("summary")
    failures = [record.failure for record in outcome.rounds if record.failure]
    assert 0 < summary["failed_rounds"] == len(failures) < 6
    assert summary["commonest_failure"] == max(failures, key=failures.count)
    assert "failure" not in summary


def test_folders_may_be_text_and_resume_needs_one(toy, tmp_path):
    run(experiment(), dataset=toy, out=str(tmp_path / "run"))
    assert RunStore(str(tmp_path / "run")).exists
    with pytest.raises(InvalidConfig, match="`resume` needs `out`, the folder of the run to go on with; found None"):
        run(experiment(), dataset=toy, resume=True)


def test_a_folder_in_use_is_refused(toy, tmp_path):
    with claimed(tmp_path), pytest.raises(StoreError, match="another process is running in"):
        run(experiment(), dataset=toy, out=tmp_path)


def test_what_cannot_be_written_down_is_refused_on_disk_alone(toy, tmp_path):
    class Held(Median):
        kind: str = "held"
        tensor: torch.Tensor

    held = experiment(defense=Held(tensor=torch.zeros(1)))
    with pytest.raises(InvalidConfig, match="what a run on disk is set to must be plain data"):
        run(held, dataset=toy, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run(held, dataset=toy)


def test_a_long_run_without_checkpoints_is_written_down_in_between(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("fedprop.experiments.recorder.HELD", 10)
    cut(experiment(checkpoint_every=0), tmp_path / "cut", 5, dataset=toy)
    assert len(RunStore(tmp_path / "cut").rounds()) >= 3
    run(experiment(checkpoint_every=0), dataset=toy, out=tmp_path / "cut", resume=True)
    run(experiment(checkpoint_every=0), dataset=toy, out=tmp_path / "whole")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


class Noisy(nn.Sequential):
    """A model that cannot be vectorized."""

    def __init__(self):
        super().__init__(nn.Linear(2, 2), nn.Dropout())


def test_what_cannot_be_set_up_leaves_no_folder(toy, tmp_path):
    with pytest.raises(InvalidConfig):
        run(experiment(), dataset=toy, model=nn.Linear(7, 2), out=tmp_path / "run")
    with pytest.raises(InvalidConfig):
        run(experiment(training={"engine": "vectorized"}), dataset=toy, model=Noisy(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_own_attack_dataset_and_module():
    class Backwards(Attack):
        """Sends the compromised clients' mean, reversed."""

        kind: str = "backwards"
        strength: float = 1.0

        def craft(self, view):
            return -self.strength * view.own.mean(dim=0).expand_as(view.own)

    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    mine = Dataset.from_arrays("mine", x[:40], (x[:40, 0] > 0).long(), x[40:], (x[40:, 0] > 0).long())
    plan = Experiment(rounds=20, clients=10, training={"lr": 0.5}, attack=Backwards(share=0.3, strength=30.0))
    torch.manual_seed(0)
    module = nn.Linear(4, 2)
    attacked = run(plan, dataset=mine, model=module)
    defended = run(plan.but(defense=Median()), dataset=mine, model=module)
    assert defended.test_accuracy > attacked.test_accuracy + 0.15
