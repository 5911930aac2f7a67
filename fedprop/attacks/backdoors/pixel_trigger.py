"""A patch of pixels."""

from typing import Literal

from pydantic import PositiveInt
from torch import Tensor

from fedprop.attacks.backdoors.base import Trigger


class PixelTrigger(Trigger):
    """A square of equal pixels in the lower right corner, in every channel.

    Attributes
    ----------
    size : the square's side in pixels; larger than the image: all of it. Of inputs that are vectors, the last so many
        entries.
    value : what its pixels hold.

    Source: Gu, Dolan-Gavitt and Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain"
    (2017).

    >>> import torch
    >>> PixelTrigger(size=1, value=9).stamped(torch.zeros(1, 1, 2, 2)).tolist()
    [[[[0.0, 0.0], [0.0, 9.0]]]]
    """

    kind: Literal["pixel_trigger"] = "pixel_trigger"
    size: PositiveInt = 3
    value: float = 1.0

    def stamped(self, x: Tensor, member: int | None = None) -> Tensor:
        """A copy of the inputs [n, ..., height, width], or [n, length], with the square in each."""
        x = x.clone()
        if x.ndim > 2:
            x[..., -self.size :, -self.size :] = self.value
        else:
            x[..., -self.size :] = self.value
        return x
