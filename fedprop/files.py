"""Files that are either whole or not there."""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from fedprop.errors import StoreError, WriteFailed

DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the operating system says when a disk, a quota or a limit is at fault, and not the place."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write the file, making its folder; a reader, or a crash midway, sees the old file or the new one.

    Raises
    ------
    StoreError
        If the place cannot be written to.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: Exception) -> StoreError:
    """The error for a place that could not be written to: `WriteFailed` if the disk is at fault, whoever says so."""
    code = getattr(error, "errno", None)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
    else:
        reason = str(error)
        told = re.search(r"os error (\d+)", reason)  # safetensors has no number but in its text
        code = int(told[1]) if told else None
    full = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR"))
    kind = WriteFailed if full or code in DISK else StoreError
    return kind(f"{path} cannot be written: {reason}")
