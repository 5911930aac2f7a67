"""What Sphinx is told; docs/site/build.py runs it."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from docstrings import arranged
from door_page import LISTED

project = "fedprop"
author = "the authors of fedprop"
version = release = version_of("fedprop")

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["README.md"]  # the pages of docs/site/pages include its parts
highlight_language = "text"

# Links between pages name headings, as a code host has them.
myst_heading_anchors = 3

autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"fedprop {version}"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False


def arrange(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Hand numpydoc docstrings as it wants them."""
    # What has a page of its own has a table of its settings there, and a heading inside a module would be the page's.
    tabled = any(obj is cls for cls in LISTED)
    lines[:] = arranged(lines, headed=what != "module", left_out="Attributes" if tabled else "")


def skip(app: Any, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out pydantic's own settings, and fields of named tuples, of which Python says no more than their number."""
    numbered = str(getattr(obj, "__doc__", "")).startswith("Alias for field number")
    return True if numbered or name == "model_config" else None


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    # Before numpydoc, which listens with the default priority of 500.
    app.connect("autodoc-process-docstring", arrange, priority=100)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
