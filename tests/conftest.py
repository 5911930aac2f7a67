"""What all tests share: one thread, shapes checked at run time in the aggregators, and the profile of the specs."""

import os
import signal

# A shell may start what runs in the background deaf to interrupts, which some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Arrays here are small, and as many tests as there are cores run side by side: threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from tests.shapes import check_shapes

with check_shapes("fedprop.aggregators"):
    import fedprop.aggregators  # noqa: F401

from fedprop.properties.profiles import load_profile

load_profile()
