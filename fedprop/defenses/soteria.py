"""Soteria (Sun et al., CVPR 2021): clients send no gradient of the features that tell most about their examples."""

from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from fedprop.defenses.protocol import RoundProtocol
from fedprop.errors import InvalidConfig
from fedprop.training.steering import Lesson, Place, Stack, Steering, column

APART = 0.1
"""What is added to a feature's size before it divides, as in the authors' code: zero could not divide."""

ENTRIES = 2**24
"""How many entries derivatives may have that are worked out at once: 64 MiB in single precision."""


class Soteria(RoundProtocol):
    """Soteria (Sun et al., CVPR 2021): one layer's gradient pruned where it gives most away, by the client alone.

    The gradient of a fully connected layer gives away what the layer saw of the examples, r, and from that the examples
    can be rebuilt. In each step of local training a client weighs each feature by
    sum over its batch of ||d r_j / d X|| / (|r_j| + 0.1), and prunes those that weigh least, from which X follows best:
    their columns of that layer's gradient become zero. This is a defense of privacy; attacks on the model go on.

    - Pruned are the features below the percentile `share` of these weights, interpolated linearly: a few less than that
      share of all, and fewer where many weigh the same.
    - The authors' code divides by r_j + 0.1, which is the same for what comes out of a ReLU.
    - Columns are pruned before `training.clip_norm`, FedProx's pull included. Momentum and weight decay, which come
      after, may move a pruned weight all the same, and so does another batch that prunes others.
    - Which columns are zero hangs on the examples, and no noise covers it: `training.privacy` is refused beside it.
    - It costs as many backward passes a step as there are features. Models must run under `torch.func`, on inputs of a
      floating dtype, with no random layers.

    Attributes
    ----------
    share : the share of features to prune; the paper goes up to 0.8.
    layer : the name of the fully connected layer, as in `module.named_modules()`; None for the last one.

    Source: Sun, Li, Wang, Yang, Li and Chen, "Soteria: Provable Defense against Privacy Leakage in Federated Learning
    from Representation Perspective", CVPR 2021, Section 4, and the authors' code, from which it is reconstructed.
    """

    kind: Literal["soteria"] = "soteria"
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    layer: str | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(share=0.4)

    def train(self) -> "Pruning":
        return Pruning(self.share, self.layer)


class Pruning(Steering):
    """Prunes the gradient's columns of the features that weigh least."""

    looks: ClassVar[bool] = True

    def __init__(self, share: float, layer: str | None) -> None:
        self._share = share
        self._layer = layer

    def bend(self, gradients: Stack, place: Place) -> Stack:
        lesson = place.lesson()
        layer = _layer(lesson.module, self._layer)
        weight = f"{layer}.weight" if layer else "weight"
        if weight not in gradients:
            raise InvalidConfig(f"`layer` of Soteria must be trained; found no gradient of {weight!r}")
        if not lesson.x.shape[1]:
            return gradients  # an empty batch gives nothing away
        weights = feature_weights(lesson, layer)
        least = weights.quantile(self._share, dim=1, keepdim=True)
        pruned = column(weights < least, weights)[:, None, :]
        return {**gradients, weight: gradients[weight].masked_fill(pruned, 0.0)}


def feature_weights(lesson: Lesson, layer: str) -> Tensor:
    """How much each client's batch weighs each of the features [k, m] that a layer sees.

    Raises
    ------
    InvalidConfig
        If inputs are no floats, or the layer sees more than one vector of an example.
    """
    if not lesson.x.is_floating_point():
        raise InvalidConfig(f"Soteria needs inputs of a floating dtype, to differentiate by; found {lesson.x.dtype}")
    chunk = max(1, ENTRIES // lesson.x.numel())
    of_example = partial(_of_example, lesson.module, layer, chunk)
    each = vmap(vmap(of_example, in_dims=(None, 0)))(dict(lesson.state), lesson.x)
    return torch.where(lesson.real[:, :, None], each, 0.0).sum(dim=1)


def _of_example(module: nn.Module, layer: str, chunk: int, state: Stack, x: Tensor) -> Tensor:
    """||d r_j / d x|| / (|r_j| + 0.1) for each feature [m] of one example, `chunk` of them at a time."""
    pulled: Any = vjp(partial(_features, module, layer, state), x)
    features, pull = pulled
    units = torch.eye(len(features), dtype=features.dtype, device=features.device)
    slopes = vmap(lambda unit: pull(unit)[0].flatten().norm(), chunk_size=chunk)(units)
    weights: Tensor = slopes / (features.abs() + APART)
    return weights


def _features(module: nn.Module, layer: str, state: Stack, x: Tensor) -> Tensor:
    """What a layer sees [m] of one example."""
    seen: list[Tensor] = []
    part = module.get_submodule(layer)
    handle = part.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        functional_call(module, state, (x[None],))
    finally:
        handle.remove()
    if len(seen) != 1 or seen[0].numel() != part.in_features:
        found = [list(one.shape) for one in seen]
        raise InvalidConfig(f"Soteria needs a `layer` that sees one vector of each example; found {found}")
    return seen[0].flatten()


def _layer(module: nn.Module, name: str | None) -> str:
    """The name of the fully connected layer that is meant."""
    linear = [known for known, part in module.named_modules() if isinstance(part, nn.Linear)]
    if not linear or (name is not None and name not in linear):
        raise InvalidConfig(
            f"`layer` of Soteria must be a fully connected layer of the model, {linear}; found {name!r}"
        )
    return linear[-1] if name is None else name
