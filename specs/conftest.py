"""What all specs share: one thread, and the Hypothesis profile, `fast` unless FEDPROP_PROFILE names another."""

import os

# As in tests/conftest.py, for whoever runs the specs alone.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from fedprop.properties.profiles import load_profile

load_profile()
