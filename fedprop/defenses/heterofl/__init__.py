"""HeteroFL (Lu et al. 2024): four steps that each drop rows, one of which asks for a watermark that all clients learn.

- `config.py`: the settings, and the protocol that they make.
- `triggers.py`: the examples that carry the watermark.
- `walk.py`: the rows taken through the steps, with a note of what each step dropped and measured.
- `numbers.py`: how many that were.

The steps themselves are stages (`fedprop.aggregators`): `sybil_removal`, `similarity_detection`, `watermark` and
`magnitude_rectification`.
"""

from fedprop.defenses.heterofl.config import HeteroFl
from fedprop.defenses.heterofl.triggers import random_triggers
from fedprop.defenses.heterofl.walk import Walked, walk

__all__ = ["HeteroFl", "Walked", "random_triggers", "walk"]
