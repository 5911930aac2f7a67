"""FedJAX: `federated_averaging` under its default backend, jax.jit, with the same layers written for haiku.

Its own `shuffle_repeat_batch` fills a batch across two passes; here it gives the common batches, so that everybody sees
as many pictures. The first round, which compiles, is not counted. FedJAX 0.0.17 calls `jax.tree_map`, which JAX has
since renamed; the old name is put back.
"""

import math
from typing import Any

import fedjax
import haiku as hk
import jax
import numpy as np
from fedjax.algorithms.fed_avg import federated_averaging
from work import Work, serve, timed

jax.tree_map = jax.tree_util.tree_map


class Client(fedjax.ClientDataset):
    """One client's data, in the common batches."""

    def shuffle_repeat_batch(self, hparams: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        examples = self.raw_examples
        return [{k: v[batch] for k, v in examples.items()} for batch in self.work.batches(len(self), self.random)]


def measure(work: Work) -> tuple[list[float], float]:
    clients, everything = _clients(work)
    model = fedjax.create_model_from_haiku(
        hk.transform(lambda batch: _layers(work.model, batch["x"])(batch["x"])),
        {key: value[:1] for key, value in everything.items()},
        lambda batch, logits: fedjax.metrics.unreduced_cross_entropy_loss(batch["y"], logits),
    )
    gradient = fedjax.model_grad(model)
    hparams = fedjax.ShuffleRepeatBatchHParams(batch_size=work.batch, num_steps=work.steps, num_epochs=None)
    algorithm = federated_averaging(gradient, fedjax.optimizers.sgd(work.lr), fedjax.optimizers.sgd(1.0), hparams)
    state = algorithm.init(_start(work, model.init(jax.random.PRNGKey(0))))

    def one_round() -> None:
        nonlocal state
        state, _ = algorithm.apply(state, clients)
        jax.block_until_ready(state.params)

    seconds = timed(one_round, work.rounds)
    return seconds, float(np.mean(model.train_loss(everything, model.apply_for_eval(state.params, everything))))


def _layers(model: str, x: Any) -> Any:
    """The layers of the torch models of these names in fedprop.models, channels last."""
    if model == "logistic_regression":
        return hk.Sequential([hk.Flatten(), hk.Linear(10)])
    padding = "VALID" if min(x.shape[1:3]) >= 10 else "SAME"
    convolutions = [
        layer
        for channels in (30, 50)
        for layer in (hk.Conv2D(channels, 3, padding=padding), jax.nn.relu, hk.MaxPool(2, 2, "VALID", channel_axis=-1))
    ]
    return hk.Sequential([*convolutions, hk.Flatten(), hk.Linear(200), jax.nn.relu, hk.Linear(10)])


def _start(work: Work, parameters: Any) -> Any:
    """The common initial parameters in haiku's places: [height, width, in, out], and [in, out] with channels last."""
    channels, found = 0, {}
    for (place, layer), (weight, bias) in zip(parameters.items(), work.start(), strict=True):
        if weight.ndim == 4:
            channels, weight = len(weight), np.moveaxis(weight, (2, 3), (0, 1)).swapaxes(2, 3)
        elif channels:
            side = math.isqrt(weight.shape[1] // channels)
            last = np.moveaxis(weight.reshape(-1, channels, side, side), 1, 3)
            channels, weight = 0, last.reshape(len(weight), -1).T
        else:
            weight = weight.T
        assert weight.shape == layer["w"].shape
        found[place] = {"w": weight, "b": bias}
    return found


def _clients(work: Work) -> tuple[list[tuple[int, Client, Any]], dict[str, Any]]:
    x, y, parts = work.data()
    pictures, clients = np.moveaxis(x, 1, -1), []
    for index, part in enumerate(parts):
        client = Client({"x": pictures[part], "y": y[part]})
        client.work, client.random = work, np.random.default_rng(index)
        clients.append((index, client, jax.random.PRNGKey(index)))
    return clients, {"x": pictures, "y": y}


if __name__ == "__main__":
    serve(measure, "fedjax")
