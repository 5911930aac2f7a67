"""Faults as people make them: one small change to one line of the package, found in its syntax tree."""

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHERE = (
    "fedprop/aggregators/*.py",
    "fedprop/attacks/*.py",
    "fedprop/defenses/*/*.py",
    "fedprop/simulation/*.py",
    "fedprop/simulation/policies/*.py",
    "fedprop/training/*.py",
    "fedprop/params.py",
    "fedprop/messages.py",
)
"""What faults are planted in: rules, attacks, protocols, server, training and codecs."""

PER_FILE = 2
"""Faults in one file at most, so that long files do not have them all."""

FLIPPED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
SMALL = range(4)
"""Whole numbers that are taken for counts and places, and made one larger."""


@dataclass(frozen=True)
class Fault:
    """One change.

    Attributes
    ----------
    path : the file, relative to the project's root.
    line : where in it.
    what : the sort of change.
    before, after : the expression, and what takes its place.
    place : the number of the expression's node, in the order of a walk.
    """

    path: str
    line: int
    what: str
    before: str
    after: str
    place: int

    def source(self, text: str) -> str:
        """The whole file with the change, given the file."""
        return _replaced(text, self.place, CHANGES[self.what])

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: `{self.before}` -> `{self.after}`"


Change = Callable[[ast.AST], ast.AST | None]


def flip(node: ast.AST) -> ast.AST | None:
    """a < b becomes a <= b, a == b becomes a != b, and so on."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in FLIPPED:
        return ast.Compare(node.left, [FLIPPED[type(node.ops[0])]()], node.comparators)
    return None


def drop(node: ast.AST) -> ast.AST | None:
    """a + b or a - b becomes a."""
    return node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) else None


def miscount(node: ast.AST) -> ast.AST | None:
    """a + 1, a[1:] and range(1, n) are off by one."""
    if isinstance(node, ast.BinOp | ast.Slice):
        for name in ("left", "right", "lower", "upper"):
            part = getattr(node, name, None)
            if isinstance(part, ast.Constant) and type(part.value) is int and part.value in SMALL:
                return _with(node, name, ast.Constant(part.value + 1))
    return None


def share(node: ast.AST) -> ast.AST | None:
    """x.clone() becomes x."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("clone", "copy")
    return node.func.value if called and not node.args else None  # type: ignore[attr-defined]


def turn(node: ast.AST) -> ast.AST | None:
    """In a call dim=0 becomes dim=1, and the other way round."""
    if isinstance(node, ast.Call):
        for place, said in enumerate(node.keywords):
            if said.arg == "dim" and isinstance(said.value, ast.Constant) and said.value.value in (0, 1):
                other = ast.keyword("dim", ast.Constant(1 - said.value.value))
                return ast.Call(node.func, node.args, [*node.keywords[:place], other, *node.keywords[place + 1 :]])
    return None


def negate(node: ast.AST) -> ast.AST | None:
    """not a becomes a."""
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None


CHANGES: dict[str, Change] = {
    "comparison flipped": flip,
    "term dropped": drop,
    "off by one": miscount,
    "copy skipped": share,
    "wrong axis": turn,
    "condition negated": negate,
}


def plant(count: int, seed: int) -> list[Fault]:
    """That many faults, drawn evenly from all sorts of changes."""
    draw = random.Random(seed)
    by_sort: dict[str, list[Fault]] = {what: [] for what in CHANGES}
    for fault in everywhere():
        by_sort[fault.what].append(fault)
    for found in by_sort.values():
        draw.shuffle(found)
    chosen: list[Fault] = []
    while len(chosen) < count and any(by_sort.values()):
        for found in by_sort.values():
            while found:
                fault = found.pop()
                if sum(other.path == fault.path for other in chosen) < PER_FILE:
                    chosen.append(fault)
                    break
    return chosen[:count]


def everywhere() -> Iterator[Fault]:
    """All that can be planted, file by file."""
    for place in WHERE:
        for path in sorted(ROOT.glob(place)):
            yield from faults(path.relative_to(ROOT).as_posix())


def faults(path: str) -> Iterator[Fault]:
    """All that can be planted in one file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for number, node in enumerate(ast.walk(ast.parse(text))):
        for what, change in CHANGES.items():
            if _computes(node) and (after := change(node)) is not None:
                line = getattr(node, "lineno", getattr(getattr(node, "value", None), "lineno", 0))
                yield Fault(path, line, what, ast.unparse(node), ast.unparse(after), number)


def _computes(node: ast.AST) -> bool:
    """Whether it is more than text put together for a person."""
    return not any(isinstance(part, ast.JoinedStr | ast.Constant) and _is_text(part) for part in ast.walk(node))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _with(node: ast.AST, name: str, value: ast.AST) -> ast.AST:
    fields = {field: getattr(node, field, None) for field in node._fields}
    return type(node)(**{**fields, name: value})


def _replaced(text: str, number: int, change: Change) -> str:
    """The file with the node of this number, in the order of a walk, changed."""
    tree = ast.parse(text)
    old = next(node for at, node in enumerate(ast.walk(tree)) if at == number)
    new = change(old)

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old and new is not None else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Swap().visit(tree)))
