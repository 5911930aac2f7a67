"""How training examples are dealt to clients: one way per file."""

from fedprop.data.partitions.answer import NOBODY
from fedprop.data.partitions.base import Partition
from fedprop.data.partitions.dirichlet import Dirichlet
from fedprop.data.partitions.fang import FangNonIID
from fedprop.data.partitions.iid import IID
from fedprop.data.partitions.label_skew import LabelSkew
from fedprop.data.partitions.largest_users import LargestUsers
from fedprop.data.partitions.packed_users import PackedUsers
from fedprop.data.partitions.sizes import Sizes

__all__ = [
    "IID",
    "NOBODY",
    "Dirichlet",
    "FangNonIID",
    "LabelSkew",
    "LargestUsers",
    "PackedUsers",
    "Partition",
    "Sizes",
]
