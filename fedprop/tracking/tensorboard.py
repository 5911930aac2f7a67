"""TensorBoard."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import numpy as np

from fedprop.tracking.base import Track, Tracker
from fedprop.types import Round


class TensorBoard(Tracker):
    """Event files that `tensorboard --logdir FOLDER` shows; with the extra `tensorboard`.

    Attributes
    ----------
    logdir : the folder for all runs, each in one of its name; None for `tensorboard` beside the run or sweep.
    """

    module: ClassVar[str] = "tensorboard"

    kind: Literal["tensorboard"] = "tensorboard"
    logdir: Path | None = None

    def open(self, name: str, config: Mapping[str, Any], folder: Path) -> Track:
        from torch.utils.tensorboard import SummaryWriter

        # What an earlier run left under this name is told anew: it is not shown beside it.
        writer = SummaryWriter(str((self.logdir or folder / "tensorboard") / quote(name, safe=" ,")), purge_step=0)
        writer.add_text("config", f"```\n{json.dumps(dict(config), indent=1)}\n```")
        return _Track(writer)


class _Track(Track):
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def numbers(self, round: Round, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, round)

    def picture(self, name: str, png: bytes) -> None:
        self._writer.add_image(name, _pixels(png), dataformats="HWC")

    def end(self, failure: str = "") -> None:
        if failure:
            self._writer.add_text("failure", failure)
        self._writer.close()


def _pixels(png: bytes) -> Any:
    """A picture as whole numbers from 0 to 255 [height, width, channels]."""
    from PIL import Image

    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))
