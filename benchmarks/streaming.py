"""Rules on rows that lie on disk: seconds, gigabytes read per second, and memory above that of the idle process.

`python -m benchmarks.streaming` writes one safetensors file per client into a temporary folder, 8 GB in all unless told
otherwise, runs each rule on them in a fresh process, and removes them. The files have just been written, so as much of
them as memory has room for comes from the operating system's cache rather than from the disk. Memory is measured as
Linux tells it.
"""

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch

from fedprop import GeometricMedian, Krum, Mean, MeanAroundMedian, Median, NearestNeighbourMixing, TrimmedMean
from fedprop.aggregators import Aggregator, SafetensorsRows

RULES: dict[str, Aggregator] = {
    "mean": Mean(),
    "median": Median(),
    "trimmed mean": TrimmedMean(f=2),
    "mean around median": MeanAroundMedian(f=2),
    "Krum": Krum(f=2),
    "geometric median": GeometricMedian(),
    "mixing, mean": NearestNeighbourMixing(f=2) >> Mean(),
    "mixing, median": NearestNeighbourMixing(f=2) >> Median(),
}


WRITTEN = 10_000_000
"""Numbers drawn and written at a time, 40 MB."""


class Run(NamedTuple):
    """What one rule took."""

    seconds: float
    megabytes: float
    equal: bool | None


def write_rows(folder: Path, clients: int, parameters: int) -> list[Path]:
    paths = [folder / f"client-{client:04d}.safetensors" for client in range(clients)]
    for client, path in enumerate(paths):
        write_row(path, parameters, torch.Generator().manual_seed(client))
    return paths


def write_row(path: Path, parameters: int, generator: torch.Generator) -> None:
    """A file as safetensors lays it out; its own writer holds a row twice, which is too much where rows are large."""
    entry = {"dtype": "F32", "shape": [parameters], "data_offsets": [0, 4 * parameters]}
    header = json.dumps({"update": entry}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for start in range(0, parameters, WRITTEN):
            file.write(torch.randn(min(WRITTEN, parameters - start), generator=generator).numpy().data)


def held(what: str) -> float:
    """The memory this process holds now (`VmRSS`) or held at most (`VmHWM`), in MB, as Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(what))


def run(name: str, paths: list[Path], compare: bool) -> Run:
    rule, rows = RULES[name], SafetensorsRows(paths)
    rule(torch.randn(len(paths), 1000))  # what is loaded at first use is not the rows' doing
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before, start = held("VmRSS"), time.perf_counter()
    answer = rule(rows)
    seconds, megabytes = time.perf_counter() - start, held("VmHWM") - before
    equal = torch.allclose(answer, rule(rows.read(0, rows.shape[1])), rtol=1e-6, atol=1e-7) if compare else None
    return Run(seconds, megabytes, equal)


def in_new_process(name: str, paths: list[Path], compare: bool) -> Run:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, (name, paths, compare))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", default=list(RULES), help=f"of {', '.join(RULES)}; else all of them")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--parameters", type=int, default=200_000_000, help="of each client, in float32")
    parser.add_argument("--folder", type=Path, default=None, help="where the files go for a while")
    parser.add_argument("--compare", action="store_true", help="also with all rows in memory; are the answers equal?")
    args = parser.parse_args()
    if unknown := set(args.rules) - RULES.keys():
        parser.error(f"`rules` must be of {', '.join(RULES)}; found {', '.join(sorted(unknown))}")
    for name in args.rules:
        if args.clients < RULES[name].min_rows:
            parser.error(f"`--clients` must be at least {RULES[name].min_rows} for {name}; found {args.clients}")
    size = 4 * args.clients * args.parameters
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if shutil.disk_usage(folder).free < 1.1 * size:
            sys.exit(f"`--folder` must have room for {size / 1e9:.1f} GB; {folder} has not")
        paths = write_rows(Path(folder), args.clients, args.parameters)
        print(f"{args.clients} x {args.parameters:,} float32: {size / 1e9:.1f} GB; {torch.get_num_threads()} threads")
        print(f"the answer itself takes {4 * args.parameters / 1e6:.0f} MB")
        for name in args.rules:
            found = in_new_process(name, paths, args.compare)
            billion = found.seconds * 7e9 * 4 / size
            speed = f"{found.seconds:7.1f} s  {size / 1e9 / found.seconds:5.2f} GB/s"
            same = {None: "", True: "  as in memory", False: "  NOT AS IN MEMORY"}[found.equal]
            print(
                f"{name:20} {speed}  +{found.megabytes:.0f} MB  7 x 1 billion, in proportion: {billion:.0f} s{same}",
                flush=True,
            )


if __name__ == "__main__":
    main()
