"""Groups of profiles that may be the same customer: list, merge, preview and run."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (pydantic reads it)
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import BatchError, InvalidInputError, NoResultError
from customer_profiles.models.match import Match, MatchDecision, MergePreview
from customer_profiles.models.matching import AutoMerging, ConflictResolution, MatchingConfig

from .base import Page, PageOptions, ReadOnlyCollection, page_reader, source_of
from .jobs import Jobs
from .merging import MOST_MERGED, id_of
from .profiles import Profiles, profile_of, without_none
from .side_by_side import compare
from .undo import write_after, write_before

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles.identity import Candidate, Explanation
    from customer_profiles.models.job import IdentityResolutionJob
    from customer_profiles.models.match import MatchType, ProfileComparison, RestoredMerge
    from customer_profiles.models.profile import Profile, ProfileFields

    from .reviewing import MatchReview

_PREVIEW = "GetAutoMergingPreview"

# The libraries of the extra `identity`.
_NEEDED = ("anyascii", "nicknames", "numpy", "pyarrow", "rapidfuzz")

# How many minimum confidences a plot tries.
_TRIED = 8

_ML: MatchType = "ML_BASED_MATCHING"
_RULES: MatchType = "RULE_BASED_MATCHING"
_NO_DECISIONS = (
    "only the embedded engine keeps decisions about profiles; on AWS merge the profiles that are "
    "the same customer"
)
# The spelling of the service's documentation.
_BY_MATCH, _BY_PROFILE = "matchId", "profileId"


class _Page(Page[Match]):
    generated_at: datetime | None = Field(default=None, validation_alias="MatchGenerationDate")
    potential_matches: int | None = Field(default=None, validation_alias="PotentialMatches")


class MatchResults(Results[Match]):
    """The matches of the latest job; pages are fetched as you iterate."""

    generated_at: datetime | None = None
    """When the matches were found; None before the first page is fetched."""
    potential_matches: int | None = None
    """The number of matches; None before the first page is fetched."""

    def __init__(
        self, gateway: Gateway, domain_name: str, home: Matches, **options: Unpack[PageOptions]
    ) -> None:
        request = {"DomainName": domain_name}
        fetch = page_reader(
            gateway, "GetMatches", _Page, request, home=home, on_page=self._keep_totals
        )
        super().__init__(fetch, model=Match, **options)

    def _keep_totals(self, page: _Page, _body: bytes) -> None:
        self.generated_at = page.generated_at
        self.potential_matches = page.potential_matches


class Matches(ReadOnlyCollection[Match]):
    """The groups of profiles in one domain that may belong to the same customer.

    Source: GetMatches, ListRuleBasedMatches, GetSimilarProfiles and GetAutoMergingPreview of the
    service's API reference.
    """

    _model = Match
    _why_not_saved = "a match cannot be changed; change or merge its profiles"
    _why_not_deleted = "a match cannot be deleted; change or merge its profiles"

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> MatchResults:
        """List the matches of the latest job; pages are fetched as you iterate."""
        options: PageOptions = {"limit": limit, "page_size": page_size, "start": start}
        return MatchResults(self._gateway, self.domain_name, self, **options)

    def rule_based(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[Match]:
        """List what the domain's rules match now; pages are fetched as you iterate.

        The service lists ids only. `match.profiles` and `match.merge()` read the profile ids that
        they need; `refresh()` reads `profile_ids` and `rule_level`.
        """
        read = page_reader(self._gateway, "ListRuleBasedMatches", Page[str], self._request({}))

        def fetch(size: int, token: str | None) -> tuple[list[Match], str | None]:
            match_ids, token = read(size, token)
            wires = [{"MatchId": match_id, "MatchType": _RULES} for match_id in match_ids]
            return [Match._from_wire(wire)._attach(self, wire) for wire in wires], token

        return Results(fetch, limit=limit, page_size=page_size, start=start, model=Match)

    def get(self, match_id: str, *, match_type: MatchType = _ML) -> Match:
        """Read a match by its id.

        Args:
            match_id: the id, from a list.
            match_type: ML_BASED_MATCHING for a match of the weekly job, RULE_BASED_MATCHING for
                one of the domain's rules.

        Raises:
            NoResultError: there is no such match, or no longer.
        """
        match = self._similar(match_type, _BY_MATCH, match_id)
        if match is None:
            msg = (
                "the domain has no such match: its profiles were merged, changed or deleted, a "
                "later job found others, or match_type is not the one of this match"
            )
            raise NoResultError(msg)
        return match

    def similar(self, profile: Profile | str, *, match_type: MatchType = _ML) -> Match | None:
        """Return the match that a profile belongs to; None if there is none.

        Args:
            profile: the profile or its id.
            match_type: ML_BASED_MATCHING for the matches of the latest job, RULE_BASED_MATCHING
                for what the domain's rules match now.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        return self._similar(match_type, _BY_PROFILE, id_of(profile))

    def preview(self, config: AutoMerging | MatchingConfig | None = None) -> MergePreview:
        """Count how many profiles auto-merging would merge; merges nothing.

        Args:
            config: the settings to try, whether enabled or not; None tries the domain's own.

        Raises:
            InvalidInputError: the settings have no consolidation criteria; nothing was tried.
        """
        merging = self._merging(config)
        if merging is None:
            msg = (
                "give auto-merging settings with a consolidation, as in AutoMerging(enabled=True, "
                'consolidation=Consolidation(matching_attributes_list=[["EmailAddress"]]))'
            )
            raise InvalidInputError(msg)
        return self._preview(merging)

    def plot(self, config: AutoMerging | MatchingConfig | None = None, *, ax: Any = None) -> Any:
        """Plot the confidence of the matches, and what each minimum confidence would merge.

        This reads all matches and requests up to 8 previews; it merges nothing. It needs the
        extra `plots`.

        Args:
            config: the settings whose criteria are tried, as in `preview`; None tries the domain's
                own. Without criteria, only the matches are plotted.
            ax: the matplotlib axes to draw on; None creates a figure.

        Returns:
            The matplotlib axes; `.figure.savefig(file)` stores the plot.
        """
        from customer_profiles.identity.plotting import consequences

        matches = [(match.confidence_score or 0.0, len(match.profile_ids)) for match in self.all()]
        merging = self._merging(config)
        if merging is None:
            return consequences(matches, ax=ax)
        lowest = min((confidence for confidence, _ in matches), default=1.0)
        marks = [lowest + (1 - lowest) * step / (_TRIED - 1) for step in range(_TRIED)]
        whole = sum(size for _, size in matches)
        tried = [(mark, self._merged_at(merging, mark, whole)) for mark in marks]
        least = merging.min_allowed_confidence_score_for_merging
        return consequences(matches, tried, least, ax)

    def run(self) -> IdentityResolutionJob:
        """Start a job now and return it; embedded only.

        `cp.integrations.run_due()` starts jobs by the domain's schedule.

        Raises:
            InvalidInputError: this is AWS, where only the schedule starts jobs, or the extra
                `identity` is not installed.
            BadRequestError: the domain's matching is not enabled, or a job is running; one whose
                process was killed counts as running for half a minute.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine starts a job on request; on AWS jobs start by the domain's "
            "matching.job_schedule, and domain.jobs.all() lists them",
        )
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            msg = (
                f"matching needs {', '.join(missing)}, of the extra identity; install it in a "
                'checkout of this project by `pip install ".[identity]"`'
            )
            raise InvalidInputError(msg)
        job_id = channel.run_identity_resolution(self.domain_name)
        return Jobs(self._gateway, self.domain_name).get(job_id)

    def find(
        self,
        profile: Profile | None = None,
        /,
        *,
        least: float = 0.5,
        limit: int = 10,
        **fields: Unpack[ProfileFields],
    ) -> list[Candidate]:
        """Find stored profiles that may be the same customer as a new one; embedded only.

        Call it before you create a profile. It compares by the model of the domain's latest job,
        and finds profiles that were written since, too. The first call after a job builds an
        index; each later one takes about a millisecond, even with a million profiles.
        `candidate.explain()` returns the reasons.

        Args:
            profile: the new profile, or its fields as keywords.
            least: the lowest probability.
            limit: the largest number of candidates; the most probable come first.
            fields: the fields of the profile.

        Raises:
            InvalidInputError: this is AWS, which only compares stored profiles.
            BadRequestError: no job of the domain has compared two profiles yet.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine matches a profile that is not stored; on AWS create it, "
            "and use similar() after the next job",
        )
        wire = profile_of(profile, fields, unset=without_none)._to_wire()
        return channel.find_candidates(self.domain_name, wire, least=least, limit=limit)

    def decide(self, left: Profile | str, right: Profile | str, *, same: bool) -> None:
        """Store whether two profiles are the same customer; embedded only.

        Every later job of the domain honours it: profiles that are the same customer are always in
        one match, and others never are, nor are they merged automatically. A merge transfers
        the decisions about the merged profiles to the one that is kept.

        Args:
            left: a profile or its id.
            right: another profile or its id.
            same: whether both are the same customer; it replaces an earlier decision about them.

        Raises:
            InvalidInputError: this is AWS, which keeps no decisions.
            BadRequestError: other decisions say the opposite; the message names their profiles.
            ResourceNotFoundError: there is no such domain or profile.
        """
        channel = embedded(self._gateway.channel, _NO_DECISIONS)
        channel.decide(self.domain_name, id_of(left), id_of(right), is_match=same)

    def forget(self, left: Profile | str, right: Profile | str) -> None:
        """Remove the decision about two profiles; embedded only.

        Raises:
            InvalidInputError: this is AWS, which keeps no decisions.
            ResourceNotFoundError: there is no such domain, profile or decision.
        """
        channel = embedded(self._gateway.channel, _NO_DECISIONS)
        channel.forget_decision(self.domain_name, id_of(left), id_of(right))

    def decisions(self) -> list[MatchDecision]:
        """Return what was decided about pairs of profiles, the oldest first; embedded only.

        Raises:
            InvalidInputError: this is AWS, which keeps no decisions.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(self._gateway.channel, _NO_DECISIONS)
        return [MatchDecision._from_wire(wire) for wire in channel.decisions(self.domain_name)]

    def profiles_of(self, match: Match) -> list[Profile]:
        """Read the profiles of a match."""
        return self._profiles().get_many(self._ids_of(match))

    def compare(self, match: Match) -> ProfileComparison:
        """Read the profiles of a match, and compare them field by field."""
        try:
            profiles = self.profiles_of(match)
        except BatchError as error:
            profiles = list(error.succeeded)
        return compare(profiles)

    def review(self, *, least: float = 0.0, most: float = 1.0) -> MatchReview:
        """Review the matches one after the other, the most probable first.

        A match is left out once it is decided whether all of its profiles are the same customer,
        so that a review continues where an earlier one stopped. The embedded engine stores each
        decision at once (`decide`), and nothing is merged before `apply()`. AWS keeps no
        decisions: there, merges are remembered by the review alone.

        Args:
            least: the lowest confidence.
            most: the highest confidence.
        """
        from .reviewing import MatchReview

        return MatchReview(self, least=least, most=most)

    def restore(self, file: str | os.PathLike[str], *, apart: bool = True) -> RestoredMerge:
        """Recreate the profiles of a merge from its undo file, with keys and objects.

        They get new ids. The profile that was kept gets its former values back where they were not
        changed since. After an interruption, call it again.

        Args:
            file: the undo file that `match.merge(undo=...)` wrote.
            apart: also decide that the profiles are not the same customer, so that later jobs do
                not match them again; embedded only.

        Raises:
            InvalidInputError: the file is no undo file, or was restored, or is of another domain,
                or its merge did not happen.
        """
        from .undo import restore

        return restore(self._gateway, self.domain_name, file, apart=apart)

    def merge(
        self,
        match: Match,
        keep: Profile | str,
        take: Mapping[str, Profile | str] | None = None,
        undo: str | os.PathLike[str] | None = None,
    ) -> Path | None:
        """Merge all profiles of a match into one, 20 with a request."""
        return self._merge_ids(self._ids_of(match), keep, take, undo)

    def _merge_ids(
        self,
        ids: list[str],
        keep: Profile | str,
        take: Mapping[str, Profile | str] | None = None,
        undo: str | os.PathLike[str] | None = None,
    ) -> Path | None:
        """Merge profiles of a match into one, with an undo file if that is wanted."""
        kept = id_of(keep)
        taken = {field: id_of(profile) for field, profile in (take or {}).items()}
        if kept not in ids:
            msg = "keep is not one of the profiles of this match"
            raise InvalidInputError(msg)
        for field, profile_id in taken.items():
            if profile_id not in ids:
                msg = f"take[{field!r}] names a profile that is not one of this match"
                raise InvalidInputError(msg)
        others = [profile_id for profile_id in ids if profile_id != kept]
        file = None
        if undo is not None:
            profiles = self._profiles().get_many(ids)
            file = write_before(self._gateway, self.domain_name, kept, profiles, undo)
        for start in range(0, len(others), MOST_MERGED):
            batch = others[start : start + MOST_MERGED]
            sources = {field: source for field, source in taken.items() if source in (kept, *batch)}
            self._profiles().merge(kept, *batch, take=sources)
            # Later batches must not overwrite what was taken, even where it was empty.
            taken |= dict.fromkeys(sources, kept)
        if file is not None:
            write_after(file, self._profiles().get(kept))
        return file

    def explain(self, match: Match) -> list[Explanation]:
        """Explain, pair by pair, why the profiles of a match may be the same customer."""
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine explains matches: AWS does not return its evidence; "
            "customer_profiles.identity.resolve(profiles).explain() explains its own matches",
        )
        stored = Match._from_wire(source_of(match))
        if stored.match_type == _RULES:
            msg = "profiles that match by rule have equal values in the attributes of that rule"
            raise InvalidInputError(msg)
        found = channel.match_evidence(self.domain_name, stored.match_id)
        from customer_profiles.identity import Model

        try:
            model = Model.from_json(found["Model"])
        except ValueError as error:
            msg = "the job that found this match ran on another release; run a new job"
            raise InvalidInputError(msg) from error
        return model.explain_group(found["ProfileIds"], found["Evidence"])

    def _reread(self, record: Match) -> Match:
        """Read a match again."""
        stored = Match._from_wire(source_of(record))
        return self.get(stored.match_id, match_type=stored.match_type or _ML)

    def _similar(self, match_type: MatchType, key: str, value: str) -> Match | None:
        request = {"MatchType": match_type, "SearchKey": key, "SearchValue": value}
        names: Names = {("SearchValue",): "match_id" if key == _BY_MATCH else "profile"}
        bodies: list[bytes] = []
        fetch = page_reader(
            self._gateway,
            "GetSimilarProfiles",
            Page[str],
            self._request(request),
            names=names,
            on_page=lambda _, body: bodies.append(body),
        )
        profile_ids = list(Results(fetch))
        if not profile_ids:
            return None
        match = Match._from_wire(bodies[0])
        wire = {"MatchType": match_type} | match._to_wire() | {"ProfileIds": profile_ids}
        return Match._from_wire(wire)._attach(self, wire)

    def _ids_of(self, match: Match) -> list[str]:
        return match.profile_ids or self._reread(match).profile_ids

    def _merging(self, config: AutoMerging | MatchingConfig | None) -> AutoMerging | None:
        """Return the settings to try, or the domain's own; None if they have no criteria."""
        if config is None:
            from .domains import Domains

            config = Domains(self._gateway).get(self.domain_name).matching
        merging = config.auto_merging if isinstance(config, MatchingConfig) else config
        return merging if merging is not None and merging.consolidation is not None else None

    def _preview(self, merging: AutoMerging) -> MergePreview:
        resolution = ConflictResolution(conflict_resolving_model="RECENCY")
        wire = {"ConflictResolution": resolution._to_wire()} | merging._to_wire()
        request = self._request(_wire.fit(wire, _wire.input_shape(_PREVIEW)))
        preview = self._gateway.read(_PREVIEW, request, MergePreview._from_wire)[0]
        return preview._attach(self, merging)

    def _merged_at(self, merging: AutoMerging, least: float, whole: int) -> float:
        """Estimate how many of all matched profiles a minimum confidence would merge."""
        values = {"min_allowed_confidence_score_for_merging": least}
        preview = self._preview(merging.model_copy(update=values))
        merged = preview.number_of_profiles_will_be_merged or 0
        # A preview may count in a sample only.
        return merged * whole / max(1, preview.number_of_profiles_in_sample or 0)

    def _profiles(self) -> Profiles:
        return Profiles(self._gateway, self.domain_name)
