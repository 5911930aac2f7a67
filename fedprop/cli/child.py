"""A process of its own for a command that runs code of others, which may end Python or hang it.

The command starts itself again in a child process and waits. What there is to say, the child says; it tells the parent
how it ended. A child that is gone without that, by `os._exit`, by a crash in compiled code or because it had to be
ended, is a failure and not an exit status of 0.
"""

import faulthandler
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress

from fedprop.cli.console import ERR

CHANNEL = "FEDPROP_CHANNEL"
"""The variable that tells a child by which file descriptor it reaches its parent; whoever has it is no parent."""

AGAIN = "import sys; sys.path[:] = {path!r}; from fedprop.cli.child import go_on; go_on()"


def needs_child() -> bool:
    """Whether this process is to leave the work to a child; on Windows, none is."""
    return CHANNEL not in os.environ and os.name == "posix"


def channel() -> int | None:
    """The file descriptor by which this process reaches its parent, if it is such a child."""
    return int(os.environ[CHANNEL]) if os.environ.get(CHANNEL) else None


def run_in_child(what: str) -> int:
    """Run this command in a child process, and give its exit status; `what` names what it runs of others."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", AGAIN.format(path=sys.path), *sys.argv[1:]]
    environment = {**os.environ, CHANNEL: str(theirs.fileno())}
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment) as child:  # noqa: S603 - itself
        theirs.close()
        try:
            said = _heard(ours, child)
        except KeyboardInterrupt:
            said = b"\x01"  # the child has been interrupted as well, and says so
        finally:
            with suppress(subprocess.TimeoutExpired):
                child.wait(1.0)
            child.kill()
    if len(said) == 1:
        return said[0]
    told = f"fedprop: {what} {_end(child.returncode, said.decode())}"
    ERR.print(told, style="red", soft_wrap=True, highlight=False, markup=False)
    return 1


def _heard(ours: socket.socket, child: "subprocess.Popen[bytes]") -> bytes:
    """All that a child tells: one byte, its exit status, or else where it stood when it had to be ended."""
    ours.settimeout(1.0)
    said = b""
    while True:
        with suppress(TimeoutError):
            more = ours.recv(4096)
            said += more
            if not more or len(said) == 1:
                return said
        if child.poll() is not None:  # a process of its own may hold the other end
            return said


def _end(status: int, said: str) -> str:
    """How a child ended that did not say so itself, given what `faulthandler` says."""
    stood = said.rpartition("(most recent call first):\n")[2].partition("\n")[0].strip()
    where = f" at {stood.removeprefix('File ')}" if stood else ""
    if said.startswith("Timeout"):
        return f"did not answer, could not be interrupted{where}, and was ended"
    if status >= 0:
        return f"ended Python with status {status}, before there was a report"
    why = signal.Signals(-status).name
    return f"was ended by {why}{where}, as a crash in compiled code or want of memory does, before there was a report"


def go_on() -> None:
    """What a child does: the command, and no more; whatever the code of others has left to do is not waited for."""
    from fedprop.cli import main

    parent = socket.socket(fileno=channel())
    faulthandler.enable(parent.fileno(), all_threads=False)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    status = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    parent.send(bytes([status % 256]))
    os._exit(status)


def _end_with(parent: socket.socket) -> None:
    with suppress(OSError):
        parent.recv(1)
    os._exit(1)
