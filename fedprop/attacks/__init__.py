"""Attacks, one per file. An attack is handed the rule it is crafted against and never imports one.

Rows are updates, local model minus received global model, so the received model is the zero row.
"""

from fedprop.attacks.active_rounds import ActiveRounds
from fedprop.attacks.alie import ALIE
from fedprop.attacks.base import Alarms, Attack, Constraint
from fedprop.attacks.false_alarms import FalseAlarms
from fedprop.attacks.fang_krum import FangKrum
from fedprop.attacks.fang_median import FangMedian
from fedprop.attacks.fang_trimmed_mean import FangTrimmedMean
from fedprop.attacks.free_rider import FreeRider
from fedprop.attacks.gaussian import Gaussian
from fedprop.attacks.krum_lambda import lambda_bound, solve_lambda
from fedprop.attacks.label_flip import LabelFlip
from fedprop.attacks.late import Late
from fedprop.attacks.min_max import MinMax
from fedprop.attacks.min_sum import MinSum
from fedprop.attacks.model_replacement import ModelReplacement
from fedprop.attacks.no_attack import NoAttack
from fedprop.attacks.reply import Reply
from fedprop.attacks.sign_flip import SignFlip
from fedprop.attacks.targeted import Targeted
from fedprop.attacks.trigger import PixelTrigger
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
        ALIE,
        MinMax,
        MinSum,
        FreeRider,
        ModelReplacement,
    ),
)
"""Every attack by its `kind`, those of other installed packages included."""

__all__ = [
    "ALIE",
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
    "FreeRider",
    "Gaussian",
    "Knowledge",
    "LabelFlip",
    "Late",
    "MinMax",
    "MinSum",
    "ModelReplacement",
    "NoAttack",
    "PixelTrigger",
    "Reply",
    "SignFlip",
    "Targeted",
    "View",
    "WeightAttack",
    "Workshop",
    "lambda_bound",
    "solve_lambda",
]
