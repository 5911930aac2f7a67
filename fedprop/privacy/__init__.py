"""Privacy: what models give away about the data they were trained on, and the noise against it.

Map: `membership_attacks` scores examples, `membership` turns scores into a curve, `membership_probe` attacks a run;
`leakage` asks what updates give away, `at_client` what a client sees of them; `config` says how a client or the server
adds noise, `accounting` what that is worth. The only importer of opacus.
"""

from fedprop.privacy.accounting import epsilon, noise_for
from fedprop.privacy.at_client import AtClient
from fedprop.privacy.central import CentralPrivacy
from fedprop.privacy.config import Cost, LocalPrivacy, QuantileClipping
from fedprop.privacy.leakage.dlg import DLG
from fedprop.privacy.leakage.idlg import IDLG
from fedprop.privacy.leakage.inverting_gradients import InvertingGradients
from fedprop.privacy.leakage.property_inference import PropertyInference
from fedprop.privacy.leakage.revealing_labels import RevealingLabels
from fedprop.privacy.membership import Inference, finding_of, infer, inference_of
from fedprop.privacy.membership_attacks import Answers, logistic_regression, threshold
from fedprop.privacy.membership_probe import AttackName, Membership, MembershipProbe
from fedprop.privacy.models import refuse_leaks
from fedprop.privacy.probe import Finding, Probe, Sent, Sight, Watch, Watched
from fedprop.privacy.probes import PROBES, Probes

__all__ = [
    "DLG",
    "IDLG",
    "PROBES",
    "Answers",
    "AtClient",
    "AttackName",
    "CentralPrivacy",
    "Cost",
    "Finding",
    "Inference",
    "InvertingGradients",
    "LocalPrivacy",
    "Membership",
    "MembershipProbe",
    "Probe",
    "Probes",
    "PropertyInference",
    "QuantileClipping",
    "RevealingLabels",
    "Sent",
    "Sight",
    "Watch",
    "Watched",
    "epsilon",
    "finding_of",
    "infer",
    "inference_of",
    "logistic_regression",
    "noise_for",
    "refuse_leaks",
    "threshold",
]
