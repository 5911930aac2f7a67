import numpy as np
import pytest
import torch

from fedprop.data import CIFAR10
from fedprop.errors import DataUnavailable

FOLDER = "cifar10/cifar-10-batches-bin"


def test_five_batches_train_and_one_tests(cifar_files, tmp_path):
    data = CIFAR10().load(tmp_path, seed=0)
    assert (len(data.train), len(data.test), data.shape, data.classes) == (20, 4, (3, 32, 32), 10)
    assert data.train.y.tolist() == [i % 10 for i in range(20)]
    records = cifar_files["data_batch_2.bin"]
    wanted = torch.from_numpy(records[1, 1:].astype(np.float32)).reshape(3, 32, 32) / 255
    assert torch.equal(data.train.x[5], wanted)


def test_fewer_pixels_are_means_of_squares(cifar_files, tmp_path):
    whole = CIFAR10().load(tmp_path, seed=0)
    half = CIFAR10(side=16).load(tmp_path, seed=0)
    assert half.train.x.shape == (len(whole.train), 3, 16, 16)
    assert torch.equal(half.train.y, whole.train.y)
    square = whole.train.x[3, 1, 4:6, 10:12].mean()
    assert float(half.train.x[3, 1, 2, 5]) == pytest.approx(float(square), abs=0.51 / 255)
    assert CIFAR10(side=8).load(tmp_path, seed=0).test.x.shape[1:] == (3, 8, 8)


def test_a_missing_batch_is_named(cifar_files, tmp_path):
    (tmp_path / FOLDER / "data_batch_4.bin").unlink()
    with pytest.raises(DataUnavailable, match=f"cifar10 needs the file data_batch_4.bin .* in {tmp_path}/{FOLDER};"):
        CIFAR10().load(tmp_path, seed=0)


def test_without_a_folder_the_place_of_the_files_is_named(no_environment):
    with pytest.raises(DataUnavailable, match=r"cifar-10-batches-bin/data_batch_1.bin .* in <data folder>/cifar10"):
        CIFAR10().load(None, seed=0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bytes(3073 * 2 - 1), "a multiple of 3073 bytes expected, found 6145"),
        (b"", "a multiple of 3073 bytes expected, found 0"),
        (b"\x0a" + bytes(3072), "labels 0 ... 9 expected, found 10"),
    ],
)
def test_other_bytes_are_refused(content, why, cifar_files, tmp_path):
    (tmp_path / FOLDER / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataUnavailable, match=f"test_batch.bin .*{why}"):
        CIFAR10().load(tmp_path, seed=0)


@pytest.mark.data("cifar10")
def test_the_real_files_hold_ten_classes_evenly(data_dir):
    data = CIFAR10(train_size=2000).load(data_dir, seed=0)
    assert (len(data.train), len(data.test)) == (2000, 10000)
    assert torch.bincount(data.test.y).tolist() == [1000] * 10
    assert 0.45 < data.train.x.mean() < 0.5
