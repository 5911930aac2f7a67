import numpy as np
import pytest
import torch

from fedprop.data import MNIST, FashionMNIST
from fedprop.errors import DataUnavailable


@pytest.mark.parametrize("spec", [MNIST(), FashionMNIST()])
@pytest.mark.parametrize("compress", [False, True])
def test_pictures_are_scaled_and_keep_their_order(spec, compress, idx_files, tmp_path):
    images = idx_files(spec.kind, compress=compress)
    data = spec.load(tmp_path, seed=0)
    assert (data.name, data.shape, data.classes) == (spec.kind, (1, 28, 28), 10)
    for part, prefix in ((data.train, "train"), (data.test, "t10k")):
        wanted = torch.from_numpy(images[prefix]).float().unsqueeze(1) / 255
        assert torch.equal(part.x, wanted)
        assert part.y.tolist() == [i % 10 for i in range(len(wanted))]


def test_the_environment_names_the_folder(idx_files, tmp_path, monkeypatch):
    idx_files("mnist")
    monkeypatch.setenv("FEDPROP_DATA_DIR", str(tmp_path))
    assert len(MNIST(train_size=3).load(None, seed=0).train) == 3


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("train-labels-idx1-ubyte", np.arange(11) % 10, "11 labels for 12 images"),
        ("t10k-labels-idx1-ubyte", np.array([0, 1, 10, 3, 4]), "labels 0 ... 9 expected, found 10"),
        ("t10k-images-idx3-ubyte", np.zeros((5, 28, 27)), r"images of shape \[28, 28\] expected, found \[5, 28, 27\]"),
        ("train-images-idx3-ubyte", np.zeros((0, 28, 28)), r"images of shape \[28, 28\] expected, found \[0, 28, 28\]"),
        ("train-images-idx3-ubyte", np.zeros((5, 28)), "magic number 0x00000803 expected, found 0x00000802"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(file, content, why, idx_files, idx_bytes, tmp_path):
    idx_files("mnist")
    (tmp_path / "mnist" / file).write_bytes(idx_bytes(content))
    with pytest.raises(DataUnavailable, match=f"mnist needs the file {file} .* in {tmp_path}/mnist; found .*{why}"):
        MNIST().load(tmp_path, seed=0)


def test_a_missing_file_is_named(idx_files, tmp_path):
    idx_files("fashion_mnist")
    (tmp_path / "fashion_mnist" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataUnavailable, match="fashion_mnist needs the file t10k-labels-idx1-ubyte"):
        FashionMNIST().load(tmp_path, seed=0)


@pytest.mark.data("mnist")
def test_the_real_files_hold_digits(data_dir):
    data = MNIST().load(data_dir, seed=0)
    assert len(data.train) > len(data.test) > 0
    assert set(data.train.y.tolist()) == set(range(10))
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)
    assert 0.12 < data.train.x.mean() < 0.14
