"""Weights & Biases."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Literal

from fedprop.tracking.base import Track, Tracker
from fedprop.types import Round


class WandB(Tracker):
    """A run of Weights & Biases; with the extra `wandb`.

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

        settings = wandb.Settings(silent=True, disable_git=True, save_code=False)
        run = wandb.init(
            project=self.project,
            name=name,
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
