"""The annotation for a setting of a probe that is a probe itself."""

from typing import Annotated, TypeAlias

from fedprop.privacy.probe import Probe
from fedprop.settings.spelling import Spelling

PROBE = Spelling("one of the probes")
"""Bound in `fedprop.privacy.probes`, which knows all of them, those with such a setting among them."""

ProbeField: TypeAlias = Annotated[Probe, PROBE]
"""A probe, by its kind or with its settings."""
