"""Reaching a Ray cluster, or starting one on this machine."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from fedprop.errors import InvalidConfig

Ray: TypeAlias = Any
"""The module `ray`, joined to a cluster."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""No reports to Ray's makers; and work that asks for no GPU sees what it would see without Ray."""

ANSWER_SECONDS = 10.0
"""How long a cluster may take to answer at all: its network may be slow, but not that slow."""

LOOPBACK = "127.0.0.2"
"""Where a cluster started here listens: nobody else is to reach it, since whoever does can have it run anything.

Not 127.0.0.1, in whose place Ray puts the machine's address; where not all of 127.0.0.0/8 is loopback, it stays there.
"""

_MUST = "`address` must be that of a running Ray cluster"


@contextmanager
def joined(address: str | None = None, *, cpus: int | None = None) -> Iterator[Ray]:
    """Ray, joined to a cluster for as long as the block runs, or longer if it was before.

    Parameters
    ----------
    address : the cluster's, as `ray start` tells it. None for the one that RAY_ADDRESS names or this machine belongs
        to; where there is none, a new one on this machine, which ends with the block.
    cpus : how many processors a new one has; None for all.

    Raises
    ------
    InvalidConfig
        If Ray is not installed, or no cluster answers at the address.
    """
    there = _is_joined()
    ray = join(address, cpus=cpus)
    try:
        yield ray
    finally:
        if not there:
            ray.shutdown()


def join(address: str | None = None, *, cpus: int | None = None) -> Ray:
    """As `joined`, until the process ends or `ray.shutdown()` is called. Raises as that does."""
    quiet()
    if find_spec("ray") is None:
        raise InvalidConfig("Ray must be installed to work on a cluster: pip install 'fedprop[ray]'")
    with _signals_as_they_were():
        ray = import_module("ray")
        if ray.is_initialized():
            _check_same(ray, address)
        else:
            _init(ray, address, cpus)
    return ray


def quiet() -> None:
    """Have Ray do as `QUIET` says, unless the environment says otherwise already."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def is_at_work() -> bool:
    """Whether this process is one of a cluster's own, which does a task or is an actor."""
    if not _is_joined():
        return False
    ray = import_module("ray")
    return bool(ray.get_runtime_context().worker.mode == ray.WORKER_MODE)


def _is_joined() -> bool:
    return find_spec("ray") is not None and bool(import_module("ray").is_initialized())


def _check_same(ray: Ray, address: str | None) -> None:
    here = ray.get_runtime_context().gcs_address
    if address not in (None, here):
        raise InvalidConfig(f"`address` must be that of the cluster already joined, {here}; found {address}")


def _init(ray: Ray, address: str | None, cpus: int | None) -> None:
    options = {"log_to_driver": False, "logging_level": logging.ERROR}
    named = address or os.environ.get("RAY_ADDRESS")
    if named is not None:
        _check_answers(named)
    try:
        ray.init(named or "auto", **options)
    except ConnectionError:
        if named is not None:
            raise InvalidConfig(f"{_MUST}; found {named}, where none is") from None
        own = {"_node_ip_address": LOOPBACK} if sys.platform == "linux" else {}
        ray.init("local", num_cpus=cpus, include_dashboard=False, **own, **options)


def _check_answers(address: str) -> None:
    """Refuse an address at which nothing listens; Ray would try for many minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if address in ("auto", "local"):
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{_MUST}, such as 10.0.0.1:6379; found {address}: {error}") from None


@contextmanager
def _signals_as_they_were() -> Iterator[None]:
    """Ray has SIGTERM end the process in a way of its own; here it does what it did."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
