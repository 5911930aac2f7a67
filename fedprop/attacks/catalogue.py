"""Every attack, one a line: registry and doors follow from this list."""

from fedprop.attacks.alie import ALIE as ALIE
from fedprop.attacks.bit_flip import BitFlip as BitFlip
from fedprop.attacks.false_alarms import FalseAlarms as FalseAlarms
from fedprop.attacks.fang_krum import FangKrum as FangKrum
from fedprop.attacks.fang_median import FangMedian as FangMedian
from fedprop.attacks.fang_trimmed_mean import FangTrimmedMean as FangTrimmedMean
from fedprop.attacks.free_rider import FreeRider as FreeRider
from fedprop.attacks.gaussian import Gaussian as Gaussian
from fedprop.attacks.label_flip import LabelFlip as LabelFlip
from fedprop.attacks.late import Late as Late
from fedprop.attacks.min_max import MinMax as MinMax
from fedprop.attacks.min_sum import MinSum as MinSum
from fedprop.attacks.model_replacement import ModelReplacement as ModelReplacement
from fedprop.attacks.no_attack import NoAttack as NoAttack
from fedprop.attacks.opposite_sum import OppositeSum as OppositeSum
from fedprop.attacks.random_weights import RandomWeights as RandomWeights
from fedprop.attacks.scaling import Scaling as Scaling
from fedprop.attacks.sign_flip import SignFlip as SignFlip
from fedprop.attacks.targeted import Targeted as Targeted
from fedprop.attacks.weight_attack import WeightAttack as WeightAttack
from fedprop.attacks.zero import Zero as Zero
