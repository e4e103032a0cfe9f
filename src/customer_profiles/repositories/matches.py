"""Which profiles of a domain seem to be one customer's: list, merge, preview, run."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import InvalidInputError, NoResultError
from customer_profiles.models.base import attach_all
from customer_profiles.models.match import Match, MergePreview
from customer_profiles.models.matching import AutoMerging, ConflictResolution, MatchingConfig

from .base import Answer, source_of
from .jobs import Jobs
from .merging import MOST_MERGED, id_of
from .profiles import Profiles, given_profile, without_none

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles._wire import Wire
    from customer_profiles.identity import Candidate, Explanation
    from customer_profiles.models.job import IdentityResolutionJob
    from customer_profiles.models.match import MatchType
    from customer_profiles.models.profile import Profile, ProfileFields

_LIST = "GetMatches"
_LIST_RULE_BASED = "ListRuleBasedMatches"
_SIMILAR = "GetSimilarProfiles"
_PREVIEW = "GetAutoMergingPreview"

# At how many minimum confidences a plot tries criteria.
_TRIED = 8

_ML: MatchType = "ML_BASED_MATCHING"
_RULES: MatchType = "RULE_BASED_MATCHING"
# The service's text names these two, in this spelling.
_BY_MATCH, _BY_PROFILE = "matchId", "profileId"


class _Page(Answer):
    items: list[Match] | None = Field(default=None, validation_alias="Matches")
    generated_at: datetime | None = Field(default=None, validation_alias="MatchGenerationDate")
    potential_matches: int | None = Field(default=None, validation_alias="PotentialMatches")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


class _IdPage(Answer):
    items: list[str] | None = Field(default=None, validation_alias="MatchIds")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


class _Similar(Answer):
    items: list[str] | None = Field(default=None, validation_alias="ProfileIds")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class MatchResults(Results[Match]):
    """What the latest job matched; pages are fetched as you iterate."""

    generated_at: datetime | None = None
    """When the matches were found; None before the first page is fetched."""
    potential_matches: int | None = None
    """How many matches there are; None before the first page is fetched."""

    def __init__(  # noqa: PLR0913  (what a list is asked by)
        self,
        gateway: Gateway,
        domain_name: str,
        home: Matches,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> None:
        self._gateway, self._domain_name, self._home = gateway, domain_name, home
        super().__init__(self._fetch_page, limit=limit, page_size=page_size, start=start)

    def _fetch_page(self, size: int, token: str | None) -> tuple[list[Match], str | None]:
        request = {"DomainName": self._domain_name, "MaxResults": size}
        request |= {"NextToken": token} if token else {}
        answer, body = self._gateway.read(_LIST, request, _read_page)
        self.generated_at = answer.generated_at
        self.potential_matches = answer.potential_matches
        items = answer.items or []
        attach_all(items, self._home, body, "Matches")
        return items, answer.next_token


class Matches:
    """The profiles of one domain that seem to be one customer's.

    Source: GetMatches, ListRuleBasedMatches, GetSimilarProfiles and GetAutoMergingPreview of the
    service's API reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> MatchResults:
        """List what the latest job matched; pages are fetched as you iterate."""
        options = {"limit": limit, "page_size": page_size}
        return MatchResults(self._gateway, self.domain_name, self, **options, start=start)

    def rule_based(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[Match]:
        """List what the domain's rules match now; pages are fetched as you iterate.

        The service lists ids only. `match.profiles` and `match.merge()` read what they need,
        `refresh()` reads `profile_ids` and `rule_level`.
        """

        def fetch(size: int, token: str | None) -> tuple[list[Match], str | None]:
            page = {"MaxResults": size} | ({"NextToken": token} if token else {})
            request = self._request(page)
            answer, _ = self._gateway.read(_LIST_RULE_BASED, request, _IdPage.model_validate_json)
            wires = [{"MatchId": one, "MatchType": _RULES} for one in answer.items or []]
            return [Match._from_wire(it)._attach(self, it) for it in wires], answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def get(self, match_id: str, *, match_type: MatchType = _ML) -> Match:
        """Read a match by its id.

        Args:
            match_id: the id, as a list gave it.
            match_type: ML_BASED_MATCHING if the weekly job found it, RULE_BASED_MATCHING if the
                domain's rules did.

        Raises:
            NoResultError: the match is not there, or no longer.
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
        """Give the match that a profile belongs to; None if there is none.

        Args:
            profile: the profile or its id.
            match_type: ML_BASED_MATCHING asks for what the latest job found,
                RULE_BASED_MATCHING for what the domain's rules match now.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        return self._similar(match_type, _BY_PROFILE, id_of(profile))

    def preview(self, config: AutoMerging | MatchingConfig | None = None) -> MergePreview:
        """Try how many profiles auto-merging would merge; merges nothing.

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
        """Draw how sure the matches are, and what each minimum confidence would merge.

        All matches are read, and up to 8 previews tell what the criteria would merge; merges
        nothing. It needs the extra `plots`.

        Args:
            config: the settings whose criteria are tried, as in `preview`; None tries the domain's
                own, and without any only the matches are drawn.
            ax: matplotlib axes to draw on; without them a figure is made.

        Returns:
            The matplotlib axes; `.figure.savefig(file)` keeps the plot.
        """
        from customer_profiles.identity.plotting import consequences

        matches = [(one.confidence_score or 0.0, len(one.profile_ids)) for one in self.all()]
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
        """Start a job now, and give it; embedded only.

        `cp.integrations.run_due()` starts those that the domain's schedule has due.

        Raises:
            InvalidInputError: this is AWS, where only the schedule starts jobs.
            BadRequestError: the domain's matching is not enabled, or a job is running; one whose
                process was killed counts as running for half a minute.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine starts a job when it is asked to; on AWS only the "
            "schedule does, which is the domain's matching.job_schedule, and "
            "domain.jobs.all() lists the jobs",
        )
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
        """Find the profiles that may be one customer's with one that is not stored; embedded only.

        Ask it before you create a profile. Profiles are compared by the model of the domain's
        latest job, what was written since included. The first call after a job makes an index; a
        later one takes about a millisecond, also with a million profiles. `candidate.explain()`
        says why.

        Args:
            profile: the new profile, or its fields as keywords.
            least: the least probability.
            limit: how many at the most; the most probable come first.
            fields: the fields of the profile.

        Raises:
            InvalidInputError: this is AWS, which compares stored profiles only.
            BadRequestError: no job of the domain has compared two profiles yet.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine matches a profile that is not stored; on AWS create it, "
            "and use similar() after the next job",
        )
        given = given_profile(profile, fields, unset=without_none)
        return channel.find_candidates(self.domain_name, given._to_wire(), least=least, limit=limit)

    def profiles_of(self, match: Match) -> list[Profile]:
        """Read the profiles of a match."""
        return self._profiles().get_many(self._ids_of(match))

    def merge(
        self, match: Match, keep: Profile | str, take: Mapping[str, Profile | str] | None = None
    ) -> None:
        """Make one profile of all profiles of a match, 20 with a request."""
        ids, kept = self._ids_of(match), id_of(keep)
        taken = {field: id_of(profile) for field, profile in (take or {}).items()}
        if kept not in ids:
            msg = "keep is not one of the profiles of this match"
            raise InvalidInputError(msg)
        for field, profile_id in taken.items():
            if profile_id not in ids:
                msg = f"take[{field!r}] names a profile that is not one of this match"
                raise InvalidInputError(msg)
        others = [one for one in ids if one != kept]
        for start in range(0, len(others), MOST_MERGED):
            batch = others[start : start + MOST_MERGED]
            now = {field: one for field, one in taken.items() if one in (kept, *batch)}
            self._profiles().merge(kept, *batch, take=now)
            # What was taken stays, also if it is no value that a later profile could fill.
            taken |= dict.fromkeys(now, kept)

    def explain(self, match: Match) -> list[Explanation]:
        """Say why the profiles of a match seem to be one customer's, pair by pair."""
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine says why: the service keeps its evidence to itself; "
            "customer_profiles.identity.resolve(profiles).explain() has a reason of its own",
        )
        stored = Match._from_wire(source_of(match))
        if stored.match_type == _RULES:
            msg = "profiles that match by rule have the attributes of that rule in common"
            raise InvalidInputError(msg)
        found = channel.match_evidence(self.domain_name, stored.match_id)
        from customer_profiles.identity import Model

        try:
            model = Model.from_json(found["Model"])
        except ValueError as error:
            msg = "the job that found this match is of another release; run one again"
            raise InvalidInputError(msg) from error
        return model.explain_group(found["ProfileIds"], found["Evidence"])

    def save(self, _record: Match) -> NoReturn:
        """Refuse: what matches cannot be changed."""
        msg = "a match cannot be changed; change or merge its profiles"
        raise InvalidInputError(msg)

    def _reread(self, record: Match) -> Match:
        """Read a match again."""
        stored = Match._from_wire(source_of(record))
        return self.get(stored.match_id, match_type=stored.match_type or _ML)

    def _erase(self, _record: Match) -> NoReturn:
        """Refuse: a match cannot be deleted."""
        msg = "a match cannot be deleted; change or merge its profiles"
        raise InvalidInputError(msg)

    def _similar(self, match_type: MatchType, key: str, value: str) -> Match | None:
        request = {"MatchType": match_type, "SearchKey": key, "SearchValue": value}
        names: Names = {("SearchValue",): "match_id" if key == _BY_MATCH else "profile"}
        bodies: list[bytes] = []

        def fetch(size: int, token: str | None) -> tuple[list[str], str | None]:
            page = {"MaxResults": size} | ({"NextToken": token} if token else {})
            answer, body = self._gateway.read(
                _SIMILAR, self._request(request | page), _Similar.model_validate_json, names
            )
            bodies.append(body)
            return answer.items or [], answer.next_token

        profile_ids = list(Results(fetch))
        if not profile_ids:
            return None
        match = Match._from_wire(bodies[0])
        wire = {"MatchType": match_type} | match._to_wire() | {"ProfileIds": profile_ids}
        return Match._from_wire(wire)._attach(self, wire)

    def _ids_of(self, match: Match) -> list[str]:
        return match.profile_ids or self._reread(match).profile_ids

    def _merging(self, config: AutoMerging | MatchingConfig | None) -> AutoMerging | None:
        """Give the settings to try, or the domain's own; None if they have no criteria."""
        if config is None:
            from .domains import Domains

            config = Domains(self._gateway).get(self.domain_name).matching
        merging = config.auto_merging if isinstance(config, MatchingConfig) else config
        return merging if merging is not None and merging.consolidation is not None else None

    def _preview(self, merging: AutoMerging) -> MergePreview:
        resolution = ConflictResolution(conflict_resolving_model="RECENCY")
        given = {"ConflictResolution": resolution._to_wire()} | merging._to_wire()
        shape: Any = _wire.operation(_PREVIEW).input_shape
        request = self._request(_wire.fit(given, shape))
        preview = self._gateway.read(_PREVIEW, request, MergePreview._from_wire)[0]
        return preview._attach(self, merging)

    def _merged_at(self, merging: AutoMerging, least: float, whole: int) -> float:
        """Say how many of all matched profiles would be merged from a confidence on."""
        values = {"min_allowed_confidence_score_for_merging": least}
        preview = self._preview(merging.model_copy(update=values))
        merged = preview.number_of_profiles_will_be_merged or 0
        # A preview may have tried a sample only.
        return merged * whole / max(1, preview.number_of_profiles_in_sample or 0)

    def _profiles(self) -> Profiles:
        return Profiles(self._gateway, self.domain_name)

    def _request(self, members: Wire) -> Wire:
        return {"DomainName": self.domain_name} | members
