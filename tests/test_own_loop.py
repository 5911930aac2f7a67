"""docs/own_loop.md: each block is run where it says that it belongs, and does what the page says."""

import copy
import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

PAGE = Path(__file__).parent.parent / "docs" / "own_loop.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
X = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
Y = (X.sum(dim=1) > 0).long()


def blocks(library):
    """Those that begin with the library's name; of none, those that begin with an import of ours."""
    named = [block for block in BLOCKS if block.startswith("# ")]
    return [block for block in named if block.startswith(f"# {library}\n")] if library else BLOCKS[: -len(named)]


def accuracy(model):
    return float((model(X).argmax(dim=1) == Y).double().mean())


def train(model, client):
    """A step on a sixth of the data; client 0 sends a model of large numbers."""
    own = copy.deepcopy(model)
    if client == 0:
        with torch.no_grad():
            for parameter in own.parameters():
                parameter.fill_(1e3)
        return own
    x, y = X[client::6], Y[client::6]
    nn.functional.cross_entropy(own(x), y).backward()
    torch.optim.SGD(own.parameters(), lr=1.0).step()
    own.zero_grad()
    return own


def test_a_loop_of_ones_own_survives_a_byzantine_client():
    first, second = blocks(None)
    told = {"model": nn.Linear(3, 2), "rounds": 20, "clients": range(6), "train": train}
    exec(compile(first, "own_loop.md, a rule", "exec"), told)
    assert accuracy(told["model"]) > 0.85
    exec(compile(second, "own_loop.md, a rule with memory", "exec"), told)
    assert len(told["found"].weights) == 6
    assert told["memory"] is not None


def test_pfl_takes_a_rule_as_a_postprocessor():
    pytest.importorskip("pfl", reason="needs pfl: nox -s pipelines")
    import numpy as np
    from pfl.aggregate.simulate import SimulatedBackend
    from pfl.algorithm.base import NNAlgorithmParams
    from pfl.algorithm.federated_averaging import FederatedAveraging
    from pfl.data.dataset import Dataset
    from pfl.data.federated_dataset import FederatedDataset
    from pfl.data.sampling import get_user_sampler
    from pfl.hyperparam.base import NNTrainHyperParams
    from pfl.model.pytorch import PyTorchModel

    from fedprop import Krum, Mean

    (block,) = blocks("pfl")
    told = {}
    exec(compile(block, "own_loop.md, pfl", "exec"), told)

    def user(client):
        x, y = X[client::6], Y[client::6]
        # A user whose inputs are huge and whose labels are wrong pulls a mean away.
        return Dataset(raw_data=[1e4 * x, 1 - y] if client == 0 else [x, y], user_id=client)

    def learnt(rule):
        np.random.seed(0)
        torch.manual_seed(0)
        module = nn.Linear(3, 2)
        module.loss = lambda x, y: nn.functional.cross_entropy(module(x), y)
        module.metrics = lambda x, y: {}
        users = FederatedDataset(user, get_user_sampler("minimize_reuse", list(range(6))))
        model = PyTorchModel(module, torch.optim.SGD, torch.optim.SGD(module.parameters(), lr=1.0))
        FederatedAveraging().run(
            NNAlgorithmParams(10, 99, 6, None),
            SimulatedBackend(users, users, postprocessors=[told["Robust"](rule)] if rule else []),
            model,
            NNTrainHyperParams(local_batch_size=10, local_num_epochs=1, local_learning_rate=0.5),
            send_metrics_to_platform=False,
        )
        return module

    for ours, theirs in zip(learnt(Mean()).parameters(), learnt(None).parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4)
    assert accuracy(learnt(Krum(f=1, m=2))) > 0.85
    assert accuracy(learnt(None)) < 0.7


@pytest.fixture
def framework(monkeypatch):
    """ByzFL's, without its benchmark, which asks for plotting and vision packages."""
    if importlib.util.find_spec("byzfl") is None:
        pytest.skip("needs byzfl: nox -s pipelines")
    monkeypatch.setitem(sys.modules, "byzfl", importlib.util.module_from_spec(importlib.util.find_spec("byzfl")))
    return importlib.import_module("byzfl.fed_framework")


def test_byzfl_takes_a_rule_in_the_place_of_its_aggregator(framework, monkeypatch):
    from torch.utils.data import DataLoader, TensorDataset

    models = importlib.import_module("byzfl.fed_framework.models")
    monkeypatch.setattr(models, "small", lambda: nn.Linear(3, 2), raising=False)
    settings = {
        "model_name": "small",
        "device": "cpu",
        "learning_rate": 1.0,
        "weight_decay": 0.0,
        "milestones": [],
        "learning_rate_decay": 1.0,
        "optimizer_name": "SGD",
        "optimizer_params": {},
    }
    whole = DataLoader(TensorDataset(X, Y), batch_size=60)
    average = {"aggregator_info": {"name": "Average", "parameters": {}}, "pre_agg_list": [], "test_loader": whole}
    server = framework.Server({**settings, **average})
    learner = {
        "loss_name": "CrossEntropyLoss",
        "LabelFlipping": False,
        "nb_labels": 2,
        "momentum": 0.0,
        "store_per_client_metrics": False,
    }
    parts = [DataLoader(TensorDataset(X[c::5], Y[c::5]), batch_size=12) for c in range(5)]
    clients = [framework.Client({**settings, **learner, "training_dataloader": part}) for part in parts]
    gradients, updates = blocks("byzfl")
    told = {"server": server}
    exec(compile(gradients, "own_loop.md, ByzFL, gradients", "exec"), told)
    for _ in range(20):
        for client in clients:
            client.set_model_state(server.get_dict_parameters())
            client.compute_gradients()
        honest = [client.get_flat_gradients_with_momentum() for client in clients]
        server.update_model_with_gradients([*honest, torch.full_like(honest[0], 1e3)])
    assert accuracy(server.model) > 0.85
    exec(compile(updates, "own_loop.md, ByzFL, updates", "exec"), told)
    before = server.get_flat_parameters().clone()
    rows = [before + step for step in (0.1, 0.2, 0.3, 0.2, 0.1, 1e3)]
    server.update_model_with_weights(rows)
    moved = server.get_flat_parameters() - before
    assert 0.1 <= float(moved.min()) <= float(moved.max()) <= 0.3
