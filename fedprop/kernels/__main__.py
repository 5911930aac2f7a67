"""`python -m fedprop.kernels` compiles all loops, so that no rule has to when it is first called."""

from time import perf_counter

from fedprop.kernels import kernels_used, loops
from fedprop.kernels.door import NAMES

if __name__ == "__main__":
    for name in NAMES:
        before = perf_counter()
        with kernels_used("always"):
            found = loops(name, 1)
        told = "Numba is missing: pip install 'fedprop[fast]'" if found is None else f"{perf_counter() - before:.1f} s"
        print(f"{name}: {told}")
