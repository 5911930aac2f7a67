import pytest

from fedprop.errors import StoreError
from fedprop.files import write_atomically


def test_it_makes_the_folder_and_leaves_only_the_file(tmp_path):
    write_atomically(tmp_path / "a" / "b.txt", "é")
    write_atomically(tmp_path / "a" / "b.txt", b"new")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"new"


def test_half_a_character_is_written_out(tmp_path):
    write_atomically(tmp_path / "b.txt", "\ud800é")
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == "\\ud800é"


def test_a_failure_keeps_the_old_file_and_no_remains(tmp_path, monkeypatch):
    path = tmp_path / "b.txt"
    write_atomically(path, "old")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(StoreError, match=r"b\.txt cannot be written: No space left on device"):
        write_atomically(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]
    assert path.read_text() == "old"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_atomically(tmp_path / "a" / "b.txt", "")
