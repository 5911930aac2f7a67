"""CRFL's certificate (Xie et al., ICML 2021): how much of a client's data may change before a smoothed vote does.

The training is a chain, `Mean() >> ModelClipping(...) >> GaussianNoise(..., rounds=T)`. `smoothing` has noised copies
of the finished model vote, `radius` says what a vote is worth; `fedprop.experiments.certify` does both for a run.
"""

from fedprop.defenses.crfl.radius import Certificate, Conditions, radii
from fedprop.defenses.crfl.smoothing import Votes, tally, votes

__all__ = ["Certificate", "Conditions", "Votes", "radii", "tally", "votes"]
