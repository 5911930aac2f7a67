"""Every rule, stage and postprocessor, one a line: registries and doors follow from this list."""

from fedprop.aggregators.afa import AFA as AFA
from fedprop.aggregators.bucketing import Bucketing as Bucketing
from fedprop.aggregators.bulyan import Bulyan as Bulyan
from fedprop.aggregators.centered_clipping import CenteredClipping as CenteredClipping
from fedprop.aggregators.fl_trust import FLTrust as FLTrust
from fedprop.aggregators.flame import FLAME as FLAME
from fedprop.aggregators.fools_gold import FoolsGold as FoolsGold
from fedprop.aggregators.gaussian_noise import GaussianNoise as GaussianNoise
from fedprop.aggregators.geometric_median import GeometricMedian as GeometricMedian
from fedprop.aggregators.krum import Krum as Krum
from fedprop.aggregators.loss_rejection import LossRejection as LossRejection
from fedprop.aggregators.mean import Mean as Mean
from fedprop.aggregators.mean_around_median import MeanAroundMedian as MeanAroundMedian
from fedprop.aggregators.median import Median as Median
from fedprop.aggregators.model_clipping import ModelClipping as ModelClipping
from fedprop.aggregators.moving_average import MovingAverage as MovingAverage
from fedprop.aggregators.nearest_neighbour_mixing import NearestNeighbourMixing as NearestNeighbourMixing
from fedprop.aggregators.norm_clipping import NormClipping as NormClipping
from fedprop.aggregators.norm_filter import NormFilter as NormFilter
from fedprop.aggregators.phocas import Phocas as Phocas
from fedprop.aggregators.robust_learning_rate import RobustLearningRate as RobustLearningRate
from fedprop.aggregators.sign_majority import SignMajority as SignMajority
from fedprop.aggregators.trimmed_mean import TrimmedMean as TrimmedMean
from fedprop.aggregators.worker_momentum import WorkerMomentum as WorkerMomentum
from fedprop.aggregators.zeno import Zeno as Zeno
from fedprop.aggregators.zeno_plus_plus import ZenoPlusPlus as ZenoPlusPlus
