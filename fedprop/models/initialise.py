"""How weights start."""

from torch import nn


def initialise_as_he(module: nn.Module) -> None:
    """Draw the weights of all 2-D convolutions and linear layers, in place; their biases become zero.

    Source: He et al. 2015: normal with mean zero and variance 2 / fan-in, which keeps the size of signals that pass
    through layers with ReLU.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
