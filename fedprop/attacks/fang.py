"""What the local model poisoning attacks of Fang et al. have in common."""

from typing import Any, Literal, Self, TypeAlias

from pydantic import model_validator

from fedprop.attacks.base import Attack
from fedprop.attacks.view import Knowledge, View
from fedprop.errors import InvalidConfig
from fedprop.types import Vector

Goal: TypeAlias = Literal["directed", "deviation"]
Direction: TypeAlias = Literal["rule", "mean"]


class FangAttack(Attack):
    """Base of the three attacks of Fang, Cao, Jia, Gong, USENIX Security 2020.

    Attributes
    ----------
    knowledge : what the attack sees: the compromised clients' updates, or everybody's (section 2.3).
    goal : `directed` moves the global model against the direction of each parameter (section 3.1, equation 1);
        `deviation` moves it as far as it goes in whatever direction (appendix B, equation 5). The paper defines the
        latter for full knowledge only, and so does this class.
    direction : where full knowledge takes s from, the direction each parameter would change in without attack. `rule`:
        from the assumed rule's own before-attack aggregate, as equation 1 defines it. `mean`: from the mean of all
        before-attack updates, as the code of the attack in public repositories does. On non-IID data the two differ
        in many parameters, and runs with `mean` come close to the paper's Table 2 where `rule` does not.

    Raises
    ------
    pydantic.ValidationError
        If `goal` is `deviation` under partial knowledge.
    """

    knowledge: Knowledge = "partial"
    goal: Goal = "directed"
    direction: Direction = "rule"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        settings: tuple[dict[str, Any], ...] = (
            {},
            {"knowledge": "full"},
            {"knowledge": "full", "goal": "deviation"},
            {"direction": "mean"},
        )
        return tuple(cls.model_validate(setting) for setting in settings)

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    def before_attack(self, view: View, f: int) -> Vector:
        """How the global parameters would change without attack, under full knowledge: s is its sign."""
        if self.direction == "mean":
            return view.everyone.double().mean(dim=0).to(view.own.dtype)
        return view.assumed(view.everyone, f)[0]

    @model_validator(mode="after")
    def _deviation_needs_full_knowledge(self) -> "FangAttack":
        if self.goal == "deviation" and self.knowledge == "partial":
            raise InvalidConfig(
                f"`knowledge` must be 'full' for {type(self).__name__} with goal 'deviation'; found 'partial'"
            )
        return self
