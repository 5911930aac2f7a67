"""Whether a run that lies on disk goes on, and where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from fedprop.data import Dataset
from fedprop.errors import StoreError
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.identity import code_of, data_digest, differences, module_digest, settings_of
from fedprop.experiments.store import Checkpoint, RunStore
from fedprop.settings import shown
from fedprop.simulation.ending import Until
from fedprop.simulation.setup import Setup
from fedprop.tracking.base import GROWING


@dataclass(frozen=True)
class Identity:
    """What runs, as it is stored with a run.

    Attributes
    ----------
    settings : the experiment.
    parts : digests of its code, its data and its model, and what was worked out from the number of rounds.
    """

    settings: dict[str, Any]
    parts: dict[str, Any]


def identify(experiment: Experiment, setup: Setup, data: Dataset, module: nn.Module) -> Identity:
    """What a run on disk is known by.

    Raises
    ------
    InvalidConfig
        If a setting cannot be written down.
    """
    parts = {
        "code": code_of(experiment),
        "data": data_digest(data),
        "model": module_digest(module),
        "plan": _plan(setup),
    }
    return Identity(settings_of(experiment), parts)


def _plan(setup: Setup) -> dict[str, Any]:
    """What was worked out at the beginning from how many rounds there would be."""
    private = setup.training.privacy
    return {
        "training.privacy.noise_multiplier": None if private is None else private.sigma,
        "defense": None if setup.protocol is None else setup.protocol.fixed_by(setup.rounds),
    }


def begin(store: RunStore, what: Identity, *, resume: bool, retry: bool = False, **meta: Any) -> Checkpoint | None:
    """Create a run, or find where the one in the folder goes on; None for at the beginning.

    With `retry` a run that failed goes on even if it was finished, and makes room if it was another one.

    Raises
    ------
    StoreError
        If the folder holds a run already and `resume` is off, or it is another one, or finished.
    """
    if not store.exists:
        store.create(settings=what.settings, identity=what.parts, **meta)
        return None
    if not resume:
        raise StoreError(_taken(store))
    failed = retry and bool(store.meta("failure"))
    grown = [name for name in GROWING if _grew(store, what, name)]
    try:
        check_same(store, what, but=grown)
    except StoreError:
        if not failed:
            raise
        store.restart(settings=what.settings, identity=what.parts, **meta)
        return None
    summary = store.mapping("summary")
    limit = "" if summary is None else summary.get("ended_by", "rounds")
    if summary is not None and not failed and limit not in (*grown, "watcher"):
        raise StoreError(f"the run in {store.folder} is finished; there is nothing to resume, unless `{limit}` grows")
    store.rewind(settings=what.settings)
    return store.checkpoint()


def _taken(store: RunStore) -> str:
    folder = store.folder
    if store.meta("summary") is not None:
        return f"{folder} already holds a run, which is finished; choose another folder"
    done, failure = len(store.rounds()), store.meta("failure")
    how = f" with: {failure}" if failure else ""
    return (
        f"{folder} already holds a run, which ended before its time, after {done} rounds{how}; go on with it "
        "(--resume, or resume=True), or choose another folder"
    )


def _grew(store: RunStore, what: Identity, name: str) -> bool:
    """Whether a limit is wider than it was."""
    then, now = (settings.get(name) for settings in (store.mapping("settings") or {}, what.settings))
    if name == "until" and then is not None and now is not None:
        old, new = Until.model_validate(then), Until.model_validate(now)
        return new != old and new.outlasts(old)
    return then is not None and (now is None or now > then)


def check_same(store: RunStore, what: Identity, *, but: Sequence[str] = ()) -> None:
    """Refuse a folder that holds a run of something else; parts that `what` does not have are not looked at.

    Raises
    ------
    StoreError
        That says what differs.
    """
    settings, parts = store.mapping("settings"), store.mapping("identity")
    if settings is None or parts is None:
        raise StoreError(f"{store.folder} holds a damaged run: it does not say of what")
    parts = {name: parts.get(name) for name in what.parts}
    found = [*_changed_settings(settings, what.settings, but), *_changed_parts(parts, what.parts)]
    if found:
        raise StoreError(
            f"{store.folder} holds a run of another configuration: {'; '.join(found)}; choose another folder"
        )


def _changed_settings(then: Mapping[str, Any], now: Mapping[str, Any], but: Sequence[str]) -> Iterator[str]:
    for place, old, new in differences(then, now):
        if place.partition(".")[0] not in but:
            yield f"`{place}` was {shown(old)}, and is {shown(new)} now"


def _changed_parts(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for place, old, new in differences(then, now):
        part, _, name = place.partition(".")
        if part == "plan":
            yield f"`{name}` was worked out as {shown(old)}, and is {shown(new)} for so many rounds"
        elif place == "code.fedprop":
            yield f"it was made by fedprop {old}, and this is fedprop {new}"
        elif part == "code":
            yield f"the text of {name.partition('.')[2]} has changed"
        elif part == "model":
            yield "the model is another one, or begins with other parameters"
        else:
            yield f"the {part} are other ones"
