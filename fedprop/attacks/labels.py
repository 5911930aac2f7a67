"""Labels that an attacker wants."""

from torch import Tensor

from fedprop.errors import InvalidConfig


def other_labels(label: int, y: Tensor, classes: int) -> Tensor:
    """Which of the labels y [n] are not the one wanted, as a mask [n].

    Raises
    ------
    InvalidConfig
        If there is no such label.
    """
    if label >= classes:
        raise InvalidConfig(f"`label` must be below {classes}, the number of classes; found {label}")
    return y != label
