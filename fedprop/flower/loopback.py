"""`python -m fedprop.flower.loopback APP --out DIR`: an exported app on this machine, all nodes real processes.

It starts Flower's SuperLink and a SuperNode for each client, on ports that the system chooses, runs the app, and
leaves `rounds.json` and `model.safetensors` of the app, `events.json` and `timeline.png` in DIR. All processes are gone
when it ends, however it ends. `--kill 9:3` kills the node of client 9 as it trains in round 3; `--slow 1:20` stops that
of client 1 for 20 seconds in each of its tasks.
"""

import argparse
import json
import os
import queue
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from fedprop.errors import FedpropError, InvalidConfig, RunFailed
from fedprop.experiments.experiment import Experiment, load_experiment
from fedprop.files import write_atomically
from fedprop.flower.diary import SERVER, Happened, accuracy, bars, heard, marks
from fedprop.flower.experiments import enlisted
from fedprop.flower.processes import Line, Processes, free_ports

STARTING = 300.0
"""Seconds until the SuperLink must listen; it takes five on a quiet machine."""

NOTHING: Mapping[str, Sequence[tuple[int, float]]] = {}

LEFT = ("rounds.json", "model.safetensors", "events.json", "timeline.png")
"""What a run leaves; those of an earlier one go first, so that none of them is taken for what a failed one found."""

KEPT = 60
"""The last lines of all processes that a failure shows."""


class Deployment:
    """One run of an app; see the module.

    Attributes
    ----------
    events : what happened.
    tag : of its processes (see `fedprop.flower.guard`); empty before they are started.
    """

    def __init__(self, app: Path, out: Path, *, kill: Mapping[int, int], slow: Mapping[int, float]) -> None:
        self.app, self.out, self.kill, self.slow = app.resolve(), out.resolve(), kill, slow
        self.experiment = load_experiment(self.app / "experiment.yaml")
        for name, asked in (("--kill", kill), ("--slow", slow)):
            if wrong := [client for client in asked if not 0 <= client < self.experiment.clients]:
                raise InvalidConfig(f"{name} must name clients from 0 to {self.experiment.clients - 1}; found {wrong}")
        self.events: list[Happened] = []
        self.tag = ""
        self._said: list[str] = []
        self._resume: dict[int, float] = {}

    def run(self, seconds: float) -> None:
        """Run the app to its end.

        Raises
        ------
        RunFailed
            If that takes longer than so many seconds, or cannot be: with what the processes said last.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        for name in LEFT:
            (self.out / name).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as home:
            superlink, *nodes = free_ports(1 + self.experiment.clients)
            address = f"127.0.0.1:{superlink}"
            config = f'[superlink.loopback]\naddress = "{address}"\ninsecure = true\n'
            Path(home, "config.toml").write_text(config, encoding="utf-8")
            with Processes(_environment(home), self.app) as processes:
                self.tag = processes.tag
                self._start(processes, address, nodes)
                self._listen(processes, superlink, time.time() + seconds)
        told = [event._asdict() for event in self.events]
        write_atomically(self.out / "events.json", json.dumps(told, indent=1))
        draw(self.out, self.experiment)

    def _start(self, processes: Processes, address: str, ports: Sequence[int]) -> None:
        host, port = address.split(":")
        server = [_script("flower-superlink"), "--insecure", "--host", host, "--port", port]
        processes.start("superlink", [*server, "--disable-runtime-dependency-installation"])
        for client, own in enumerate(ports):
            node = [_script("flower-supernode"), "--insecure", "--superlink", address, "--host", host]
            config = f"partition-id={client} num-partitions={len(ports)}"
            processes.start(str(client), [*node, "--port", str(own), "--node-config", config])

    def _listen(self, processes: Processes, port: int, end: float) -> None:
        """Follow what the processes say until the app has kept its results."""
        self._wait_for(port)
        results = f'results="{self.out}"'
        processes.start(
            "run", [_script("flwr"), "run", str(self.app), "loopback", "--run-config", results, "--format", "json"]
        )
        while not (self.out / "rounds.json").exists():
            if time.time() > end:
                self._fail("the app must end in time; it has not")
            if processes.ended("superlink") is not None:
                self._fail("the SuperLink must run until the app has ended; it stopped")
            if processes.ended("run"):
                self._fail("Flower must take the app; it refused it")
            self._resume_who_waited(processes)
            with suppress(queue.Empty):
                self._hear(processes, processes.lines.get(timeout=0.05))
        while not processes.lines.empty():
            self._hear(processes, processes.lines.get())

    def _hear(self, processes: Processes, line: Line) -> None:
        """Note what a process said, and stop or kill the node that is to be, as it trains."""
        self._said = [*self._said[1 - KEPT :], f"{line.process}: {line.text}"]
        event = heard(line.time, int(line.process), line.text) if line.process.isdigit() else None
        if event is None:
            return
        self._note(event)
        if event.what == "training" and self.kill.get(event.node) == event.round:
            processes.signal(line.process, signal.SIGKILL)
            self._note(Happened(time.time(), event.node, "killed", event.round))
        elif event.what == "training" and event.node in self.slow:
            processes.signal(line.process, signal.SIGSTOP)
            self._note(Happened(time.time(), event.node, "stopped", event.round))
            self._resume[event.node] = time.time() + self.slow[event.node]

    def _note(self, event: Happened) -> None:
        self.events.append(event)
        print(f"node {event.node}: {event.what}", file=sys.stderr)

    def _resume_who_waited(self, processes: Processes) -> None:
        for client, due in list(self._resume.items()):
            if time.time() >= due:
                del self._resume[client]
                processes.signal(str(client), signal.SIGCONT)
                self._note(Happened(time.time(), client, "resumed"))

    def _wait_for(self, port: int) -> None:
        end = time.time() + STARTING
        while time.time() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.2)
        self._fail("the SuperLink must listen; it does not")

    def _fail(self, why: str) -> NoReturn:
        raise RunFailed("\n".join([f"{why}. Last lines:", *self._said]))


def draw(out: Path, experiment: Experiment, beside: Mapping[str, Sequence[tuple[int, float]]] = NOTHING) -> None:
    """Write `timeline.png` from the results in a folder; `beside` are further curves of accuracy by round."""
    from fedprop.report.figures import png
    from fedprop.report.figures.deployment import deployment_figure

    events = [Happened(**event) for event in json.loads((out / "events.json").read_text(encoding="utf-8"))]
    rounds = json.loads((out / "rounds.json").read_text(encoding="utf-8"))
    held = enlisted(experiment)
    names = [
        f"node {client} ({held[client].kind})" if client in held else f"node {client}"
        for client in range(experiment.clients)
    ]
    hostile = [names[client] for client in held]
    curves = {"on these nodes": accuracy(rounds), **beside}
    what = bars(events, rounds, names), marks(events, rounds, names)
    figure = deployment_figure([SERVER, *names], *what, curves, hostile=hostile)
    write_atomically(out / "timeline.png", png(figure))


def _environment(home: str) -> dict[str, str]:
    """The environment here, with Flower's files in a folder of their own, one thread a process, and no telemetry."""
    quiet = {"FLWR_HOME": home, "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
    return {**os.environ, **quiet, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PATH": _path()}


def _path() -> str:
    """Where Flower's commands are looked for: first beside this Python."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _script(name: str) -> str:
    """One of Flower's commands, beside this Python."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise InvalidConfig(f"{path} must be there: pip install 'fedprop[flower]'")
    return str(path)


def _pairs(text: str) -> tuple[int, float]:
    client, _, value = text.partition(":")
    return int(client), float(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m fedprop.flower.loopback", description="An app on this machine.")
    parser.add_argument("app", type=Path, help="the folder of an exported app")
    parser.add_argument("--out", type=Path, required=True, help="where the results go")
    parser.add_argument("--kill", type=_pairs, action="append", default=[], metavar="CLIENT:ROUND")
    parser.add_argument("--slow", type=_pairs, action="append", default=[], metavar="CLIENT:SECONDS")
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long the run may take")
    asked = parser.parse_args(arguments)
    kill = {client: int(round) for client, round in asked.kill}
    try:
        Deployment(asked.app, asked.out, kill=kill, slow=dict(asked.slow)).run(asked.seconds)
    except FedpropError as error:
        print(f"fedprop: {error}", file=sys.stderr)
        return 1 if isinstance(error, RunFailed) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
