"""Python files as modules, each with the modules beside it.

A file imports its neighbours as a script does, by `import helper`. Yet no folder goes on `sys.path`, where the `helper`
of one would be taken for that of another. Each folder is a package under a name that nobody else has, and an import in
one of its files looks into that package first.
"""

import builtins
import hashlib
import importlib
import itertools
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from fedprop.errors import InvalidConfig

SOURCE = "__fedprop_sha256__"
"""The attribute of a module that holds the digest of its text and of the neighbours' that it imported."""

PREFIX = "_fedprop_folder_"
"""How the names of packages begin that stand for folders."""


class _Folder(ModuleType):
    """The package of a folder.

    Attributes
    ----------
    texts : the file and the digest of each module that was loaded, by name.
    imports : which of these each of them imported.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{PREFIX}{next(_numbers)}")
        self.__path__ = [str(folder)]
        self.texts: dict[str, tuple[Path, str]] = {}
        self.imports: dict[str, set[str]] = {}
        sys.modules[self.__name__] = self

    @property
    def changed(self) -> bool:
        """Whether the text of a module is another one by now."""
        return any(_digest(file) != digest for file, digest in self.texts.values())

    def has(self, top: str) -> bool:
        """Whether an import of `top` means a module of this folder.

        It does, wherever else there is one. But this package is the one that runs, modules of Python that are loaded
        stay what they are, and a folder without `__init__.py` gives way.
        """
        if f"{self.__name__}.{top}" in sys.modules:
            return True
        if top == "fedprop" or (top in sys.stdlib_module_names and top in sys.modules):
            return False
        here = PathFinder.find_spec(f"{self.__name__}.{top}", self.__path__)
        if here is None:
            return False
        there = _spec_elsewhere(top)
        return there is None or (here.origin is not None and here.origin != there.origin)

    def note(self, importer: str, imported: str, parts: Sequence[str]) -> None:
        """A module has imported another one, and by that the packages that this is in, and some of its parts."""
        packages = itertools.accumulate(imported.split("."), "{}.{}".format)
        self.imports.setdefault(importer, set()).update(packages, (f"{imported}.{part}" for part in parts))

    def digest(self, name: str) -> str:
        """That of a module and of all that it imported of its folder, and these in turn."""
        found, due = set(), [name]
        while due:
            found.add(due[-1])
            due += [each for each in self.imports.get(due.pop(), ()) if each not in found]
        texts = sorted(self.texts[each][1] for each in found if each in self.texts)
        return texts[0] if len(texts) == 1 else hashlib.sha256("".join(texts).encode()).hexdigest()


_numbers = itertools.count()
_folders: dict[Path, _Folder] = {}


def load_file(path: Path) -> ModuleType:
    """The module in a file: one and the same as long as it and its neighbours are, and another when a text has changed.

    Raises
    ------
    InvalidConfig
        If there is no such file, or it fails while loading.
    """
    if not path.is_file():
        raise InvalidConfig(f"there is no file {path}")
    folder = path.resolve().parent
    if folder not in _folders or _folders[folder].changed:
        _folders[folder] = _Folder(folder)
    name = f"{_folders[folder].__name__}.{path.stem.replace('.', '_')}"
    return sys.modules.get(name) or _loaded(name, path)


def _loaded(name: str, path: Path) -> ModuleType:
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    importlib.invalidate_caches()
    spec = spec_from_file_location(name, path, loader=_Loader(name, str(path.resolve())))
    if spec is None or spec.loader is None:
        raise InvalidConfig(f"{path} cannot be loaded as Python")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception | SystemExit):
            raise
        raise InvalidConfig(f"{path} failed while loading: {why(error)}") from error
    return module


def why(error: BaseException) -> str:
    """What went wrong while loading, in a few words."""
    hint = ', which belongs under `if __name__ == "__main__":`' if isinstance(error, SystemExit) else ""
    return f"{type(error).__name__}: {error}{hint}"


class _Finder(MetaPathFinder):
    """Finds the modules in the packages of folders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname.startswith(PREFIX) else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Runs the text as it is now, where a compiled file of the same size and second may be older; notes its digest."""

    def exec_module(self, module: ModuleType) -> None:
        source, folder = self.get_data(self.path), _folder_of(module.__name__)
        folder.texts[module.__name__] = (Path(self.path), hashlib.sha256(source).hexdigest())
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": partial(_import, folder)}
        exec(self.source_to_code(source, self.path), vars(module))  # noqa: S102 - to run it is what was asked for
        setattr(module, SOURCE, folder.digest(module.__name__))


def _folder_of(name: str) -> _Folder:
    folder = sys.modules[name.partition(".")[0]]
    assert isinstance(folder, _Folder)
    return folder


def _import(
    folder: _Folder,
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002 - as Python calls it
    locals: Mapping[str, Any] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """What an import statement in a file of a folder means."""
    top = name.partition(".")[0]
    beside = level == 0 and folder.has(top)
    full = f"{folder.__name__}.{name}" if beside else name
    found = builtins.__import__(full, globals, locals, fromlist or (), level)
    if beside or level:
        folder.note(str((globals or {}).get("__name__")), full if beside else found.__name__, fromlist or ())
    return found if fromlist or not beside else getattr(found, top)


def _spec_elsewhere(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except (ImportError, ValueError):  # one that is loaded without having been found, such as `__main__`
        return None


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
