"""What goes wrong in code that fedprop calls and did not write: rules, attacks and protocols of one's own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sysconfig import get_path
from traceback import extract_tb

from fedprop.errors import FedpropError, RunFailed

LONGEST = 300
"""Most characters shown of an error's own text; a sentence with more of them is hard to read."""

_LIBRARIES = tuple(f"{place}{os.sep}" for place in (Path(__file__).parent, *map(get_path, ("stdlib", "purelib"))))
"""Where code lies that is not the user's."""


@contextmanager
def blamed(
    what: str, *, raising: type[FedpropError] = RunFailed, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Whatever goes wrong inside comes out as one sentence that begins with `what`; its cause is the error itself.

    Parameters
    ----------
    raising : what comes out.
    passing : errors that come out as they are.

    >>> with blamed("rule halves failed in round 3"):
    ...     raise FedpropError("`z` must be small; found 3")
    Traceback (most recent call last):
        ...
    fedprop.errors.RunFailed: rule halves failed in round 3: `z` must be small; found 3
    """
    try:
        yield
    except passing:
        raise
    except (Exception, SystemExit) as error:  # a script that ends itself would end the run, as if all were well
        raise raising(f"{what}: {in_words(error)}") from error


def in_words(error: BaseException) -> str:
    """An error as the end of a sentence: one of our own as it is, another with its class and the line it came from."""
    text = shortened(_text(error))
    if isinstance(error, FedpropError):
        return text
    return f"{type(error).__name__}{': ' if text else ''}{text}{_place(error)}"


def shortened(text: str) -> str:
    r"""As much as fits into a sentence, in one line, and in characters that any file can hold.

    >>> shortened("no file caf\udce9:\nnothing to read")
    'no file caf\\udce9: nothing to read'
    """
    line = " ".join(text.split()).encode(errors="backslashreplace").decode()
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error of somebody's own may fail even here
        return "(its text cannot be read)"


def _place(error: BaseException) -> str:
    """The file and line of the user's code that it came from, innermost; nothing if there is none."""
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith(_LIBRARIES)]
    lines = [f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in frames if frame.line]
    return lines[-1] if lines else ""
