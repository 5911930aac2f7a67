"""A patch of pixels that a backdoor listens to."""

from pydantic import PositiveInt
from torch import Tensor

from fedprop.types import Frozen


class PixelTrigger(Frozen):
    """A square of equal pixels in the lower right corner, in every channel.

    Attributes
    ----------
    size : the square's side in pixels; larger than the image: all of it. Of inputs that are vectors, the last so many
        entries.
    value : what its pixels hold.

    >>> import torch
    >>> PixelTrigger(size=1, value=9).stamped(torch.zeros(1, 1, 2, 2)).tolist()
    [[[[0.0, 0.0], [0.0, 9.0]]]]
    """

    size: PositiveInt = 3
    value: float = 1.0

    def stamped(self, x: Tensor) -> Tensor:
        """A copy of the inputs [n, ..., height, width], or [n, length], with the trigger in each."""
        x = x.clone()
        if x.ndim > 2:
            x[..., -self.size :, -self.size :] = self.value
        else:
            x[..., -self.size :] = self.value
        return x
