"""The inner loops of rules, compiled: for rows in float32 on a CPU, where Numba is installed (extra `fast`).

Without Numba, and for all other rows, rules do the same with NumPy and torch.
"""

from fedprop.kernels.door import check_environment as check_environment
from fedprop.kernels.door import kernels_used as kernels_used
from fedprop.kernels.door import loops as loops
