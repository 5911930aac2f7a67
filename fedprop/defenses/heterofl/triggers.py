"""The examples that carry a watermark: noise of a class that no data have."""

import torch
from torch import Tensor


def random_triggers(x: Tensor, label: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`count` random inputs like those of x [n, ...], with a label that is nobody's, int64.

    Each entry is drawn on its own, uniformly between the smallest and the largest entry of x; of integers, such as
    token ids, each from the smallest to the largest is as likely. So of pictures it is noise from black to white.

    >>> x, y = random_triggers(torch.tensor([[0, 5], [7, 9]]), 4, 3, torch.Generator().manual_seed(0))
    >>> x.shape, x.dtype, y.tolist(), bool(((x >= 0) & (x <= 9)).all())
    (torch.Size([3, 2]), torch.int64, [4, 4, 4], True)
    """
    shape, labels = (count, *x.shape[1:]), torch.full((count,), label)
    least, most = (bound.item() for bound in x.aminmax())
    if not x.is_floating_point():
        return torch.randint(int(least), int(most) + 1, shape, generator=generator), labels
    return (least + (most - least) * torch.rand(shape, generator=generator)).to(x.dtype), labels
