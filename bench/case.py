"""A case: measures that are taken in turn, and the figures that are made of them.

Measures give times and sizes, of which less is better, so that the minimum or the median of the
rounds can be taken of each. A figure is one value of ours beside one of a peer, and a goal for
their ratio.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bench.ground import Ground

Values = Mapping[str, float]
"""What was measured, by name: seconds or bytes."""

Measure = Callable[["Ground"], Values]
Best = Callable[[Sequence[float]], float]


class Lacking(Exception):  # noqa: N818 - states the fact
    """What a measure needs is not on this machine."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio should be."""

    sign: Literal["<=", ">="]
    limit: float

    def is_met(self, ratio: float) -> bool:
        """Whether the ratio is on the right side of the limit, or on it."""
        return ratio <= self.limit if self.sign == "<=" else ratio >= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the result.

    `what` says what `ours` and `peer` count, and in which unit. The ratio is ours / peer, but
    peer / ours where `is_times_faster`.
    """

    name: str
    what: str
    ours: Callable[[Values], float]
    peer: Callable[[Values], float]
    goal: Goal
    is_times_faster: bool = False

    def line(self, values: Values) -> dict[str, Any]:
        """The members of the figure's JSON object; None where the peer was not to be had."""
        ours, peer, ratio = self.ours(values), None, None
        try:
            peer = self.peer(values)
        except KeyError:
            met = None
        else:
            ratio = peer / ours if self.is_times_faster else ours / peer
            met = self.goal.is_met(ratio)
        return {
            "name": self.name,
            "what": self.what,
            "ours": _rounded(ours),
            "peer": _rounded(peer),
            "ratio": _rounded(ratio),
            "goal": str(self.goal),
            "met": met,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Measures that belong together, and what is said of them."""

    name: str
    measures: Sequence[Measure]
    figures: Sequence[Figure]
    rounds: int = 3
    best: Best = min

    def run(self, ground: Ground) -> Values:
        """The best of each value over all rounds; what a missing peer would give is left out."""
        gathered: dict[str, list[float]] = {}
        missing: set[Measure] = set()
        for turn in range(self.rounds):
            ground.say(f"{self.name}: round {turn + 1} of {self.rounds}")
            for measure in self.measures:
                if measure in missing:
                    continue
                try:
                    values = measure(ground)
                except Lacking as lacking:
                    ground.say(f"{self.name}: not measured: {lacking}")
                    missing.add(measure)
                else:
                    for name, value in values.items():
                        gathered.setdefault(name, []).append(value)
        return {name: self.best(found) for name, found in gathered.items()}


median: Best = statistics.median


def fixed(value: float) -> Callable[[Values], float]:
    """A peer that is a stated number: where the goal is absolute, the ratio is to the goal."""
    return lambda _: value


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
