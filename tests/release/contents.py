"""What is in a wheel and an sdist of a folder; `nox -s package` runs this on the two that it built.

The wheel holds the package, its marker for type checkers and nothing else; the sdist also what its tests need. Both
carry the version of pyproject.toml, which is that of the last entry in CHANGELOG.md.
"""

import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
NEEDED_BY_TESTS = (
    "tests/conftest.py",
    "specs/conftest.py",
    "sims/quickstart.yaml",
    "docs/verify.md",
    "CONTRIBUTING.md",
)


def version() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def last_entry() -> str:
    """The version of the newest entry in CHANGELOG.md."""
    entry = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return entry[1] if entry else ""


def faults_of_wheel(names: list[str], source: set[str]) -> Iterator[str]:
    """What a wheel should not hold, and what it lacks of the package."""
    for name in names:
        if PurePosixPath(name).parts[0] not in ("fedprop", f"fedprop-{version()}.dist-info"):
            yield f"the wheel holds {name}"
    yield from (f"the wheel lacks {name}" for name in sorted({*source, "fedprop/py.typed"} - set(names)))


def faults_of_sdist(names: list[str], source: set[str]) -> Iterator[str]:
    """What an sdist lacks."""
    held = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in names}
    yield from (f"the sdist lacks {name}" for name in sorted({*source, *NEEDED_BY_TESTS} - held))


def faults(folder: Path) -> list[str]:
    """All that is wrong with the one wheel and the one sdist of a folder."""
    [wheel], [sdist] = folder.glob("fedprop-*.whl"), folder.glob("fedprop-*.tar.gz")
    package = (path for path in (ROOT / "fedprop").rglob("*") if path.is_file() and path.suffix != ".pyc")
    source = {path.relative_to(ROOT).as_posix() for path in package}
    with zipfile.ZipFile(wheel) as archive:
        found = [*faults_of_wheel(archive.namelist(), source)]
    with tarfile.open(sdist) as archive:
        found += faults_of_sdist(archive.getnames(), source)
    names = {wheel.name.split("-")[1], sdist.name.removesuffix(".tar.gz").split("-")[1], last_entry()}
    return found + [
        f"found version {name} where pyproject.toml has {version()}" for name in sorted(names - {version()})
    ]


if __name__ == "__main__":
    found = faults(Path(sys.argv[1]))
    sys.exit("\n".join(found) if found else 0)
