"""The processes that run a sweep's cells."""

import os
import threading
from multiprocessing import parent_process

import torch


def start_worker() -> None:
    """Prepare a process of the pool: one thread to compute with, and an end when the sweep's own process ends."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
