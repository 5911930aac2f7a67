"""The best model of a run on disk, through cuts and extensions; and models as files that their modules load."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from fedprop.data import Dataset
from fedprop.errors import InvalidConfig, StoreError
from fedprop.experiments.best import BestModel
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.model_file import write_model
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.params import ParameterLayout
from fedprop.simulation.events import RoundRecord


def record(number, accuracy=None, failure=""):
    return RoundRecord(number, number, 1.0, 0.0, 1, 0, accuracy=accuracy, failure=failure)


@pytest.fixture(scope="module")
def toy():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(80) % 2
    x = torch.randn(80, 2, generator=draw) + 1.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:20], y[:20])


def wild(**settings):
    """Rounds whose accuracy goes up and down."""
    defaults = {"rounds": 7, "clients": 4, "model": "logistic_regression", "training": {"lr": 3.0, "batch_size": 4}}
    return Experiment(**{**defaults, "optimizer": {"kind": "fedavgm", "lr": 3.0}, "keep_best": True, **settings})


class Witness:
    """Remembers the model after each round."""

    def __init__(self, cut=None):
        self.models, self.cut = {}, cut

    def on_event(self, event):
        """Not interested."""

    def on_round(self, record, snapshot):
        self.models[record.round] = snapshot.parameters
        if record.round == self.cut:
            raise KeyboardInterrupt


def test_the_earliest_of_the_best_is_kept(tmp_path):
    module = nn.Linear(1, 1, bias=False)
    best = BestModel(module)
    for number, (accuracy, failure) in enumerate(
        [(0.9, "failed"), (0.5, ""), (None, ""), (0.7, ""), (0.7, ""), (0.6, "")]
    ):
        best.note(record(number, accuracy, failure), torch.tensor([float(number)]))
    best.write(tmp_path)
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        assert file.metadata() == {"round": "3", "test_accuracy": "0.7"}
        assert file.get_tensor("weight").item() == 3.0
    written = (tmp_path / "best.safetensors").stat().st_mtime_ns
    best.write(tmp_path)
    assert (tmp_path / "best.safetensors").stat().st_mtime_ns == written


def assert_best(folder, toy, witness):
    store = RunStore(folder)
    summary, rounds = store.meta("summary"), store.rounds()
    accuracies = [r.accuracy if r.accuracy is not None else -1 for r in rounds]
    assert summary["best_round"] == accuracies.index(max(accuracies))
    assert summary["best_accuracy"] == max(accuracies)
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    module.load_state_dict(load_file(folder / "best.safetensors"))
    assert ParameterLayout.of(module).flatten(module).equal(witness.models[summary["best_round"]])


def test_the_best_model_is_that_of_the_best_round(toy, tmp_path):
    witness = Witness()
    outcome = run(wild(), dataset=toy, out=tmp_path, watchers=[witness])
    assert len({r.accuracy for r in outcome.rounds}) > 2
    assert_best(tmp_path, toy, witness)


@pytest.mark.parametrize(
    "sparse", [{}, {"checkpoint_every": 3}, {"checkpoint_every": 0}, {"evaluate_every": 2}], ids=str
)
def test_it_survives_cuts_and_extensions(toy, tmp_path, sparse):
    witness = Witness()
    run(wild(**sparse, rounds=9), dataset=toy, out=tmp_path / "whole", watchers=[witness])
    for cut in (2, 5):
        folder = tmp_path / f"cut at {cut}"
        with pytest.raises(KeyboardInterrupt):
            run(wild(**sparse), dataset=toy, out=folder, watchers=[Witness(cut)])
        (folder / "best.safetensors").unlink(missing_ok=True)
        run(wild(**sparse), dataset=toy, out=folder, resume=True)
        run(wild(**sparse, rounds=9), dataset=toy, out=folder, resume=True)
        assert_best(folder, toy, witness)


def test_it_needs_a_folder(toy):
    with pytest.raises(InvalidConfig, match="`keep_best` needs `out`, the folder to keep the model in; found None"):
        run(wild(), dataset=toy)


def test_a_run_that_was_good_enough_goes_on_only_if_it_must_be_better(toy, tmp_path):
    run(wild(), dataset=toy, out=tmp_path / "whole")
    accuracies = [r.accuracy for r in RunStore(tmp_path / "whole").rounds()]
    low = accuracies[2]
    run(wild(until={"accuracy": low}), dataset=toy, out=tmp_path / "run")
    summary = RunStore(tmp_path / "run").meta("summary")
    assert (summary["ended_by"], summary["rounds"]) == (
        "until",
        next(i for i, a in enumerate(accuracies) if a >= low) + 1,
    )
    assert summary["ended"].endswith(f"has reached {low}")
    for settings, told in (
        ({"until": {"accuracy": low}}, "is finished; there is nothing to resume, unless `until` grows"),
        ({"until": {"accuracy": low}, "rounds": 9}, "is finished; there is nothing to resume, unless `until` grows"),
        ({"until": {"accuracy": low / 2}}, r"another configuration: `until.accuracy` was"),
    ):
        with pytest.raises(StoreError, match=told):
            run(wild(**settings), dataset=toy, out=tmp_path / "run", resume=True)
    run(wild(until={"patience": 90}), dataset=toy, out=tmp_path / "other")
    run(wild(), dataset=toy, out=tmp_path / "run", resume=True)
    assert [r.accuracy for r in RunStore(tmp_path / "run").rounds()] == accuracies


class Stops(Witness):
    """Ends the run after a round."""

    def on_round(self, record, snapshot):
        super().on_round(record, snapshot)
        return "enough" if record.round == 2 else None


def test_a_run_that_a_watcher_ended_goes_on_without_it(toy, tmp_path):
    whole = run(wild(), dataset=toy, out=tmp_path / "whole")
    ended = run(wild(), dataset=toy, out=tmp_path / "run", watchers=[Stops()])
    assert len(ended.rounds) == 3
    summary = RunStore(tmp_path / "run").meta("summary")
    assert (summary["ended_by"], summary["ended"]) == ("watcher", "enough")
    assert run(wild(), dataset=toy, out=tmp_path / "run", resume=True).trace_sha256 == whole.trace_sha256


class Tied(nn.Module):
    """Reads and writes with the same weight."""

    def __init__(self):
        super().__init__()
        self.read = nn.Linear(2, 2, bias=False)
        self.norm = nn.BatchNorm1d(2)
        self.write = nn.Linear(2, 2)
        self.write.weight = self.read.weight

    def forward(self, x):
        return self.write(self.norm(self.read(x)))


def test_a_model_with_tied_weights_is_loaded_strictly_and_stays_tied(toy, tmp_path):
    outcome = run(wild(model=None), dataset=toy, model=Tied(), out=tmp_path)
    for file in ("model.safetensors", "best.safetensors"):
        module = Tied()
        module.load_state_dict(load_file(tmp_path / file))
        assert module.write.weight is module.read.weight
    last = Tied()
    last.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert ParameterLayout.of(last).flatten(last).equal(outcome.parameters)
    assert last.norm.num_batches_tracked.dtype == torch.int64


def test_a_model_is_written_in_its_own_dtypes(tmp_path):
    module = nn.Linear(2, 1).to(torch.bfloat16)
    layout = ParameterLayout.of(module)
    before = module.weight.detach().clone()
    write_model(tmp_path / "model.safetensors", module, layout.flatten(module) + 1)
    assert load_file(tmp_path / "model.safetensors")["weight"].dtype == torch.bfloat16
    assert module.weight.equal(before)
