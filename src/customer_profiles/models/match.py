"""Profiles that seem to be one customer's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import BeforeValidator, Field

from customer_profiles.errors import DetachedError

from .base import Identifier, Model, OpenEnum, Record

if TYPE_CHECKING:
    from customer_profiles.identity import Explanation
    from customer_profiles.repositories.matches import Matches

    from .matching import AutoMerging
    from .profile import Profile

MatchType = Literal["RULE_BASED_MATCHING", "ML_BASED_MATCHING"]


def _or_empty(value: Any) -> Any:
    return [] if value is None else value


class Match(Record):
    """A group of profiles that seem to be one customer's.

    Those that `rule_based()` lists know their id only; what needs more reads it.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"match_id", "profile_ids", "confidence_score", "match_type", "rule_level"}
    )

    match_id: Annotated[str, Identifier()] = ""
    """The group's id."""
    profile_ids: Annotated[list[str], BeforeValidator(_or_empty)] = Field(default_factory=list)
    """The ids of the profiles; empty where `rule_based()` lists it, until `refresh()`."""
    confidence_score: float | None = None
    """How sure the weekly job is, from 0 to 1; None where rules matched."""
    match_type: Annotated[MatchType, OpenEnum()] | None = None
    """What matched them; None where `all()` lists it, which is ML_BASED_MATCHING."""
    rule_level: int | None = None
    """The level of the rule that matched; None where the weekly job did."""

    @property
    def profiles(self) -> list[Profile]:
        """The profiles, read now, 20 with a request.

        Raises:
            BatchError: some are gone, merged or deleted since; `.succeeded` has the others.
            NoResultError: the match is no longer there.
        """
        return self._home().profiles_of(self)

    def explain(self) -> list[Explanation]:
        """Say why the profiles seem to be one customer's, pair by pair; embedded only.

        Each explanation has the evidence of every attribute, in bits that add up to the score. It
        is of the profiles as they were when the job ran. `rich.print(it)` shows a table with bars,
        `it.plot()` draws a waterfall.

        Raises:
            InvalidInputError: this is AWS, which does not say why, or a rule made the match.
            ResourceNotFoundError: the match is no longer there.
        """
        return self._home().explain(self)

    def merge(
        self, keep: Profile | str, *, take: Mapping[str, Profile | str] | None = None
    ) -> None:
        """Make one profile of all; this cannot be undone.

        More than 21 profiles take several requests, each of which merges 20 into the one kept.

        Args:
            keep: the profile that stays, with its id; its values win.
            take: fields whose value comes from another of the profiles, even if it has none
                there, as in `take={"email_address": other}`; an address is taken as a whole, an
                attribute as `attributes.tier`.

        Raises:
            InvalidInputError: `keep` is not one of the profiles, or `take` names a field or
                profile that there is not; nothing was sent.
            ResourceNotFoundError: a profile is gone, merged or deleted since.
            AmbiguousWriteError: the answer was lost, and whether it happened cannot be told.
        """
        self._home().merge(self, keep, take)

    def _home(self) -> Matches:
        return cast("Matches", self._origin().home)


class MergePreview(Model):
    """What auto-merging would do, tried on a sample of the matches."""

    # A slot, as in Record: pydantic neither copies, compares nor pickles it.
    __slots__ = ("_tried",)

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            "domain_name",
            "number_of_matches_in_sample",
            "number_of_profiles_in_sample",
            "number_of_profiles_will_be_merged",
        }
    )

    domain_name: str | None = None
    """The domain."""
    number_of_matches_in_sample: int | None = None
    """How many matches were looked at."""
    number_of_profiles_in_sample: int | None = None
    """How many profiles these have."""
    number_of_profiles_will_be_merged: int | None = None
    """How many of these profiles would be merged."""

    def plot(self, ax: Any = None) -> Any:
        """Draw how sure the matches are, and what each minimum confidence would merge.

        It is `domain.matches.plot()` with the settings that were tried, and reads the matches now.

        Raises:
            DetachedError: `domain.matches.preview()` did not make this.
        """
        try:
            home, config = object.__getattribute__(self, "_tried")
        except AttributeError:
            msg = "this preview was not made by domain.matches.preview(), which knows the matches"
            raise DetachedError(msg) from None
        return home.plot(config, ax=ax)

    def _attach(self, home: Matches, config: AutoMerging) -> Self:
        """Remember what was tried, and where."""
        object.__setattr__(self, "_tried", (home, config))
        return self
