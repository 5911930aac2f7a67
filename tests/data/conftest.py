import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from fedprop.data.folder import ENVIRONMENT


@pytest.fixture
def data_dir(request):
    """The folder of real data files; a test that asks for it carries the mark `data`, and their names."""
    folder = os.environ.get(ENVIRONMENT)
    if not folder:
        pytest.skip(f"{ENVIRONMENT} names no data folder")
    for name in request.node.get_closest_marker("data").args:
        if not (Path(folder) / name).is_dir():
            pytest.skip(f"{folder} holds no {name}")
    return Path(folder)


@pytest.fixture
def no_environment(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)


@pytest.fixture
def idx_bytes():
    """Makes the bytes of an IDX file from an array."""
    return _idx


def _idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def idx_files(tmp_path):
    """Writes a tiny MNIST-like set below `tmp_path` and returns its images, by prefix."""

    def write(kind, *, compress=False):
        folder = tmp_path / kind
        folder.mkdir()
        images = {}
        for prefix, n in (("train", 12), ("t10k", 5)):
            images[prefix] = np.random.default_rng(n).integers(0, 256, (n, 28, 28))
            files = {"images-idx3": images[prefix], "labels-idx1": np.arange(n) % 10}
            for name, array in files.items():
                path, raw = folder / f"{prefix}-{name}-ubyte", _idx(array)
                if compress:
                    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(raw))
                else:
                    path.write_bytes(raw)
        return images

    return write


@pytest.fixture
def cifar_files(tmp_path):
    """Writes six tiny CIFAR-10 batches of four examples below `tmp_path` and returns their records, by file name."""
    folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    records = {}
    for i, name in enumerate([*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]):
        records[name] = np.random.default_rng(i).integers(0, 256, (4, 3073)).astype(np.uint8)
        records[name][:, 0] = (np.arange(4) + 4 * i) % 10
        (folder / name).write_bytes(records[name].tobytes())
    return records
