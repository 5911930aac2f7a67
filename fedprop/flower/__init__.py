"""fedprop inside Flower (`pip install 'fedprop[flower]'`): rules and chains as strategies,
attacks and checks as client mods.

`RuleStrategy` is for today's message API and its `ServerApp`, `LegacyRuleStrategy` for the one before. Flower itself is
imported when one of them is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprop.flower.legacy import LegacyRuleStrategy as LegacyRuleStrategy
    from fedprop.flower.mods import attack_mod as attack_mod
    from fedprop.flower.mods import check_mod as check_mod
    from fedprop.flower.strategy import RuleStrategy as RuleStrategy

_HOMES = {"LegacyRuleStrategy": "legacy", "RuleStrategy": "strategy", "attack_mod": "mods", "check_mod": "mods"}

__all__ = ["LegacyRuleStrategy", "RuleStrategy", "attack_mod", "check_mod"]


def __getattr__(name: str) -> object:
    """Import a name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fedprop.flower' has no attribute {name!r}")
    return getattr(import_module(f"fedprop.flower.{_HOMES[name]}"), name)
