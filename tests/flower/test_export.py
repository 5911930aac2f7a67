"""An experiment as a Flower app: what is refused, what is written, and that it does what a simulation does."""

import importlib.util
import json
import tomllib

import pytest
import torch
import yaml

from fedprop.errors import InvalidConfig, StoreError
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import parse_experiment
from fedprop.experiments.runner import run
from fedprop.flower.export import export
from fedprop.params import ParameterLayout

SMALL = {
    "name": "Krum, small",
    "seed": 3,
    "rounds": 3,
    "clients": 5,
    "data": "digits",
    "model": "logistic_regression",
    "training": {"lr": 0.5, "batch_size": 32},
    "defense": {"kind": "krum", "f": 1, "m": 2},
    "attack": {"kind": "random", "share": 0.2},
    "evaluate_every": 2,
}
CLIPPING = {"kind": "norm_clipping", "max_norm": 1}


def test_what_an_app_cannot_carry_is_refused_in_a_sentence_and_nothing_written(tmp_path):
    mean = {"kind": "mean"}
    private = {"clip_norm": 1.0, "noise_multiplier": 1.0}
    refused = {
        "`policy.kind` must be synchronous": {"policy": {"kind": "fedbuff", "concurrency": 5, "buffer": 5}},
        "leave out `over_selection`": {"policy": {"kind": "synchronous", "cohort": 5, "min_updates": 5}},
        "not a protocol that clients take part in; found SirenPlus": {"defense": "siren_plus"},
        "as a classifier": {"defense": "deep_sight"},
        "`optimizer` must be fedavg with lr 1": {"optimizer": "fedadam", "defense": mean},
        "`central_privacy` and `training.privacy` must be left out": {"training": {"privacy": private}},
        "`defense_from` must be 0": {"defense_from": 1},
        "`until` must be left out": {"until": {"accuracy": 0.9}},
        "`max_seconds` must be left out": {"max_seconds": 9.0},
        "`keep_best` must be false": {"keep_best": True},
        "`variance_guard` must be false": {"variance_guard": True},
        "`inference` must be left out": {"inference": ["membership"]},
        "which trains on its own": {"attack": {"kind": "model_replacement", "share": 0.2}},
        "knows honest clients' updates": {"attack": {"kind": "alie", "share": 0.2, "knowledge": "full"}},
        "`speed` must be 1 for SignFlip": {"attack": {"kind": "sign_flip", "share": 0.2, "speed": 2}},
        "`data` must be named": {"data": None},
    }
    faults = []
    for sentence, change in refused.items():
        with pytest.raises(InvalidConfig) as told:
            export({**SMALL, **change}, "run.yaml", tmp_path / "app")
        if sentence not in str(told.value):
            faults.append(f"{sentence}: {told.value}")
    assert faults == []
    assert list(tmp_path.iterdir()) == []


def test_a_kind_in_a_file_is_refused_since_no_node_has_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("from fedprop import Median\n\nclass Mine(Median):\n    kind: str = 'mine'\n")
    with pytest.raises(InvalidConfig, match=r"`defense\.0\.kind` must be a kind that every node can import"):
        export({**SMALL, "defense": [{"kind": "mine.py:Mine"}]}, "run.yaml", tmp_path / "app")


def test_an_app_says_what_the_file_says_but_for_the_simulated_world(tmp_path):
    world = {"faults": {"dropout": 0.1}, "policy": {"kind": "synchronous", "deadline": 60.0}}
    assert export({**SMALL, **world}, "run.yaml", tmp_path / "deep" / "app") == ("faults",)
    app = tmp_path / "deep" / "app"
    assert yaml.safe_load((app / "experiment.yaml").read_text()) == {**SMALL, "policy": world["policy"]}
    told = tomllib.loads((app / "pyproject.toml").read_text())
    assert told["project"]["name"] == "krum-small"
    assert told["tool"]["flwr"]["app"]["components"] == {"serverapp": "server_app:app", "clientapp": "client_app:app"}
    assert "to 4\n" in (app / "README.md").read_text()
    assert [path.name for path in app.parent.iterdir()] == ["app"]


def test_a_folder_is_overwritten_only_if_told_and_only_an_app(tmp_path):
    app = tmp_path / "app"
    export(SMALL, "run.yaml", app)
    (app / "server_app.py").write_text("mine")
    (app / "notes.txt").write_text("mine, too")
    with pytest.raises(StoreError, match="exists already"):
        export(SMALL, "run.yaml", app)
    assert (app / "server_app.py").read_text() == "mine"
    export({**SMALL, "rounds": 4}, "run.yaml", app, overwrite=True)
    assert "ServerApp" in (app / "server_app.py").read_text()
    assert yaml.safe_load((app / "experiment.yaml").read_text())["rounds"] == 4
    assert (app / "notes.txt").read_text() == "mine, too"
    (app / "pyproject.toml").unlink()
    with pytest.raises(StoreError, match="must hold an app"):
        export(SMALL, "run.yaml", app, overwrite=True)


# With Flower


class Grid:
    """Ten nodes in this process, each with a context of its own."""

    def __init__(self, app, clients):
        from flwr.app import Context, RecordDict

        self.app = app
        self.nodes = {
            2**60 + client: Context(1, 2**60 + client, {"partition-id": client}, RecordDict(), {})
            for client in range(clients)
        }

    def get_node_ids(self):
        return list(self.nodes)

    def send_and_receive(self, messages, timeout=None):
        return [self.app(message, self.nodes[message.metadata.dst_node_id]) for message in messages]


def load(path):
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Exports an experiment and plays its app: the folder with its results."""
    pytest.importorskip("flwr", reason="needs the extra `flower`: nox -s flower")
    from flwr.app import Context, RecordDict
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)

    def play(settings):
        app, out = tmp_path / "app", tmp_path / "results"
        export(settings, "run.yaml", app)
        grid = Grid(load(app / "client_app.py").app, settings["clients"])
        load(app / "server_app.py").app(grid, Context(1, 1, {}, RecordDict(), {"results": str(out)}))
        return out

    return play


@pytest.mark.parametrize(
    "change",
    [
        {},
        {
            "attack": {"kind": "label_flip", "share": 0.2},
            "defense": [{"kind": "norm_clipping", "max_norm": 1}, "median"],
        },
        {"attack": {"kind": "sign_flip", "share": 0.2}, "defense": "fl_trust"},
    ],
    ids=["an attack on rows", "poisoned data", "a rule that asks the server's examples"],
)
def test_an_app_learns_what_a_simulation_learns(played, change):
    """With every node in every round, and rows that are a model apart by rounding alone."""
    from safetensors.torch import load_file

    settings = {**SMALL, **change}
    out, experiment = played(settings), parse_experiment(settings, "run.yaml")
    module, simulated = resolve(experiment).module, run(experiment)
    module.load_state_dict(load_file(out / "model.safetensors"))
    assert torch.allclose(ParameterLayout.of(module).flatten(module), simulated.parameters, atol=1e-5)
    rounds = json.loads((out / "rounds.json").read_text())
    assert [told["round"] for told in rounds] == [1, 2, 3]
    assert [sorted(told["test"]) == [] for told in rounds] == [True, False, False]
    assert rounds[-1]["test"]["accuracy"] == pytest.approx(simulated.rounds[-1].accuracy, abs=0.01)
