"""Modules that say nothing, in place of those that a graded notebook must not or cannot have.

The readers' checks know how to find an answer, so whoever could call or trace one while a
notebook is graded would have it. Platforms such as Colab have modules of their own, and a
notebook that mounts a drive at its top should not fail for that.
"""

import sys
from collections.abc import Generator, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

CHECKS = ("convac_book.checks",)
PLATFORMS = ("google", "kaggle_secrets", "piplite", "micropip")


class Silence:
    """An object that lets anything be done with it and does nothing; it counts as true."""

    def __getattr__(self, name: str) -> "Silence":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **keywords: Any) -> "Silence":
        """Do nothing, whatever is handed over."""
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __await__(self) -> Generator[None, None, "Silence"]:
        return self
        yield

    def __repr__(self) -> str:
        return "(not available while the notebook is graded)"


class SilentModule(ModuleType):
    """A module whose every name is a `Silence`."""

    def __getattr__(self, name: str) -> Silence:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silence()


class _Finder(MetaPathFinder, Loader):
    """Finds silent modules."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make a silent module, or None for all others."""
        found = any(name == silent or name.startswith(f"{silent}.") for silent in self.names)
        return ModuleSpec(name, self, is_package=True) if found else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module."""
        return SilentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty."""


def silence() -> None:
    """Put the silent modules in place: the checks before all others, platforms after them."""
    sys.meta_path.insert(0, _Finder(CHECKS))
    sys.meta_path.append(_Finder(PLATFORMS))
