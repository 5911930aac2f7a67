"""Where results go when nobody says where."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fedprop.errors import StoreError
from fedprop.files import cannot_write


@contextmanager
def fresh_folder(name: str) -> Iterator[Path]:
    """A new folder in runs/, nobody else's, however many ask at once; it goes again if nothing is put into it.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    base = Path("runs") / slug(name)
    first = not base.parent.exists()
    folder = _make(base)
    try:
        yield folder
    finally:
        with suppress(OSError):  # it holds something
            folder.rmdir()
            if first:
                folder.parent.rmdir()


def _make(base: Path) -> Path:
    folder, number = base, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not base.parent.is_dir():
                raise StoreError(f"{base.parent} must be a folder, or a place for one; found a file") from None
        except OSError as error:
            raise cannot_write(folder, error) from None
        else:
            return folder
        number += 1
        folder = base.with_name(f"{base.name}-{number}")


def slug(name: str) -> str:
    """A name as the name of a folder."""
    return "-".join(name.lower().split())
