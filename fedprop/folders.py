"""A folder that one process at a time writes to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fedprop.errors import StoreError
from fedprop.files import cannot_write

LOCK = ".lock"
"""The file in a folder whose lock the process at work there holds; it stays, since the lock alone means something."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be, as long as the block runs.

    The lock is the operating system's, which lets go of it when the process ends, however it ends.

    Raises
    ------
    StoreError
        If another process holds the folder, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreError(
            f"another process is running in {folder}; wait until it has ended, or choose another folder"
        ) from None
    except (FileExistsError, NotADirectoryError):
        raise StoreError(f"{folder} must be a folder, or a place for one; found a file") from None
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        yield
    finally:
        lock.release()
