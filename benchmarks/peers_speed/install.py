"""Make an environment for each library that is compared in training: `python install.py FOLDER`.

Their requirements exclude each other, so each gets its own below FOLDER; one that is there already is kept, and one
that cannot be made is reported and left out.
"""

import argparse
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


@dataclass(frozen=True)
class Recipe:
    """What to install in order: torch at fedprop's version, ordinary requirements, and packages without theirs."""

    name: str
    torch: bool
    requirements: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def steps(self) -> list[list[str]]:
        """The arguments of each `pip install`."""
        steps = [["-c", str(CONSTRAINTS), "torch", "numpy"]] if self.torch else []
        return [
            *steps,
            *([list(self.requirements)] if self.requirements else []),
            *(["--no-deps", a] for a in self.alone),
        ]


RECIPES = (
    # Asks for torchvision and seaborn, which its training does not use.
    Recipe("byzfl", True, ("scipy",), ("byzfl==0.0.11",)),
    Recipe("pfl", True, ("pfl==0.6.0",)),
    # Asks for torchvision, for datasets that are not used.
    Recipe("fedlab", True, ("pandas", "scikit-learn", "pynvml", "tqdm", "munch", "pillow"), ("fedlab==1.3.0",)),
    Recipe("fedjax", False, ("fedjax==0.0.17",)),
    Recipe("flower", True, ("flwr[simulation]==1.41.0",)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(r.name for r in RECIPES)}; all by default")
    given = parser.parse_args(arguments)
    for recipe in RECIPES:
        if not given.names or recipe.name in given.names:
            make(recipe, given.folder / recipe.name)


def make(recipe: Recipe, folder: Path) -> None:
    """Make one environment; nothing of it stays if a step fails."""
    if folder.exists():
        return
    print(f"installing {recipe.name}", flush=True)
    venv.create(folder, with_pip=True)
    for step in recipe.steps():
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *step]
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(folder)
            print(f"{recipe.name} cannot be installed here, so it will not be measured", file=sys.stderr)
            return


if __name__ == "__main__":
    main()
