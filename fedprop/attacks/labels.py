"""Labels that an attacker wants."""

from torch import Tensor

from fedprop.errors import InvalidConfig


def check_label(name: str, label: int, classes: int) -> None:
    """Refuse a label, found in the setting of this name, that is none of the classes.

    Raises
    ------
    InvalidConfig
        If there is no such label.
    """
    if label >= classes:
        raise InvalidConfig(f"`{name}` must be below {classes}, the number of classes; found {label}")


def other_labels(label: int, y: Tensor, classes: int) -> Tensor:
    """Which of the labels y [n] are not the one wanted, as a mask [n]. Raises as `check_label` does."""
    check_label("label", label, classes)
    return y != label
