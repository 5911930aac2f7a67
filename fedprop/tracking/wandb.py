"""Weights & Biases."""

import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Literal

from fedprop.tracking.base import Track, Tracker, identity_of
from fedprop.types import Round

ID = 32
"""Characters of a run's id, of which Weights & Biases takes 64 at most."""


class WandB(Tracker):
    """A run of Weights & Biases; with the extra `wandb`.

    A run that is told again, of the same name and settings and from the same folder of the same machine, takes the
    place of what was told: it has the same id, which Weights & Biases writes over, and its older files go.

    Attributes
    ----------
    project : the project that the run belongs to.
    mode : `offline` keeps it beside the run or sweep, from where `wandb sync` uploads it; `online` sends it as it goes.
    """

    module: ClassVar[str] = "wandb"

    kind: Literal["wandb"] = "wandb"
    project: str = "fedprop"
    mode: Literal["offline", "online"] = "offline"

    def open(self, name: str, config: Mapping[str, Any], folder: Path) -> Track:
        import wandb

        own = identity_of(name, config, folder)[:ID]
        for earlier in (folder / "wandb").glob(f"offline-run-*-{own}"):
            shutil.rmtree(earlier)
        settings = wandb.Settings(silent=True, disable_git=True, save_code=False)
        run = wandb.init(
            project=self.project,
            name=name,
            id=own,
            config=dict(config),
            dir=str(folder),
            mode=self.mode,
            reinit="create_new",
            settings=settings,
        )
        return _Track(run, wandb.Image)


class _Track(Track):
    def __init__(self, run: Any, image: Any) -> None:
        self._run = run
        self._image = image

    def numbers(self, round: Round, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=round)

    def picture(self, name: str, png: bytes) -> None:
        from PIL import Image

        self._run.log({f"pictures/{name}": self._image(Image.open(BytesIO(png)))})

    def end(self, failure: str = "") -> None:
        if failure:
            self._run.summary["failure"] = failure
        self._run.finish(exit_code=1 if failure else 0)
