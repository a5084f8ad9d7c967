"""What an entry of the register is.

A claim is a function that tells whether its box is true of one instance. The instances listed
as *inside* obey all hypotheses of the box, and the claim must hold. Each instance *outside*
drops the hypothesis it is named after, and the claim must fail: a hypothesis that could be
left out of the box without harm is either not needed or not tried.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Claim = Callable[..., bool]


@dataclass(frozen=True)
class Statement:
    """A claim with its instances; `nothing_to_drop` or `untried` say why some are missing."""

    label: str
    claim: Claim | None
    inside: tuple[tuple[Any, ...], ...] = ()
    outside: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    nothing_to_drop: str = ""
    untried: str = ""

    def __post_init__(self) -> None:
        if self.untried:
            return
        if not self.inside:
            raise ValueError(f"{self.label}: no instance inside the hypotheses")
        if bool(self.outside) == bool(self.nothing_to_drop):
            raise ValueError(f"{self.label}: instances outside, or why there are none to keep")


REGISTER: list[Statement] = []


def statement(
    label: str,
    inside: Iterable[Any],
    outside: Mapping[str, Any] | None = None,
    nothing_to_drop: str = "",
) -> Callable[[Claim], Claim]:
    """Enter a claim under the label of its box; an instance is a tuple of its arguments."""

    def enter(claim: Claim) -> Claim:
        kept = {name: _arguments(given) for name, given in (outside or {}).items()}
        inner = tuple(map(_arguments, inside))
        REGISTER.append(Statement(label, claim, inner, kept, nothing_to_drop))
        return claim

    return enter


def untried(label: str, why: str) -> None:
    """Enter a statement that no program can try."""
    REGISTER.append(Statement(label, None, untried=why))


def _arguments(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)
