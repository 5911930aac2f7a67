"""The option `--track`: where the numbers of runs go besides their folders."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprop.tracking import Tracker


def trackers_of(texts: Sequence[str]) -> "tuple[Tracker, ...]":
    """The trackers that were asked for, each a kind or a mapping in YAML.

    Raises
    ------
    InvalidConfig
        If there is no such tracker, or what it needs is not installed.
    """
    if not texts:
        return ()
    from typing import Annotated

    from fedprop.experiments.config_file import parse_yaml
    from fedprop.settings import validate
    from fedprop.tracking import TRACKERS, Tracker
    from fedprop.types import Frozen

    class Options(Frozen):
        track: tuple[Annotated[Tracker, TRACKERS], ...]

    found = validate(Options, {"track": [parse_yaml(text, "--track") for text in texts]}, "the options").track
    for tracker in found:
        tracker.check()
    return found


def drawn_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The pictures beside a report."""
    return ((path.stem, path.read_bytes()) for path in sorted(folder.glob("*.png")))


def track_folder(folder: Path, trackers: "Sequence[Tracker]") -> None:
    """Hand a run on disk, or each finished run of a sweep, to trackers."""
    from fedprop.experiments.store import RunStore
    from fedprop.experiments.sweep import cell_folder, read_note
    from fedprop.experiments.tracking import track_stored

    if not trackers:
        return
    if RunStore(folder).exists:
        track_stored(RunStore(folder), trackers, folder, pictures=drawn_in(folder))
        return
    note = read_note(folder)
    for cell in note.cells:
        store = RunStore(cell_folder(folder, cell.place))
        if store.exists:
            track_stored(store, trackers, folder, name=f"{note.name}: {cell.place.name}")
