"""`python -m fedprop.flower.guard TAG`: waits until its standard input ends, and then ends all processes of that tag.

Whoever starts processes keeps the other end of the pipe, and loses it however it ends. A process has a tag if its
environment names it; where environments cannot be read, the process groups count that came in, one a line.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

VARIABLE = "FEDPROP_LOOPBACK"
"""The environment variable that holds the tag."""

LOOKS = 100
"""How often a guard looks, a tenth of a second apart, for processes that started while it ended others."""


def main() -> None:
    """Guard the processes of the tag in the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups = [int(line) for line in sys.stdin]
    tag = sys.argv[1]
    for _ in range(LOOKS):
        _end(groups, tag)
        if not any(tagged(tag)):
            return
        time.sleep(0.1)


def tagged(tag: str) -> Iterator[int]:
    """The ids of the processes whose environment names the tag, where there is a /proc to read them from."""
    named = f"{VARIABLE}={tag}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if named in environment.read_bytes().split(b"\0"):
                yield int(environment.parent.name)


def _end(groups: Sequence[int], tag: str) -> None:
    for group in groups:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for process in tagged(tag):
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    main()
