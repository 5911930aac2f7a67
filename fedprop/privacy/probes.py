"""Every kind of probe."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from fedprop.privacy.at_client import AtClient
from fedprop.privacy.leakage.dlg import DLG
from fedprop.privacy.leakage.idlg import IDLG
from fedprop.privacy.leakage.inverting_gradients import InvertingGradients
from fedprop.privacy.leakage.property_inference import PropertyInference
from fedprop.privacy.leakage.revealing_labels import RevealingLabels
from fedprop.privacy.membership_probe import Membership
from fedprop.privacy.probe import Probe, of_probe
from fedprop.privacy.probe_field import PROBE
from fedprop.registry import Registry, several

PROBES: Registry[Probe] = Registry(
    "probes", Probe, (Membership, DLG, IDLG, InvertingGradients, RevealingLabels, PropertyInference, AtClient), of_probe
)
"""Every probe by its `kind`."""

_One: TypeAlias = Annotated[Probe, PROBES]
_Many: TypeAlias = tuple[_One, ...]
Probes: TypeAlias = Annotated[_Many, BeforeValidator(several, json_schema_input_type=_One | _Many | None)]
"""Any number of probes; in a file one may stand without a list around it."""

PROBE.bind(PROBES.parse, PROBES.dump, lambda handler: {"type": ["string", "object"], "description": PROBE.told})
