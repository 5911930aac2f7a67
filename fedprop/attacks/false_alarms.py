"""Lies about the global model, and nothing else."""

from typing import Literal, Self

from fedprop.attacks.base import Alarms, Attack


class FalseAlarms(Attack):
    """The false-alarm attack: honest updates, and an alarm in every round, poisoned global model or not.

    Source: Guo et al. 2024 (SIREN+), Section 4.2, "send fake alarms to delude the FL server".
    """

    kind: Literal["false_alarms"] = "false_alarms"
    alarms: Alarms = "always"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(alarms="never"), cls(alarms="inverted"))
