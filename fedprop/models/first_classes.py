"""A model asked about the first of its classes alone."""

from torch import Tensor, nn


class FirstClasses(nn.Module):
    """The first `classes` outputs of another module, whose parameters and buffers are its own, in the same order.

    >>> import torch
    >>> FirstClasses(nn.Linear(4, 3), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, module: nn.Module, classes: int) -> None:
        super().__init__()
        self.module = module
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        """From what the other module takes to its outputs [..., classes]."""
        outputs: Tensor = self.module(x)
        return outputs[..., : self.classes]
