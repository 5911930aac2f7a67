"""Attacks, one per file. An attack is handed the rule it is crafted against and never imports one.

Rows are updates, local model minus received global model, so the received model is the zero row.
"""

from fedprop.attacks.active_rounds import ActiveRounds
from fedprop.attacks.base import Alarms, Attack, Constraint
from fedprop.attacks.false_alarms import FalseAlarms
from fedprop.attacks.fang_krum import FangKrum
from fedprop.attacks.fang_median import FangMedian
from fedprop.attacks.fang_trimmed_mean import FangTrimmedMean
from fedprop.attacks.gaussian import Gaussian
from fedprop.attacks.krum_lambda import lambda_bound, solve_lambda
from fedprop.attacks.label_flip import LabelFlip
from fedprop.attacks.late import Late
from fedprop.attacks.no_attack import NoAttack
from fedprop.attacks.reply import Reply
from fedprop.attacks.sign_flip import SignFlip
from fedprop.attacks.targeted import Targeted
from fedprop.attacks.view import Assumed, Knowledge, View
from fedprop.attacks.weight_attack import WeightAttack
from fedprop.attacks.workshop import Workshop
from fedprop.registry import Registry

ATTACKS: Registry[Attack] = Registry(
    "attacks",
    Attack,
    (
        NoAttack,
        Gaussian,
        SignFlip,
        LabelFlip,
        FalseAlarms,
        FangKrum,
        FangTrimmedMean,
        FangMedian,
        Targeted,
        WeightAttack,
        Late,
    ),
)
"""Every attack by its `kind`, those of other installed packages included."""

__all__ = [
    "ATTACKS",
    "ActiveRounds",
    "Alarms",
    "Assumed",
    "Attack",
    "Constraint",
    "FalseAlarms",
    "FangKrum",
    "FangMedian",
    "FangTrimmedMean",
    "Gaussian",
    "Knowledge",
    "LabelFlip",
    "Late",
    "NoAttack",
    "Reply",
    "SignFlip",
    "Targeted",
    "View",
    "WeightAttack",
    "Workshop",
    "lambda_bound",
    "solve_lambda",
]
