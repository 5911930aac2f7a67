"""What models give away about the data they were trained on: membership inference.

Map: `membership_attacks` scores examples, `membership` turns scores into a curve, `membership_probe` attacks a run.
"""

from fedprop.privacy.membership import Inference, infer
from fedprop.privacy.membership_attacks import Answers, logistic_regression, threshold
from fedprop.privacy.membership_probe import Membership, MembershipProbe
from fedprop.privacy.probe import AttackName, Finding, Probe, Sight

__all__ = [
    "Answers",
    "AttackName",
    "Finding",
    "Inference",
    "Membership",
    "MembershipProbe",
    "Probe",
    "Sight",
    "infer",
    "logistic_regression",
    "threshold",
]
