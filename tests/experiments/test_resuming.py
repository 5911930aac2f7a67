import copy
import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from fedprop.data import Dataset
from fedprop.errors import StoreError
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from tests.experiments.runs import PRIVATE, Cut, PowerCut, content, cut, experiment


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


def test_a_folder_holds_one_run(toy, tmp_path):
    run(experiment(), dataset=toy, out=tmp_path)
    before = content(tmp_path)
    with pytest.raises(StoreError, match="already holds a run, which is finished; choose another folder"):
        run(experiment(), dataset=toy, out=tmp_path)
    with pytest.raises(StoreError, match="is finished; there is nothing to resume"):
        run(experiment(), dataset=toy, out=tmp_path, resume=True)
    assert content(tmp_path) == before


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
