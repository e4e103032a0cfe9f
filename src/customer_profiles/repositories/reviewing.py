"""Reviewing matches one after the other: merge, keep apart, skip, and undo until applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Self

from customer_profiles.channels.embedded import EngineChannel, embedded
from customer_profiles.errors import InvalidInputError, NoResultError, ResourceNotFoundError
from customer_profiles.models.match import AppliedMerge, Match, ProfileComparison

from .merging import id_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from customer_profiles.models.match import MatchDecision
    from customer_profiles.models.profile import Profile

    from .matches import Matches

_NO_DECISIONS = (
    "only the embedded engine keeps profiles apart; on AWS, skip the match, or change the profiles "
    "so that they no longer match"
)


class Decided:
    """What decisions about pairs say about the profiles of matches."""

    def __init__(self, decisions: Iterable[MatchDecision]) -> None:
        self.pairs: dict[frozenset[str], bool] = {
            frozenset(decision.profile_ids): decision.is_match for decision in decisions
        }

    def groups(self, ids: Sequence[str]) -> list[list[str]]:
        """Return profiles in groups that decisions join, each in the order of the ids."""
        leaders = self._leaders()
        found: dict[str, list[str]] = {}
        for profile_id in ids:
            found.setdefault(leaders.get(profile_id, profile_id), []).append(profile_id)
        return list(found.values())

    def _leaders(self) -> dict[str, str]:
        leaders: dict[str, str] = {}

        def leader(profile_id: str) -> str:
            while leaders.setdefault(profile_id, profile_id) != profile_id:
                profile_id = leaders[profile_id]
            return profile_id

        for pair, is_match in self.pairs.items():
            if is_match:
                left, right = map(leader, pair)
                leaders[left] = right
        return {profile_id: leader(profile_id) for profile_id in list(leaders)}

    def is_open(self, ids: Sequence[str]) -> bool:
        """Return whether it is undecided if some of the profiles are the same customer."""
        return not all(
            any(self.pairs.get(frozenset((a, b))) is False for a in left for b in right)
            for left, right in combinations(self.groups(ids), 2)
        )

    def separates(self, ids: Sequence[str]) -> bool:
        """Return whether it was decided that some of the profiles are not the same customer."""
        return any(self.pairs.get(frozenset(pair)) is False for pair in combinations(ids, 2))

    def state(self, ids: Sequence[str]) -> str:
        """Return `open`, `merge` or `apart`."""
        if self.is_open(ids):
            return "open"
        return "merge" if any(len(group) > 1 for group in self.groups(ids)) else "apart"


@dataclass(eq=False)
class ReviewItem:
    """A match of a review, which waits for an answer."""

    match: Match
    """The match."""
    _review: MatchReview = field(repr=False)
    _comparison: ProfileComparison | None = field(default=None, repr=False)

    @property
    def profiles(self) -> list[Profile]:
        """The profiles, as they are compared."""
        return self.compare().profiles

    def compare(self) -> ProfileComparison:
        """Return the profiles side by side; they are read once."""
        if self._comparison is None:
            self._comparison = self.match.compare()
        return self._comparison

    def merge(
        self,
        keep: Profile | str | None = None,
        *,
        profiles: Iterable[Profile | str] | None = None,
    ) -> None:
        """Decide that profiles are the same customer; `review.apply()` merges them.

        Args:
            keep: the profile to keep; None keeps the one with the most values.
            profiles: some of the profiles; None means all.

        Raises:
            BadRequestError: other decisions say the opposite.
        """
        self._review._answer(self, self._chosen(profiles), keep, same=True)

    def keep_apart(self, *, profiles: Iterable[Profile | str] | None = None) -> None:
        """Decide that no two of the profiles are the same customer; embedded only.

        Later jobs never match them again.

        Args:
            profiles: some of the profiles; None means all.

        Raises:
            InvalidInputError: this is AWS, which keeps no decisions.
            BadRequestError: other decisions say the opposite.
        """
        embedded(self._review._matches._gateway.channel, _NO_DECISIONS)
        self._review._answer(self, self._chosen(profiles), None, same=False)

    def skip(self) -> None:
        """Leave the match open; a later review returns it again."""
        self._review._answer(self, [], None, same=False)

    def _chosen(self, profiles: Iterable[Profile | str] | None) -> list[str]:
        known = [profile.profile_id for profile in self.profiles]
        if profiles is None:
            return known
        ids = list(dict.fromkeys(map(id_of, profiles)))
        if len(ids) < 2 or not set(ids) <= set(known):  # noqa: PLR2004
            msg = "choose at least two profiles of this match"
            raise InvalidInputError(msg)
        return ids


@dataclass
class _Answer:
    item: ReviewItem
    before: dict[frozenset[str], bool | None]
    """The pairs that it decided, with what was decided about them before."""
    keeps: str | None


class MatchReview(Iterator[ReviewItem]):
    """The matches of a domain whose profiles nobody has decided about, one after the other.

    `domain.matches.review()` makes it. An item without an answer counts as skipped.
    """

    def __init__(self, matches: Matches, *, least: float = 0.0, most: float = 1.0) -> None:
        self._matches = matches
        self._stores = isinstance(matches._gateway.channel, EngineChannel)
        self._decided = Decided(matches.decisions() if self._stores else ())
        # Confidence and profiles of all, without the profiles themselves.
        found = [
            match
            for match in matches.all()
            if least <= (match.confidence_score or 0.0) <= most and len(match.profile_ids) > 1
        ]
        found.sort(key=lambda match: -(match.confidence_score or 0.0))
        self._all = found
        self._open = [match for match in found if self._decided.is_open(match.profile_ids)]
        self._position = 0
        self._answers: list[_Answer] = []
        self._keeps: dict[str, str] = {}

    def __iter__(self) -> Self:
        """Return the review itself."""
        return self

    def __next__(self) -> ReviewItem:
        """Return the next match that is still open."""
        while self._position < len(self._open):
            match = self._open[self._position]
            self._position += 1
            item = ReviewItem(match, self)
            if len(item.profiles) > 1:
                return item
        raise StopIteration

    @property
    def remaining(self) -> int:
        """How many matches are left, without the one that `next()` returned last."""
        return len(self._open) - self._position

    @property
    def pending(self) -> list[tuple[Match, list[str]]]:
        """The matches to merge, each with the profiles that are the same customer."""
        return [
            (match, group)
            for match in self._all
            for group in self._decided.groups(match.profile_ids)
            if len(group) > 1
        ]

    def undo(self) -> ReviewItem | None:
        """Undo the latest answer, and return its match; `next()` returns it again.

        Returns:
            The match; None if there is no answer to take back.
        """
        if not self._answers:
            return None
        answer = self._answers.pop()
        for pair, is_match in answer.before.items():
            self._decide(pair, is_match)
        for profile_id in answer.item.match.profile_ids:
            self._keeps.pop(profile_id, None)
        self._position = self._open.index(answer.item.match)
        return answer.item

    def apply(self, *, undo: str | os.PathLike[str] | None = None) -> list[AppliedMerge]:
        """Merge what was decided to be the same customer, also in earlier reviews.

        Args:
            undo: the folder for an undo file of each merge.

        Returns:
            The merges. After it, answers cannot be taken back; `matches.restore` undoes a merge.
        """
        applied: list[AppliedMerge] = []
        for match, group in self.pending:
            merged = self._merge(match, group, undo)
            if merged is not None:
                applied.append(merged)
                for pair in [pair for pair in self._decided.pairs if pair <= set(group)]:
                    del self._decided.pairs[pair]
        self._answers.clear()
        return applied

    def _merge(
        self, match: Match, group: list[str], undo: str | os.PathLike[str] | None
    ) -> AppliedMerge | None:
        try:
            compared = match.compare()
        except (NoResultError, ResourceNotFoundError):
            return None
        ids = [profile.profile_id for profile in compared.profiles if profile.profile_id in group]
        if len(ids) < 2:  # noqa: PLR2004
            return None
        chosen = [self._keeps[profile_id] for profile_id in ids if profile_id in self._keeps]
        keep = next((profile_id for profile_id in chosen if profile_id in ids), None)
        if keep is None:
            from .side_by_side import compare

            keep = compare([p for p in compared.profiles if p.profile_id in ids]).fullest
        file = self._matches._merge_ids(ids, keep, undo=undo)
        return AppliedMerge(
            match_id=match.match_id,
            kept_profile_id=keep,
            merged_profile_ids=[profile_id for profile_id in ids if profile_id != keep],
            undo_file=None if file is None else str(file),
        )

    def _answer(
        self, item: ReviewItem, ids: list[str], keep: Profile | str | None, *, same: bool
    ) -> None:
        kept = None if keep is None else id_of(keep)
        if kept is not None and kept not in ids:
            msg = "keep is not one of the profiles to merge"
            raise InvalidInputError(msg)
        # Joining each with the first joins all.
        pairs = (
            [frozenset((ids[0], other)) for other in ids[1:]]
            if same
            else [frozenset(pair) for pair in combinations(ids, 2)]
        )
        done: dict[frozenset[str], bool | None] = {}
        try:
            for pair in pairs:
                before = self._decided.pairs.get(pair)
                self._decide(pair, same)
                done[pair] = before
        except BaseException:
            for pair, before in done.items():
                self._decide(pair, before)
            raise
        if kept is not None:
            self._keeps |= dict.fromkeys(ids, kept)
        self._answers.append(_Answer(item, done, kept))

    def _decide(self, pair: frozenset[str], is_match: bool | None) -> None:  # noqa: FBT001
        left, right = sorted(pair)
        if is_match is None:
            if self._stores:
                self._matches.forget(left, right)
            self._decided.pairs.pop(pair, None)
            return
        if self._stores:
            self._matches.decide(left, right, same=is_match)
        self._decided.pairs[pair] = is_match
