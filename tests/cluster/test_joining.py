"""Reaching a cluster, and the sentences where that is not possible."""

import signal

import pytest

from fedprop.cluster.joining import is_at_work, join, joined
from fedprop.errors import InvalidConfig


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_an_address_where_nobody_answers_is_refused(address, monkeypatch):
    with pytest.raises(InvalidConfig, match=f"`address` must be that of a running Ray cluster, .* found {address}"):
        join(address)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InvalidConfig, match=f"found {address}"):
        join()


def test_ray_that_is_not_installed_is_asked_for(monkeypatch):
    monkeypatch.setattr("fedprop.cluster.joining.find_spec", lambda name: None)
    with pytest.raises(InvalidConfig, match=r"pip install 'fedprop\[ray\]'"):
        join()


def test_a_block_leaves_ray_and_signals_as_they_were(cluster):
    usual = signal.getsignal(signal.SIGTERM)
    with joined(cluster.address) as ray:
        assert signal.getsignal(signal.SIGTERM) is usual
        with joined() as again:
            assert again is ray
        assert ray.is_initialized()
        with pytest.raises(InvalidConfig, match="must be that of the cluster already joined"):
            join("127.0.0.1:1")
        assert not is_at_work()
        assert ray.get(ray.remote(is_at_work).remote())
    assert not ray.is_initialized()
