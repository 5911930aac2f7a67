"""ByzFL: its `Client` and `Server`, as its own training loop uses them.

With one step clients send gradients (`compute_gradients`), with several their parameters (`compute_model_update`).
ByzFL looks models up by name in its own module, so the common model is put there. The package's `__init__` loads
its benchmark, which needs torchvision, so the parts used here are loaded without it.
"""

import importlib
import importlib.util
import sys
from typing import Any

from torch.utils.data import DataLoader, TensorDataset
from work import Work, loss, serve, timed

sys.modules["byzfl"] = importlib.util.module_from_spec(importlib.util.find_spec("byzfl"))
framework = importlib.import_module("byzfl.fed_framework")
models = importlib.import_module("byzfl.fed_framework.models")


def measure(work: Work) -> tuple[list[float], float]:
    models.common = work.module
    loaders = _loaders(work)
    clients = [framework.Client(_client(work, loader)) for loader in loaders]
    server = framework.Server(_server(work, loaders[0]))

    def one_round() -> None:
        if work.steps == 1:
            for client in clients:
                client.compute_gradients()
            server.update_model_with_gradients([client.get_flat_gradients_with_momentum() for client in clients])
        else:
            for client in clients:
                client.compute_model_update(work.steps)
            server.update_model_with_weights([client.get_flat_parameters() for client in clients])
        state = server.get_dict_parameters()
        for client in clients:
            client.set_model_state(state)

    return timed(one_round, work.rounds), loss(server.model, work)


def _loaders(work: Work) -> list[Any]:
    x, y, parts = work.tensors()
    return [DataLoader(TensorDataset(x[part], y[part]), batch_size=work.batch, shuffle=True) for part in parts]


def _client(work: Work, loader: Any) -> dict[str, Any]:
    return _common(work) | {
        "loss_name": "CrossEntropyLoss",
        "LabelFlipping": False,
        "nb_labels": 10,
        "momentum": 0.0,
        "training_dataloader": loader,
        "store_per_client_metrics": False,
    }


def _server(work: Work, loader: Any) -> dict[str, Any]:
    average = {"name": "Average", "parameters": {}}
    return _common(work) | {"test_loader": loader, "aggregator_info": average, "pre_agg_list": []}


def _common(work: Work) -> dict[str, Any]:
    return {
        "model_name": "common",
        "device": work.device,
        "optimizer_name": "SGD",
        "learning_rate": work.lr,
        "weight_decay": 0.0,
        "milestones": [],
        "learning_rate_decay": 1.0,
    }


if __name__ == "__main__":
    serve(measure, "byzfl")
