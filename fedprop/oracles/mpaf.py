"""Definition of the attack by fake clients, and how it is misread.

Source: reconstructed from Cao and Gong, CVPR Workshops 2022, and the later code of the same group.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch


def mpaf(
    rounds: Sequence[Mapping[str, Any]],
    pulls: str,
    lambda_: float,
    deviation: float,
    generator: torch.Generator,
    *,
    anew: bool = False,
) -> list[list[float]]:
    """What each client sends in the last of these rounds: lambda (w' - w_t) in each weight, and its own buffers.

    w' is drawn once, from a normal distribution. With `history` it is the model received before, the present one where
    there was none.
    """
    origin, past = rounds[-1]["origin"], rounds[-1]["past"]
    to = [[deviation * z for z in _normal(len(origin), generator)] for _ in rounds][-1 if anew else 0]
    if pulls == "history":
        to = past[-1] if past else origin
    weights = len(origin) - rounds[-1]["buffers"]
    pull = [lambda_ * (a - b) for a, b in zip(to, origin, strict=True)][:weights]
    return [pull + list(row[weights:]) for row in rounds[-1]["own"]]


def _normal(many: int, generator: torch.Generator) -> list[float]:
    found: list[float] = torch.randn(many, generator=generator, dtype=torch.float64).tolist()
    return found


def base_itself(lambda_: float, **known: Any) -> list[list[float]]:
    """Misread: lambda w' is sent, wherever the model stands."""
    seen = {**known["rounds"][-1], "origin": [0.0] * len(known["rounds"][-1]["origin"])}
    return mpaf(**{**known, "rounds": [seen]}, lambda_=lambda_)


def base_anew(**known: Any) -> list[list[float]]:
    """Misread: w' is drawn in each round, so that the model is pulled nowhere."""
    return mpaf(**known, anew=True)


MISREADINGS = {"base itself": base_itself, "base anew": base_anew}
