"""MAB-RFL (Wan et al., IJCAI 2022): whom to invite is learnt as by a bandit, from whom the server had to reject.

- `config.py`: the settings, and the protocol that they make.
- `arms.py`: what is remembered of each client; whom to invite; rewards.
- `groups.py`: who moves too much alike, and who moves the other way.
"""

from fedprop.defenses.mab_rfl.arms import Arm
from fedprop.defenses.mab_rfl.config import MabRfl

__all__ = ["Arm", "MabRfl"]
