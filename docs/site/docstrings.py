"""Docstrings as reStructuredText: paragraphs are plain text in which only code, emphasis and lists are marked.

What docstrings of this package look like, and what is made of it: formulas stand indented and become literal blocks;
a sentence that begins with "Source:" or examples may follow sections such as `Attributes`, and are moved to where
numpydoc expects them.
"""

import re
from collections.abc import Sequence

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^(\w[\w, ]*) : (?=\S)(.*)$")
"""Name and meaning, where numpydoc has a type behind the colon."""

CODE = re.compile(r"`([^`]+)`(\w?)")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])")
MARKS = re.compile(r"[*|\\]|(?<=\w)_(?!\w)|(?<!\w)_(?=\w)")
"""What reStructuredText would take for markup: stars, bars, and names that begin or end with an underscore."""


def arranged(lines: Sequence[str], *, headed: bool = True, left_out: str = "") -> list[str]:
    """A docstring's lines in the order and the markup that numpydoc reads.

    Examples have a heading unless `headed` is false, and a section of the name `left_out` is dropped.

    >>> arranged(["Twice x.", "", "Raises", "------", "ValueError", "    Never.", "", "Source: me, `2x`."])
    ['Twice x.', '', '**Source:** me, ``2x``.', '', 'Raises', '------', 'ValueError', '    Never.', '']
    """
    prose: list[str] = []
    sections: list[str] = []
    examples: list[str] = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        if HEADING.match("\n".join(block.split("\n")[:2])):
            heading, rule, *entries = block.split("\n")
            if heading != left_out:
                told = [ENTRY.sub(r"\1\n    \2", inline(entry)) for entry in entries]
                sections.append("\n".join([heading, rule, *told]))
        elif block.lstrip().startswith(">>>"):
            examples.append(block)
        else:
            prose.append(paragraph(block))
    title = ["Examples\n--------"] if examples and headed else []
    return [*"\n\n".join([*prose, *sections, *title, *examples]).split("\n"), ""]


def paragraph(block: str) -> str:
    """One paragraph of prose, a list, or a formula, as its indentation says."""
    if block.startswith(" "):
        return "::\n\n" + "\n".join(f"    {line}" for line in block.split("\n"))
    block = inline(block)
    block = re.sub(r"^Source: ", "**Source:** ", block)
    # A list needs an empty line before it.
    block = re.sub(r"::$", ":", block)
    return re.sub(r"^((?!- |  ).*)\n(?=- )", r"\1\n\n", block, flags=re.MULTILINE)


def inline(text: str) -> str:
    r"""Code between backticks as a literal, emphasis as it is, and nothing else that has a meaning.

    >>> inline("|x| times `f`s, *not* a * b_")
    '\\|x\\| times ``f``\\ s, *not* a \\* b\\_'
    """
    kept: list[str] = []

    def keep(shown: str) -> str:
        kept.append(shown)
        return f"\0{len(kept) - 1}\0"

    text = CODE.sub(lambda m: keep(f"``{m[1]}``" + (f"\\ {m[2]}" if m[2] else "")), text)
    text = EMPHASIS.sub(lambda m: keep("*") + m[1] + keep("*"), text)
    text = MARKS.sub(lambda m: "\\" + m[0], text)
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], text)
