"""The check of wheel and sdist sees what is wrong; `nox -s package` makes it on real ones."""

import importlib.metadata
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

import fedprop
from fedprop.loading import load_file

contents = load_file(Path(__file__).with_name("contents.py"))
VERSION = contents.version()


@pytest.fixture
def built(tmp_path):
    """A wheel and an sdist of which one file may be left out, and one may be too many."""

    def build(left_out="", added="", version=VERSION):
        root = contents.ROOT
        names = [path.relative_to(root).as_posix() for path in (root / "fedprop").rglob("*") if path.suffix != ".pyc"]
        wheel = [name for name in names if name != left_out and (root / name).is_file()]
        with zipfile.ZipFile(tmp_path / f"fedprop-{version}-py3-none-any.whl", "w") as archive:
            for name in [*wheel, added] if added else wheel:
                archive.writestr(name, "")
        with tarfile.open(tmp_path / f"fedprop-{version}.tar.gz", "w:gz") as archive:
            for name in [*wheel, *contents.NEEDED_BY_TESTS]:
                archive.addfile(tarfile.TarInfo(f"fedprop-{version}/{name}"), io.BytesIO())
        return contents.faults(tmp_path)

    return build


def test_a_whole_wheel_and_sdist_have_no_fault(built):
    assert built() == []


@pytest.mark.parametrize(
    ("how", "faults"),
    [
        ({"left_out": "fedprop/py.typed"}, ["the wheel lacks fedprop/py.typed", "the sdist lacks fedprop/py.typed"]),
        ({"added": "tests/test_clock.py"}, ["the wheel holds tests/test_clock.py"]),
        ({"version": "9.9"}, [f"found version 9.9 where pyproject.toml has {contents.version()}"]),
    ],
)
def test_what_is_wrong_is_named(built, how, faults):
    assert built(**how) == faults


def test_the_version_stands_in_one_place_and_the_changelog_tells_of_it():
    assert contents.last_entry() == contents.version()
    assert fedprop.__version__ == importlib.metadata.version("fedprop")
