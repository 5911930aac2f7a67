"""What the gradient of a model's last layer tells of labels."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.types import Vector


class LastLayer:
    """Where the weights of a model's last linear layer, [classes, features], lie in an update.

    Raises
    ------
    InvalidConfig
        If the model has no linear layer, or its weights are frozen.
    """

    def __init__(self, module: nn.Module, kind: str) -> None:
        layout = ParameterLayout.of(module)
        linear = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
        name = f"{linear[-1]}.weight".removeprefix(".") if linear else ""
        found = [entry for entry in layout.entries if entry.name == name and entry.trainable]
        if not found:
            raise InvalidConfig(f"`inference.kind` {kind} needs a model with a linear layer to train; found none")
        self._entry = found[0]
        self._module, self._layer = module, module.get_submodule(linear[-1])

    @property
    def classes(self) -> int:
        """How many outputs it has."""
        return self._entry.shape[0]

    def least_input(self, x: Tensor) -> float:
        """The least number that enters it while the model answers to inputs x [n, ...]; zero if that is above zero."""
        seen = [0.0]
        handle = self._layer.register_forward_pre_hook(lambda _, entering: seen.append(float(entering[0].min())))
        with torch.no_grad():
            self._module(x)
        handle.remove()
        return min(seen)

    def gradient(self, update: Vector) -> Float[Tensor, "classes features"]:
        """The direction of its weights' gradient, which a step of gradient descent goes against."""
        return -update[self._entry.start : self._entry.stop].view(self._entry.shape)


def likely_labels(gradient: Float[Tensor, "classes features"], count: int) -> Int[Tensor, " count"]:
    """The labels of a batch, guessed from the sums of the rows of the last layer's weight gradient.

    The row of class c is the mean of (p_c - [label is c]) h over the examples, with h what enters the layer. Where h is
    not negative and there is one example, its label has the one negative sum, which is exact. For several, the sum of a
    class that more of them have is taken to be so many times as far down: a guess.

    Source: Zhao, Mopuri and Bilen, "iDLG", 2020, section 3 (one example); Wainakh et al., "User-Level Label Leakage
    from Gradients", 2022 (several; reconstructed from memory, without its offset).

    >>> likely_labels(torch.tensor([[0.1, 0.2], [-0.4, -0.5], [0.3, 0.3]]), 1).tolist()
    [1]
    >>> likely_labels(torch.tensor([[-0.9], [-0.1], [-0.5]]), 3).tolist()
    [0, 2, 0]
    """
    sums = gradient.sum(dim=1)
    one = sums.clamp(max=0).sum() / count
    found = []
    for _ in range(count):
        label = int(sums.argmin())
        found.append(label)
        sums = sums.index_add(0, torch.tensor([label], device=sums.device), -one.reshape(1))
    return torch.tensor(found, device=gradient.device)
