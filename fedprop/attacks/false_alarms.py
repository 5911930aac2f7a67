"""Lies about the global model, and nothing else."""

from typing import Literal, Self

from fedprop.attacks.base import Attack, Reports


class FalseAlarms(Attack):
    """The false-alarm attack: honest updates, and an alarm in every round, poisoned global model or not.

    Source: Guo et al. 2024 (SIREN+), Section 4.2, "send fake alarms to delude the FL server".
    """

    kind: Literal["false_alarms"] = "false_alarms"
    reports: Reports = "always"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(reports="never"), cls(reports="inverted"))
