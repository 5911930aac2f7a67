import numpy as np
import pytest
import torch

from fedprop.data import CIFAR100
from fedprop.errors import DataUnavailable


@pytest.fixture
def records(tmp_path):
    folder = tmp_path / "cifar100" / "cifar-100-binary"
    folder.mkdir(parents=True)
    found = {}
    for part, n in (("train", 5), ("test", 2)):
        found[part] = np.random.default_rng(n).integers(0, 256, (n, 3074)).astype(np.uint8)
        found[part][:, 0], found[part][:, 1] = np.arange(n), 99 - np.arange(n)
        (folder / f"{part}.bin").write_bytes(found[part].tobytes())
    return found


def test_the_second_byte_is_the_class_and_the_first_its_group(records, tmp_path):
    data = CIFAR100().load(tmp_path, 0)
    assert (data.shape, data.classes, data.train.y.tolist()) == ((3, 32, 32), 100, [99, 98, 97, 96, 95])
    wanted = torch.from_numpy(records["train"][3, 2:].astype(np.float32)).reshape(3, 32, 32) / 255
    assert torch.equal(data.train.x[3], wanted)
    coarse = CIFAR100(coarse=True).load(tmp_path, 0)
    assert (coarse.classes, coarse.test.y.tolist()) == (20, [0, 1])


def test_other_bytes_are_refused(records, tmp_path, no_environment):
    with pytest.raises(DataUnavailable, match=r"cifar-100-binary/train.bin .* in <data folder>/cifar100"):
        CIFAR100().load(None, 0)
    path = tmp_path / "cifar100" / "cifar-100-binary" / "test.bin"
    for content, why in (
        (bytes(3073), "a multiple of 3074 bytes expected, found 3073"),
        (bytes([20, 0]) + bytes(3072), "expected, found 20 and 0"),
        (bytes([0, 100]) + bytes(3072), "expected, found 0 and 100"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataUnavailable, match=why):
            CIFAR100().load(tmp_path, 0)
    path.unlink()
    with pytest.raises(DataUnavailable, match=r"cifar100 needs the file test\.bin"):
        CIFAR100().load(tmp_path, 0)
