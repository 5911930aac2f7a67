"""All attackers say what one honest client says."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import torch
from pydantic import NonNegativeInt
from torch.nn.functional import normalize

from fedprop.attacks.base import Attack
from fedprop.attacks.sampling import afresh, normal
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Updates, Vector


class Mimic(Attack):
    """The mimic attack: all compromised clients send the update of one honest client, so that its data count too much.

    Each row sent is an honest one, which no rule that looks at one round can find fault with; where clients hold
    different data, a rule that leaves out what is rare leaves out the others. The client to copy is sought where honest
    updates scatter most. With mu the running mean of the rounds' means, each round that the attack answers takes a step
    of power iteration towards their top direction z,

        u = sum_i <g_i - mu, z> (g_i - mu),    z <- t / (1 + t) z + 1 / (1 + t) u / |u|, at length 1,

    and the client with the largest <z, g_i> is copied. After the warm-up both stay: z, and the client, in each round in
    which its update is there; in another round it is again the one with the largest <z, g_i>.

    Attributes
    ----------
    warm_up : how many rounds are for learning z. With 0, z is a random direction.

    Source: reconstructed from Karimireddy, He and Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via
    Bucketing", ICLR 2022, section 3 and appendix B; their number of rounds is not known here.
    """

    kind: Literal["mimic"] = "mimic"
    warm_up: NonNegativeInt = 5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(warm_up=2))

    @property
    def sees(self) -> Knowledge:
        return "full"

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
        InvalidConfig
            If the view hides the honest updates.
        """
        rows, clients = _seen(view)
        if len(view.own) == 0 or len(rows) == 0:
            return view.own
        known = self._learnt(view)
        present = known["target"] in clients
        place = clients.index(known["target"]) if present else _farthest(rows, known["z"])
        return rows[place].repeat(len(view.own), 1)

    def remember(self, view: View, rows: Updates) -> Any:
        """How many rounds were answered, mu, z and the client that is copied."""
        return self._learnt(view) if len(view.own) and len(_seen(view)[0]) else view.state

    def _learnt(self, view: View) -> dict[str, Any]:
        rows, clients = _seen(view)
        known: Mapping[str, Any] = view.state or {}
        t, wide = known.get("t", 0), rows.double()
        mu, z = known.get("mu", torch.zeros_like(wide[0])), known.get("z")
        if z is None:
            z = _unit(normal((len(mu),), mu, afresh(view.generator)))
        if t < self.warm_up:
            mu = t / (1 + t) * mu + wide.mean(dim=0) / (1 + t)
            z = _unit(t / (1 + t) * z + _unit((wide - mu).T @ ((wide - mu) @ z)) / (1 + t), z)
        target = known.get("target")
        if t < self.warm_up or target is None:
            target = clients[_farthest(rows, z)]
        return {"t": t + 1, "mu": mu, "z": z, "target": target}


def _farthest(rows: Updates, z: Vector) -> int:
    """The row that lies farthest along z."""
    return int((rows.double() @ z).argmax())


def _seen(view: View) -> tuple[Updates, tuple[int, ...]]:
    """The honest rows to choose from and whose they are; the attack's own clients' where nobody else has any."""
    return (view.others, view.benign_clients) if len(view.others) else (view.own, view.clients)


def _unit(vector: Vector, otherwise: Vector | None = None) -> Vector:
    """The vector at length 1; one of zeros as it is, or what stands for it."""
    found = normalize(vector, dim=0, eps=torch.finfo(vector.dtype).tiny)
    return otherwise if otherwise is not None and not bool(found.any()) else found
