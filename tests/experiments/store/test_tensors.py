import os

import pytest
import torch

from fedprop.errors import StoreError, WriteFailed
from fedprop.experiments.store import read_tensors, write_tensors


def test_tensors_of_every_kind_come_back(tmp_path):
    base = torch.arange(6.0).view(2, 3)
    tensors = {
        "view": base.t(),
        "same memory": base[0],
        "integers": torch.tensor([2**40]),
        "needs gradient": torch.ones(2, requires_grad=True),
        "bytes": torch.tensor([1, 2], dtype=torch.uint8),
    }
    write_tensors(tmp_path / "x.safetensors", tensors)
    found = read_tensors(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_tensors_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WriteFailed, match=r"x\.safetensors cannot be written: .*No space left"):
        write_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(1)})
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(StoreError, match="cannot be written"):
        write_tensors(tmp_path / "absent" / "x.safetensors", {"a": torch.zeros(1)})


def test_a_file_is_known_by_its_digest(tmp_path):
    digest = write_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(1)})
    assert digest != write_tensors(tmp_path / "y.safetensors", {"a": torch.ones(1)})
    assert read_tensors(tmp_path / "x.safetensors", sha256=digest)["a"] == 0
    with pytest.raises(StoreError, match=r"y\.safetensors is damaged: its SHA-256"):
        read_tensors(tmp_path / "y.safetensors", sha256=digest)
