"""Build the site: `nox -s docs`, which leaves it in build/site/html; whatever Sphinx warns of is an error.

The pages of this repository are laid out in build/site/source as they stand in it, so that their links mean the same
there as on a code host; beside them those of docs/site/pages, and pages made from the registries. None of these is
kept.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import door_page
import kind_page
import papers

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "site"

STANDING = ("*.md", "docs/*.md", "sims/*/README.md", "tests/README.md", "benchmarks/results/*.md")
"""What is taken as it stands; docs/*_text.md are parts of other pages."""

LINK = re.compile(r"\]\(([^)#:\s]+)")
"""A link to a file of this repository, as the pages that stand write it."""

ANCHOR = re.compile(rb'<a id="(\w+)"></a>')
"""A place to link to, as a code host takes it; MyST spells it `(place)=`."""


def standing() -> list[Path]:
    """The pages that the repository has, and the pictures and files that they link to."""
    found = [path for pattern in STANDING for path in sorted(ROOT.glob(pattern)) if not path.name.endswith("_text.md")]
    links = [
        (path.parent / link).resolve() for path in found for link in LINK.findall(path.read_text(encoding="utf-8"))
    ]
    return [*dict.fromkeys([*found, *(path for path in links if path.is_file() and path.is_relative_to(ROOT))])]


def generated() -> Iterator[tuple[str, str]]:
    """Place and text of the pages that are made from what is listed."""
    for registry in kind_page.PAGED:
        yield f"kinds/{registry.family}/index.md", kind_page.index_page(registry)
        for kind in registry.kinds:
            yield f"kinds/{registry.family}/{kind}.md", kind_page.page(registry, kind)
    yield "kinds/index.md", kind_page.others_page()
    for registry in kind_page.OTHERS:
        yield f"kinds/{registry.family}.md", kind_page.family_page(registry)
    for name, text in door_page.pages():
        yield f"api/{name}.md", text
    yield "papers.md", papers.page()


def pages() -> Iterator[tuple[str, bytes]]:
    """Place and content of everything that the site is made of."""
    for path in standing():
        text = path.read_bytes()
        yield path.relative_to(ROOT).as_posix(), ANCHOR.sub(rb"(\1)=", text) if path.suffix == ".md" else text
    for path in sorted((HERE / "pages").glob("*.md")):
        yield path.name, path.read_bytes()
    for place, page in generated():
        yield place, page.encode()


def lay_out(target: Path) -> None:
    """All of it in a folder; what is unchanged is left alone, so that Sphinx need not read it again."""
    wanted = dict(pages())
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target).as_posix() not in wanted:
            path.unlink()
    for place, content in wanted.items():
        path = target / place
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main() -> int:
    """Lay out the sources and have Sphinx make pages of them; its exit status."""
    from sphinx.cmd.build import main as sphinx

    lay_out(BUILD / "source")
    options = ("--fail-on-warning", "--keep-going", "--quiet", "-c", str(HERE), "-d", str(BUILD / "doctrees"))
    return sphinx([*options, *sys.argv[1:], str(BUILD / "source"), str(BUILD / "html")])


if __name__ == "__main__":
    sys.exit(main())
