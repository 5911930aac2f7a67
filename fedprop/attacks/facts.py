"""What a list tells of an attack, as its class says."""

from collections.abc import Mapping

from fedprop.attacks.base import Attack

STEPS = {"poison": "data", "craft": "updates", "claim": "claimed numbers of examples", "delay": "time"}
"""What each step of an attack changes."""


def of_attack(attack: Attack) -> Mapping[str, str]:
    """What it knows, what it changes, what it is after, and the rule that it is made against."""
    cls = type(attack)
    filled = [what for step, what in STEPS.items() if getattr(cls, step) is not getattr(Attack, step)]
    sees = ["everybody's updates" if attack.sees == "full" else "its own clients' updates"]
    sees += ["models received before"] * bool(attack.looks_back) + ["its own clients' data"] * cls.trains
    return {
        "sees": ", ".join(sees) if attack.deviates else "",
        "acts on": ", ".join(filled),
        "goal": "chosen labels" if cls.aims is not Attack.aims else "",
        "against": cls.assumes or "",
    }
