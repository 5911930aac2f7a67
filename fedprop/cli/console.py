"""The two consoles that every command prints to."""

from rich.console import Console

OUT = Console()
ERR = Console(stderr=True)
