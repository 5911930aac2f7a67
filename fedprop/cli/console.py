"""The two consoles that every command prints to, and how code of others is kept from the first."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from rich.console import Console

OUT = Console()
ERR = Console(stderr=True)

MOST_SAID = 100_000
"""Most characters passed on of what code of others prints; a loop that prints could fill memory with more."""


@contextmanager
def clean_stdout(*, wanted: bool = True) -> Iterator[None]:
    """Send to stderr what is printed inside, by Python or below it: stdout is for the answer of the command alone."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(_Curt(sys.stderr)):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


class _Curt(io.TextIOBase):
    """Passes on so much, says that there is more, and no more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._left = stream, MOST_SAID

    def write(self, text: str) -> int:
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write("\n(what else the target prints is left out)\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()
