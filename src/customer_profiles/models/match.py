"""Groups of profiles that probably belong to the same customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import BeforeValidator, Field

from customer_profiles.errors import DetachedError

from .base import Identifier, Model, OpenEnum, Record, UnredactedModel
from .profile import Profile

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from customer_profiles.identity import Explanation
    from customer_profiles.repositories.matches import Matches

    from .matching import AutoMerging

MatchType = Literal["RULE_BASED_MATCHING", "ML_BASED_MATCHING"]


class MatchDecision(Model):
    """What somebody decided about two profiles; later jobs honour it."""

    _shown: ClassVar[frozenset[str]] = frozenset({"profile_ids", "is_match", "decided_at"})

    profile_ids: list[str]
    """The ids of both profiles."""
    is_match: bool
    """Whether they describe one person."""
    decided_at: datetime
    """When it was decided."""


Agreement = Literal["same", "similar", "different", "missing"]


class ComparedField(Model):
    """A field of several profiles side by side."""

    _shown: ClassVar[frozenset[str]] = frozenset({"field", "agreement"})

    field: str
    """The field's name, with dots for nested members, such as `address.city`."""
    values: list[str | None]
    """The values in the order of the profiles; None where a profile has none."""
    agreement: Agreement
    """`same` but for case, spaces and punctuation; `similar` by most of its letters; `different`;
    or `missing` in all profiles but one."""


class ProfileComparison(Model):
    """Several profiles side by side: what agrees, and what differs."""

    profiles: list[Profile]
    """The profiles."""
    fields: list[ComparedField]
    """The fields that any of the profiles has, in the order of `Profile`."""
    fullest: str
    """The id of the profile with the most values; of several, the first."""

    @property
    def agreeing(self) -> list[str]:
        """The names of the fields in which all profiles that have a value agree."""
        return [field.field for field in self.fields if field.agreement == "same"]

    @property
    def differing(self) -> list[str]:
        """The names of the fields in which profiles differ, be it a little."""
        known = ("similar", "different")
        return [field.field for field in self.fields if field.agreement in known]


class RestoredMerge(UnredactedModel):
    """What `matches.restore` made of an undo file."""

    kept_profile_id: str
    """The profile that the others had been merged into; it has its former values again."""
    profile_ids: dict[str, str]
    """The new ids of the restored profiles, by their former ones."""
    differences: list[str]
    """What is not as it was before the merge, in words."""


class AppliedMerge(UnredactedModel):
    """A merge that a review, or a merge of all matches, carried out."""

    match_id: str
    """The match."""
    kept_profile_id: str
    """The profile that was kept."""
    merged_profile_ids: list[str]
    """The profiles that were merged into it."""
    undo_file: str | None = None
    """The file from which `matches.restore` recreates them."""


class Match(Record):
    """A group of profiles that probably belong to the same customer.

    Matches that `rule_based()` lists have only their id; `refresh()` reads the rest.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"match_id", "profile_ids", "confidence_score", "match_type", "rule_level"}
    )

    match_id: Annotated[str, Identifier()] = ""
    """The group's id."""
    profile_ids: Annotated[
        list[str], BeforeValidator(lambda found: [] if found is None else found)
    ] = Field(default_factory=list)
    """The ids of the profiles; empty if `rule_based()` listed the match, until `refresh()`."""
    confidence_score: float | None = None
    """The confidence of the weekly job, 0 to 1; None if rules matched the profiles."""
    match_type: Annotated[MatchType, OpenEnum()] | None = None
    """The kind of matching; None means ML_BASED_MATCHING, in a match that `all()` listed."""
    rule_level: int | None = None
    """The level of the rule that matched; None if the weekly job matched the profiles."""

    @property
    def profiles(self) -> list[Profile]:
        """The profiles, which are read on each access, 20 with a request.

        Raises:
            BatchError: some were merged or deleted since; `.succeeded` has the others.
            NoResultError: the match no longer exists.
        """
        return self._home().profiles_of(self)

    def compare(self) -> ProfileComparison:
        """Read the profiles, and compare them field by field.

        Profiles that were merged or deleted since are left out.

        Raises:
            NoResultError: the match no longer exists.
        """
        return self._home().compare(self)

    def explain(self) -> list[Explanation]:
        """Explain why the profiles match, pair by pair; embedded only.

        Each explanation has the evidence of every attribute, in bits that add up to the score, for
        the profiles as they were when the job ran. `rich.print(explanation)` shows a table with
        bars, `explanation.plot()` draws a waterfall.

        Raises:
            InvalidInputError: the client is connected to AWS, which does not explain matches, or
                a rule made the match.
            ResourceNotFoundError: the match no longer exists.
        """
        return self._home().explain(self)

    def merge(
        self,
        keep: Profile | str,
        *,
        take: Mapping[str, Profile | str] | None = None,
        undo: str | os.PathLike[str] | None = None,
    ) -> Path | None:
        """Merge the profiles into one of them; the service cannot undo it.

        More than 21 profiles take several requests, each of which merges 20 into `keep`.

        Args:
            keep: the profile, or its id, that remains; its values win.
            take: fields whose value comes from another of the profiles, even if that one has no
                value, as in `take={"email_address": other}`; an address is taken as a whole, an
                attribute as `attributes.tier`.
            undo: a new file with the suffix .json, or a folder for one: the profiles are written
                there first, with their keys and objects, and `matches.restore` recreates them.

        Returns:
            The path of the undo file; None without `undo`.

        Raises:
            InvalidInputError: `keep` is not one of the profiles, or `take` names a field or
                profile that does not exist; nothing was sent.
            ResourceNotFoundError: a profile was merged or deleted since.
            AmbiguousWriteError: no answer came, and it is unknown whether the merge happened.
        """
        return self._home().merge(self, keep, take, undo)

    def _home(self) -> Matches:
        return cast("Matches", self._origin().home)


class MergePreview(UnredactedModel):
    """The effect that auto-merging would have, tried on a sample of the matches."""

    # A slot, as in Record: pydantic neither copies, compares nor pickles it.
    __slots__ = ("_tried",)

    domain_name: str | None = None
    """The name of the domain."""
    number_of_matches_in_sample: int | None = None
    """The number of matches in the sample."""
    number_of_profiles_in_sample: int | None = None
    """The number of profiles in these matches."""
    number_of_profiles_will_be_merged: int | None = None
    """The number of these profiles that would be merged."""

    def plot(self, ax: Any = None) -> Any:
        """Draw the confidence of the matches, and what each minimum confidence would merge.

        It is `domain.matches.plot()` with the settings of the preview, and reads the matches.

        Args:
            ax: the matplotlib axes to draw on; by default, new ones.

        Returns:
            The axes.

        Raises:
            DetachedError: this was not returned by `domain.matches.preview()`.
        """
        try:
            home, config = object.__getattribute__(self, "_tried")
        except AttributeError:
            msg = "this preview was not returned by domain.matches.preview()"
            raise DetachedError(msg) from None
        return home.plot(config, ax=ax)

    def _attach(self, home: Matches, config: AutoMerging) -> Self:
        """Remember the settings that were tried, and the repository."""
        object.__setattr__(self, "_tried", (home, config))
        return self
