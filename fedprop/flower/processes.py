"""Processes that print lines, and that are all gone when the block ends that started them, however it ends."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from fedprop.flower.guard import VARIABLE


class Line(NamedTuple):
    """What a process printed, and when it came, in seconds since 1970."""

    time: float
    process: str
    text: str


class Processes:
    """A block's processes by name; `lines` is where what they print arrives.

    A guard process ends them all, and what they started, when the block ends or this process does.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """All run in this folder, in this environment."""
        self.lines: queue.Queue[Line] = queue.Queue()
        self.tag = uuid.uuid4().hex
        self._environment = {**environment, VARIABLE: self.tag, "PYTHONUNBUFFERED": "1"}
        self._folder = folder
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._listening: list[threading.Thread] = []

    def __enter__(self) -> Self:
        guard = [sys.executable, "-m", "fedprop.flower.guard", self.tag]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guard.communicate()
        for process in self._running.values():
            process.wait()
        for thread in self._listening:
            thread.join()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process, in a group of its own."""
        process = subprocess.Popen(  # noqa: S603 - commands of Flower's
            list(command),
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        if self._guard.stdin is not None:
            self._guard.stdin.write(f"{process.pid}\n")
            self._guard.stdin.flush()
        self._running[name] = process
        self._listening.append(threading.Thread(target=self._listen, args=(name, process.stdout), daemon=True))
        self._listening[-1].start()

    def ended(self, name: str) -> int | None:
        """With which code a process has ended; None as long as it runs."""
        return self._running[name].poll()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all of its group; nothing if they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._running[name].pid, number)

    def _listen(self, name: str, said: IO[str]) -> None:
        with said:
            for text in said:
                self.lines.put(Line(time.time(), name, text.rstrip("\n")))


def free_ports(count: int) -> list[int]:
    """So many ports of this machine that nobody listens on, all different, as the system chooses them."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
