"""What an attack answers."""

from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from fedprop.types import Seconds


class Reply(NamedTuple):
    """What the compromised clients of a view do, in the order of its rows, and what the attack remembers of it.

    Attributes
    ----------
    rows : Tensor, shape [c, d]
        The updates that they send.
    examples : tuple of int, length c
        How many training examples each of them claims.
    lateness : tuple of float, length c
        Simulated seconds that each waits after an honest client would have answered; infinity: it never does.
    state : plain data
        What the attack wants to see in the `state` of its next view.
    """

    rows: Float[Tensor, "c d"]
    examples: tuple[int, ...]
    lateness: tuple[Seconds, ...]
    state: Any = None
