"""What a command says when it is ended before its time."""

import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from fedprop.cli.console import ERR
from fedprop.errors import WriteFailed


class _Terminated(KeyboardInterrupt):
    """Somebody asked the process to end, as Ctrl-C does."""


@contextmanager
def telling_how_to_go_on(kept: Path, *more: str) -> Iterator[None]:
    """Where Ctrl-C, SIGTERM or a full disk ends the block, say by which command it goes on.

    Parameters
    ----------
    kept : a file without which there is nothing to go on with.
    more : what the command needs besides what it was called with.
    """
    try:
        with _terminable():
            yield
    except KeyboardInterrupt as error:
        code = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
        ERR.print("fedprop: interrupted", style="red")
        if kept.exists():
            ERR.print(_how(more), soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(128 + code) from None
    except WriteFailed as error:
        if kept.exists():
            error.add_note(_how(more))
        raise


def _how(more: Sequence[str]) -> str:
    return f"what was saved is kept; go on with: {shlex.join(['fedprop', *sys.argv[1:], *more])}"


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
