"""Updates whose bits have been flipped."""

from typing import Literal, Self, TypeAlias

import torch
from pydantic import PositiveInt, model_validator
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.types import Updates

BITS = (22, 30, 31, 32)
"""Which bits of a float32 are flipped, counted from 1 at the least significant: of the fraction the one that counts a
quarter, of the exponent the two that count most, and the sign. Counted from the other end they would hardly matter."""

MASK = sum(1 << (bit - 1) for bit in BITS) - (1 << 32)
"""These bits as an int32, which is negative because the sign is among them."""

Flips: TypeAlias = Literal["bits", "sign"]


class BitFlip(Attack):
    """The bit-flip attack, which has two meanings.

    - `bits`: of the first `coordinates` numbers of its own honest update, as float32, each compromised client flips the
      bits number 22, 30, 31 and 32. So 1.0 becomes about -2.3e19, and 0.0 about -4.6e19. A number that this makes
      infinite or no number at all is sent as the largest finite one, with the sign that it has. The paper has one of 20
      workers hit in each coordinate, whoever that is; here an attack changes what its own clients send, and no more.
    - `sign`: all compromised clients send minus the honest update of the first of them. Each client's own turned round
      is `SignFlip()`, which some libraries call bit flip as well.

    Attributes
    ----------
    flips : which of the two.
    coordinates : how many numbers of an update are hit.

    Raises
    ------
    pydantic.ValidationError
        If `coordinates` is set where it has no effect.

    Source: reconstructed from Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD" (2018), which Lu et al.
    (2024) cite, for `bits`; from the code of Xie, Koyejo and Gupta, "Zeno", ICML 2019, for `sign`.
    """

    kind: Literal["bit_flip"] = "bit_flip"
    flips: Flips = "bits"
    coordinates: PositiveInt = 1000

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(flips="sign"))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        own = view.own
        if self.flips == "sign":
            return -own[:1].repeat(len(own), 1)
        hit = sendable(flipped(own[:, : self.coordinates]), own)
        return torch.cat([hit, own[:, self.coordinates :]], dim=1)

    @model_validator(mode="after")
    def _has_an_effect(self) -> "BitFlip":
        if self.flips == "sign" and self.coordinates != type(self).model_fields["coordinates"].default:
            raise InvalidConfig(f"`coordinates` must be left out where `flips` is sign; found {self.coordinates}")
        return self


def flipped(values: Tensor) -> Tensor:
    """The numbers with `BITS` flipped, as float32; the largest one, with their sign, for those that are not finite.

    >>> flipped(torch.tensor([1.0, 0.0])).tolist()
    [-2.305843009213694e+19, -4.611686018427388e+19]
    """
    largest = torch.finfo(torch.float32).max
    found = (sendable(values, values.new_zeros(0, dtype=torch.float32)).view(torch.int32) ^ MASK).view(torch.float32)
    signed = torch.full_like(found, largest).copysign(found)
    return torch.where(found.isfinite(), found, signed)
