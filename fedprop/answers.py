"""What rules, stages and attacks must answer with: looked at once, where the answer is received."""

from typing import Any

import torch
from torch import Tensor

from fedprop.errors import WrongAnswer


def check_answer(
    who: str,
    part: str,
    found: Any,
    *,
    shape: tuple[int, ...],
    dtype: torch.dtype | None,
    device: torch.device,
    form: type[Any] = Tensor,
) -> None:
    """Refuse a part of somebody's answer that has another shape or dtype, or lies on another device.

    Parameters
    ----------
    who, part : whose answer it is and which part of it, as the sentence names them.
    dtype : None for any floating one.
    form : what may take the place of a tensor, if it has a shape, a dtype and a device too.

    Raises
    ------
    WrongAnswer
        If it does not fit.
    """
    like = isinstance(found, Tensor | form) and (found.shape, found.device) == (shape, device)
    if like and (found.dtype == dtype or (dtype is None and found.dtype.is_floating_point)):
        return
    wanted = f"{part} of shape {list(shape)}, {dtype or 'any floating dtype'}, on {device}"
    raise WrongAnswer(f"{who} must answer with {wanted}; found {described(found)}")


def described(found: Any) -> str:
    """What somebody answered with, in a few words.

    >>> described(torch.zeros(2, 3)), described([1.0])
    ('a tensor of shape [2, 3], torch.float32, on cpu', 'list')
    """
    if isinstance(found, Tensor):
        return f"a tensor of shape {list(found.shape)}, {found.dtype}, on {found.device}"
    return type(found).__name__
