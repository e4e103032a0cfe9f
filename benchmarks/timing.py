"""Time several ways to do one thing in turn, so that a busy machine is busy for all of them."""

from __future__ import annotations

import gc
import resource
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Variant(NamedTuple):
    """One way to do the thing."""

    name: str
    call: Callable[[], object]
    calls: int
    """How often to call in a round."""


class Timing(NamedTuple):
    """What a variant took: seconds a call, one sample a round."""

    samples: tuple[float, ...]
    """By the clock on the wall."""
    cpu_samples: tuple[float, ...]
    """By the processor, its children's included: steadier when the machine is busy."""

    @property
    def median(self) -> float:
        """Give the middle of the samples."""
        return median(self.samples)

    def times_faster_than(self, other: Timing) -> float:
        """Give the ratio of the medians."""
        return other.median / self.median

    def times_less_cpu_than(self, other: Timing) -> float:
        """Give the ratio of the medians of processor time."""
        return median(other.cpu_samples) / median(self.cpu_samples)

    def spread(self, other: Timing) -> tuple[float, float]:
        """Give the quartiles of the rounds' own ratios: how far to trust the ratio."""
        ratios = [theirs / ours for theirs, ours in zip(other.samples, self.samples, strict=True)]
        low, _, high = quantiles(ratios, n=4)
        return low, high


def in_turn(variants: Sequence[Variant], rounds: int) -> dict[str, Timing]:
    """Call each variant in each round, every round beginning with another one."""
    samples: dict[str, list[tuple[float, float]]] = {variant.name: [] for variant in variants}
    for variant in variants:
        variant.call()
    for number in range(rounds):
        first = number % len(variants)
        for variant in (*variants[first:], *variants[:first]):
            samples[variant.name].append(_seconds_a_call(variant))
    return {name: Timing(*zip(*taken, strict=True)) for name, taken in samples.items()}


def _seconds_a_call(variant: Variant) -> tuple[float, float]:
    # One variant's garbage is not the next one's bill; the collector stays on as users have it.
    gc.collect()
    call = variant.call
    cpu, begun = _cpu(), time.perf_counter()
    for _ in range(variant.calls):
        call()
    taken = time.perf_counter() - begun
    return taken / variant.calls, (_cpu() - cpu) / variant.calls


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
