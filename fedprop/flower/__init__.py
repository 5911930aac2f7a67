"""fedprop inside Flower (`pip install 'fedprop[flower]'`): rules and chains as strategies, attacks and checks as
client mods, and whole experiments as apps (`fedprop export-flower`).

`RuleStrategy` is for today's message API and its `ServerApp`, `LegacyRuleStrategy` for the one before. Flower itself is
imported when one of them is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprop.flower.experiments import enlisted_mod as enlisted_mod
    from fedprop.flower.experiments import server_examples as server_examples
    from fedprop.flower.experiments import server_test as server_test
    from fedprop.flower.legacy import LegacyRuleStrategy as LegacyRuleStrategy
    from fedprop.flower.mods import attack_mod as attack_mod
    from fedprop.flower.mods import check_mod as check_mod
    from fedprop.flower.strategy import RuleStrategy as RuleStrategy

_HOMES = {
    "LegacyRuleStrategy": "legacy",
    "RuleStrategy": "strategy",
    "attack_mod": "mods",
    "check_mod": "mods",
    "enlisted_mod": "experiments",
    "server_examples": "experiments",
    "server_test": "experiments",
}

__all__ = [
    "LegacyRuleStrategy",
    "RuleStrategy",
    "attack_mod",
    "check_mod",
    "enlisted_mod",
    "server_examples",
    "server_test",
]


def __getattr__(name: str) -> object:
    """Import a name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fedprop.flower' has no attribute {name!r}")
    return getattr(import_module(f"fedprop.flower.{_HOMES[name]}"), name)
