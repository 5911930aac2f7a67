"""A cluster of two nodes with one processor each, on this machine, for all tests of this folder."""

import os
import threading
import time
from pathlib import Path

import pytest

# Ray's own way to stay on 127.0.0.1, which it reads as it is imported; as it is by Ray's workers, and by commands.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
# Workers import what these tests define.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])

from fedprop.cluster.joining import joined, quiet


class TwoNodes:
    """The cluster; its second node may be killed."""

    def __init__(self):
        quiet()
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self.address = self._cluster.address
        self._second = None
        self.mend()

    def mend(self):
        """See to it that there is a second node."""
        if self._second is None:
            self._second = self._cluster.add_node(num_cpus=1)

    def kill_the_second(self):
        node, self._second = self._second, None
        self._cluster.remove_node(node, allow_graceful=False)

    def kill_the_second_amid(self, folder):
        """A thread that does so once two have begun, and lets the others go on when nothing of it is left.

        Whoever has begun leaves `began-PID` in the folder, and waits for a file `go` there.
        """

        def kill():
            while len(list(folder.iterdir())) < 2:
                time.sleep(0.05)
            self.kill_the_second()
            while all(Path(f"/proc/{began.name.partition('-')[2]}").exists() for began in folder.iterdir()):
                time.sleep(0.05)
            (folder / "go").touch()

        killer = threading.Thread(target=kill)
        killer.start()
        return killer

    def end(self):
        self._cluster.shutdown()


@pytest.fixture(scope="session", autouse=True)
def needs_ray():
    pytest.importorskip("ray", reason="needs the extra `ray`: nox -s ray")


@pytest.fixture(scope="session")
def session_cluster(needs_ray):
    cluster = TwoNodes()
    yield cluster
    cluster.end()


@pytest.fixture
def cluster(session_cluster):
    session_cluster.mend()
    return session_cluster


@pytest.fixture
def ray(cluster):
    """Ray, joined to the cluster."""
    with joined(cluster.address) as ray:
        yield ray
