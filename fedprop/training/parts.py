"""Which examples each client holds, for a million clients."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import overload

import numpy as np
import torch
from torch import Tensor


class Parts(Sequence[Tensor]):
    """A sequence of vectors that lie in one, end to end: a client costs eight bytes beside its examples.

    Attributes
    ----------
    flat : all of them, one after the other; a part is a view of it.

    >>> parts = Parts([torch.tensor([4, 2]), torch.tensor([], dtype=torch.int64), torch.tensor([7])])
    >>> len(parts), parts[0].tolist(), parts[-1].tolist(), parts.sizes
    (3, [4, 2], [7], (2, 0, 1))
    """

    def __init__(self, parts: Sequence[Tensor]) -> None:
        """`parts` are vectors of one dtype on one device."""
        self.flat = torch.cat(list(parts)) if len(parts) else torch.empty(0, dtype=torch.int64)
        self._bounds = np.fromiter(accumulate(map(len, parts), initial=0), np.int64, len(parts) + 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The length of each."""
        return tuple(np.diff(self._bounds).tolist())

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, place: int) -> Tensor: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, place: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(f"a part must be one of {len(self)}; found {place}")
        place %= len(self)
        return self.flat[self._bounds[place] : self._bounds[place + 1]]

    def __iter__(self) -> Iterator[Tensor]:
        return (self.flat[start:stop] for start, stop in pairwise(self._bounds.tolist()))
