"""Settings: immutable models that check themselves, changes by path, and mistakes told in sentences.

>>> class Stove(Frozen):
...     heat: int = 0
>>> Stove().but(heat=3)
Stove(heat=3)
>>> Stove().but(haet=3)
Traceback (most recent call last):
    ...
fedprop.errors.InvalidConfig: `haet`: there is no such setting; found 3; did you mean heat?
"""

from fedprop.settings.assign import assign
from fedprop.settings.describe import Setting, parts_of, settings_of, source_of, spelled, summary_of
from fedprop.settings.explain import explain, meant, shown, validate
from fedprop.settings.frozen import Frozen, sound
from fedprop.settings.kind import Kind

__all__ = [
    "Frozen",
    "Kind",
    "Setting",
    "assign",
    "explain",
    "meant",
    "parts_of",
    "settings_of",
    "shown",
    "sound",
    "source_of",
    "spelled",
    "summary_of",
    "validate",
]
