import asyncio
import copy
import re
from dataclasses import replace

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

POLICIES = {
    "synchronous": {"kind": "synchronous", "cohort": 4, "over_selection": 1.5, "deadline": 3.0},
    "fedbuff": {"kind": "fedbuff", "concurrency": 6, "buffer": 3, "timeout": 6.0, "max_staleness": 3},
    "fedasync": {"kind": "fedasync", "concurrency": 5, "timeout": 6.0},
}


def experiment(policy="synchronous", **settings):
    """Six rounds of eight clients with every fault there is."""
    defaults = {
        "rounds": 6,
        "clients": 8,
        "seed": 3,
        "model": "logistic_regression",
        "training": {"batch_size": 4, "epochs": 1},
        "policy": POLICIES[policy] if isinstance(policy, str) else policy,
        "compute": {"time": {"kind": "lognormal", "median": 1, "sigma": 1}},
        "network": {"latency": {"kind": "exponential", "mean": 0.2}, "loss": 0.05, "duplicate": 0.2},
        "faults": {"dropout": 0.1, "outages": {"up": {"kind": "exponential", "mean": 8}, "down": 2}},
        "attack": {"kind": "sign_flip", "share": 0.25},
        "optimizer": {"kind": "fedadam"},
    }
    return Experiment(**{**defaults, **settings})


@pytest.fixture(scope="module")
def toy():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(80) % 2
    x = torch.randn(80, 2, generator=draw) + 2.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:20], y[:20])


class Bystander:
    def __init__(self):
        self.events, self.rounds = [], []

    def on_event(self, event):
        self.events.append(event)

    def on_round(self, record, snapshot):
        self.rounds.append(record)


class PowerCut(Exception):
    pass


class Cut(Bystander):
    """Ends the run when a round closes, before anything of it is saved."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_round(self, record, snapshot):
        if record.round == self.at:
            raise PowerCut


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


def content(folder):
    """What a run's folder says, real time aside."""
    store = RunStore(folder)
    summary = {key: value for key, value in store.meta("summary").items() if key != "wall_seconds"}
    rounds = [{**vars(record), "wall_seconds": 0} for record in store.rounds()]
    return summary, store.events(), rounds, store.meta("totals"), (folder / "model.safetensors").read_bytes()


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


PRIVATE = {"batch_size": 4, "epochs": 1, "privacy": {"target_epsilon": 2.0, "delta": 0.001}}


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


@pytest.mark.parametrize(
    "settings", [{"training": PRIVATE}, {"central_privacy": {"clip_norm": 1, "noise_multiplier": 2}}]
)
def test_a_private_run_that_was_cut_off_remembers_what_was_spent(toy, tmp_path, settings):
    configured = experiment(**settings)
    run(configured, dataset=toy, out=tmp_path / "whole")
    with pytest.raises(PowerCut):
        run(configured, dataset=toy, out=tmp_path / "cut", watchers=[Cut(3)])
    run(configured, dataset=toy, out=tmp_path / "cut", resume=True)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


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


@pytest.mark.parametrize(
    ("policy", "every"), [("synchronous", 1), ("fedbuff", 1), ("fedasync", 1), ("fedbuff", 2), ("synchronous", 0)]
)
def test_a_run_cut_off_at_any_round_ends_as_if_it_had_not_been(toy, tmp_path, policy, every):
    configured = experiment(policy, checkpoint_every=every)
    run(configured, dataset=toy, out=tmp_path / "whole")
    for at in range(6):
        folder = tmp_path / f"cut at {at}"
        with pytest.raises(PowerCut):
            run(configured, dataset=toy, out=folder, watchers=[Cut(at)])
        run(configured, dataset=toy, out=folder, resume=True)
        assert content(folder) == content(tmp_path / "whole")


def test_a_task_keeps_the_rate_of_the_round_it_was_given_out_in_across_a_cut(toy, tmp_path):
    training = {"epochs": 1, "proximal": 1.0, "clip_norm": 0.5, "lr_schedule": {"kind": "exponential", "shrink": 0.5}}
    configured = experiment("fedbuff", training=training, optimizer={"kind": "fednova"})
    run(configured, dataset=toy, out=tmp_path / "whole")
    with pytest.raises(PowerCut):
        run(configured, dataset=toy, out=tmp_path / "cut", watchers=[Cut(3)])
    run(configured, dataset=toy, out=tmp_path / "cut", resume=True)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_run_may_be_cut_off_many_times(toy, tmp_path):
    for at in range(6):
        with pytest.raises(PowerCut):
            run(experiment(), dataset=toy, out=tmp_path / "cut", watchers=[Cut(at)], resume=True)
    run(experiment(), dataset=toy, out=tmp_path / "cut", resume=True)
    run(experiment(), dataset=toy, out=tmp_path / "whole")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_what_a_probe_found_survives_a_cut(toy, tmp_path):
    configured = experiment(inference={"kind": "membership", "pairs": 6, "every": 2, "client": 1})
    whole = run(configured, dataset=toy, out=tmp_path / "whole")
    assert whole.trace_sha256 == run(experiment(), dataset=toy).trace_sha256
    assert [bool(record.findings) for record in whole.rounds] == [False, True] * 3
    for at in range(1, 6):
        folder = tmp_path / f"cut at {at}"
        with pytest.raises(PowerCut):
            run(configured, dataset=toy, out=folder, watchers=[Cut(at)])
        run(configured, dataset=toy, out=folder, resume=True)
        assert content(folder) == content(tmp_path / "whole")


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


def test_a_folder_holds_one_run(toy, tmp_path):
    run(experiment(), dataset=toy, out=tmp_path)
    before = content(tmp_path)
    with pytest.raises(StoreError, match="already holds a run, which is finished; choose another folder"):
        run(experiment(), dataset=toy, out=tmp_path)
    with pytest.raises(StoreError, match="is finished; there is nothing to resume"):
        run(experiment(), dataset=toy, out=tmp_path, resume=True)
    assert content(tmp_path) == before


def cut(experiment, folder, at=2, **parts):
    with pytest.raises(PowerCut):
        run(experiment, out=folder, watchers=[Cut(at)], **parts)


def refusal(experiment, folder, **parts):
    with pytest.raises(StoreError) as caught:
        run(experiment, out=folder, resume=True, **parts)
    return str(caught.value)


def test_a_run_of_another_configuration_is_not_resumed(toy, tmp_path):
    cut(experiment(), tmp_path, dataset=toy)
    told = refusal(experiment(seed=4, attack={"kind": "sign_flip", "share": 0.375}), tmp_path, dataset=toy)
    assert told == (
        f"{tmp_path} holds a run of another configuration: `seed` was 3, and is 4 now; "
        "`attack.0.share` was 0.25, and is 0.375 now; choose another folder"
    )


def test_an_unfinished_run_is_told_how_to_go_on(toy, tmp_path):
    cut(experiment(), tmp_path, dataset=toy)
    with pytest.raises(StoreError, match=r"ended before its time, after 2 rounds with: PowerCut.*--resume"):
        run(experiment(), dataset=toy, out=tmp_path)


def test_a_run_with_other_data_or_another_model_is_not_resumed(toy, tmp_path):
    shifted = Dataset("toy", replace(toy.train, x=toy.train.x.roll(1, 0)), toy.test, toy.classes)
    torch.manual_seed(0)
    module, other = nn.Linear(2, 2), nn.Linear(2, 2)
    cut(experiment(), tmp_path, dataset=toy, model=module)
    assert "the data are other ones" in refusal(experiment(), tmp_path, dataset=shifted, model=module)
    for model in (other, nn.Sequential(module)):
        told = refusal(experiment(), tmp_path, dataset=toy, model=model)
        assert "the model is another one, or begins with other parameters" in told
    run(experiment(), out=tmp_path, resume=True, dataset=toy, model=copy.deepcopy(module))


OWN_RULE = """
from fedprop.aggregators import Aggregation, Aggregator

class Halved(Aggregator):
    kind: str = "halved"

    def combine(self, cohort, state):
        weights = cohort.updates.new_full((len(cohort.updates),), {} / len(cohort.updates))
        return Aggregation(weights @ cohort.updates, weights)
"""


def test_a_rule_by_place_is_known_by_its_place_and_its_text(toy, tmp_path):
    for name in ("mine.py", "yours.py"):
        (tmp_path / name).write_text(OWN_RULE.format(0.5))
    mine, yours = ({"kind": f"{tmp_path / name}:Halved"} for name in ("mine.py", "yours.py"))
    cut(experiment(defense=mine), tmp_path / "run", dataset=toy)
    assert RunStore(tmp_path / "run").meta("settings")["defense"] == mine
    assert "`defense.kind` was" in refusal(experiment(defense=yours), tmp_path / "run", dataset=toy)
    (tmp_path / "mine.py").write_text(OWN_RULE.format(0.25))
    told = refusal(experiment(defense=mine), tmp_path / "run", dataset=toy)
    assert f"the text of {mine['kind']} has changed" in told
    (tmp_path / "mine.py").write_text(OWN_RULE.format(0.5))
    run(experiment(defense=mine), dataset=toy, out=tmp_path / "run", resume=True)


def test_a_run_of_another_version_is_not_resumed(toy, tmp_path, monkeypatch):
    cut(experiment(), tmp_path, dataset=toy)
    monkeypatch.setattr("fedprop.experiments.identity.version", lambda name: "9.9")
    assert re.search("it was made by fedprop .*, and this is fedprop 9.9", refusal(experiment(), tmp_path, dataset=toy))


@pytest.mark.parametrize(
    ("policy", "sparse"),
    [
        ("synchronous", {"evaluate_every": 4}),
        ("fedbuff", {"evaluate_every": 4, "checkpoint_every": 4}),
        ("fedasync", {"checkpoint_every": 0}),
    ],
)
def test_a_finished_run_goes_on_for_more_rounds_as_if_it_had_been_so_long(toy, tmp_path, policy, sparse):
    short, long = (experiment(policy, rounds=rounds, **sparse) for rounds in (6, 9))
    run(long, dataset=toy, out=tmp_path / "whole")
    run(short, dataset=toy, out=tmp_path / "grown")
    outcome = run(long, dataset=toy, out=tmp_path / "grown", resume=True)
    assert content(tmp_path / "grown") == content(tmp_path / "whole")
    assert RunStore(tmp_path / "grown").meta("settings")["rounds"] == len(outcome.rounds) == 9
    assert "`rounds` was 9, and is 6 now" in refusal(short, tmp_path / "grown", dataset=toy)


def test_a_run_that_its_time_ended_goes_on_for_more_time(toy, tmp_path):
    whole = run(experiment(), dataset=toy, out=tmp_path / "whole")
    hurried = {"max_seconds": whole.rounds[2].time}
    run(experiment(**hurried), dataset=toy, out=tmp_path / "grown")
    told = refusal(experiment(**hurried, rounds=9), tmp_path / "grown", dataset=toy)
    assert "is finished; there is nothing to resume, unless `max_seconds` grows" in told
    run(experiment(), dataset=toy, out=tmp_path / "grown", resume=True)
    assert content(tmp_path / "grown") == content(tmp_path / "whole")


def test_a_run_whose_beginning_depends_on_its_length_does_not_go_on(toy, tmp_path):
    run(experiment(training=PRIVATE), dataset=toy, out=tmp_path / "private")
    told = refusal(experiment(training=PRIVATE, rounds=9), tmp_path / "private", dataset=toy)
    assert re.search(r"`training.privacy.noise_multiplier` was worked out as .*, and is .* for so many rounds", told)
    settings = {
        "defense": {"kind": "siren_plus", "penalty": {"share_of_rounds": 0.5}},
        "root": {"size": 10},
        "network": {},
        "faults": {},
        "compute": {},
        "optimizer": {"kind": "fedavg"},
    }
    run(experiment(**settings), dataset=toy, out=tmp_path / "protocol")
    told = refusal(experiment(**settings, rounds=9), tmp_path / "protocol", dataset=toy)
    assert "`defense` was worked out as 3.0, and is 4.5 for so many rounds" in told


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
