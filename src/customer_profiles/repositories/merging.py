"""Merging profiles, and finding out whether a merge happened when its answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles._problems import unknown
from customer_profiles.errors import (
    AmbiguousWriteError,
    BatchError,
    CustomerProfilesError,
    InternalServerError,
    InvalidInputError,
    ResourceNotFoundError,
    ThrottlingError,
)
from customer_profiles.models.base import wire_name
from customer_profiles.models.profile import Profile

from .profiles import Profiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles._wire import Path, Wire

    Takes = Mapping[str, Profile | str]

_MERGE = "MergeProfiles"
MOST_MERGED = 20
_ATTRIBUTES = "attributes"


def merge(
    gateway: Gateway,
    domain_name: str,
    main: Profile | str,
    others: Sequence[Profile | str],
    take: Takes | None,
) -> None:
    """Merge profiles; after a lost answer, find out whether it happened."""
    main_id = id_of(main)
    merged_ids = list(dict.fromkeys(map(id_of, others)))
    _check(main_id, merged_ids)
    _check_saved(Profiles(gateway, domain_name), (main, *others))
    chosen, names = _chosen(take or {}, (main_id, *merged_ids))
    request: Wire = {
        "DomainName": domain_name,
        "MainProfileId": main_id,
        "ProfileIdsToBeMerged": merged_ids,
    }
    if chosen:
        request["FieldSourceProfileIds"] = chosen
    with gateway.limit():
        _send(gateway, request, names)


def id_of(profile: Profile | str) -> str:
    """Return the id of a profile, or an id as it is."""
    profile_id = getattr(profile, "profile_id", profile)
    if not isinstance(profile_id, str) or not profile_id:
        msg = "give stored profiles or their ids"
        raise InvalidInputError(msg)
    return profile_id


def _check(main_id: str, merged_ids: list[str]) -> None:
    if not merged_ids:
        msg = "give at least one profile to merge into the first"
    elif len(merged_ids) > MOST_MERGED:
        msg = (
            f"a merge takes at most {MOST_MERGED} profiles; {len(merged_ids)} were given; "
            "merge the others in a further call"
        )
    elif main_id in merged_ids:
        msg = "a profile cannot be merged into itself; remove it from the others"
    else:
        return
    raise InvalidInputError(msg)


def _check_saved(home: Profiles, profiles: Iterable[Profile | str]) -> None:
    """Refuse profiles with unsaved changes, which a merge would lose."""
    for profile in profiles:
        if (
            isinstance(profile, Profile)
            and hasattr(profile, "_attached")
            and home._is_changed(profile)
        ):
            msg = "a profile has changes that were not saved; save() or refresh() it first"
            raise InvalidInputError(msg)


def _chosen(take: Takes, participants: Sequence[str]) -> tuple[Wire, Names]:
    """Return FieldSourceProfileIds, and the caller's names for its members."""
    chosen: dict[str, Any] = {}
    names: dict[Path, str] = {}
    for field, profile in take.items():
        path, profile_id = _path_of(field), id_of(profile)
        if profile_id not in participants:
            msg = f"take[{field!r}] names a profile that is not part of the merge"
            raise InvalidInputError(msg)
        target = chosen
        for step in path[:-1]:
            target = target.setdefault(step, {})
        target[path[-1]] = profile_id
        names["FieldSourceProfileIds", *path] = f"take[{field!r}]"
    return chosen, names


def _path_of(field: object) -> tuple[str, ...]:
    """Return the service's path of a field such as `email_address` or `attributes.tier`."""
    fields = _fields()
    if not isinstance(field, str):
        msg = f"the keys of take are names of fields, such as 'email_address', not {field!r}"
        raise InvalidInputError(msg)
    first, _, rest = field.partition(".")
    if first == _ATTRIBUTES and rest:
        return fields[first], rest
    if first == _ATTRIBUTES:
        msg = 'attributes are taken one by one; name one, as in "attributes.tier"'
        raise InvalidInputError(msg)
    if rest and first in fields:
        msg = f"take has no field {field!r}; {first} can only be taken as a whole"
        raise InvalidInputError(msg)
    if field not in fields:
        known = [name for name in fields if name != _ATTRIBUTES]
        raise InvalidInputError(unknown(field, [*known, f"{_ATTRIBUTES}.…"], "take"))
    return (fields[field],)


def _fields() -> dict[str, str]:
    """Return the service's names of the fields that can be taken, by our names."""
    shape: Any = _wire.operation(_MERGE).input_shape
    known = shape.members["FieldSourceProfileIds"].members
    aliases = {name: wire_name(name, info) for name, info in Profile.model_fields.items()}
    return {name: alias for name, alias in aliases.items() if alias in known}


def _send(gateway: Gateway, request: Wire, names: Names) -> None:
    """Send a merge; after a lost answer, check whether it happened before sending it again."""
    lost: AmbiguousWriteError | None = None
    for _ in gateway.rounds():
        if lost is not None and _happened(gateway, request, lost):
            return
        try:
            gateway.call(_MERGE, request, names)
        except AmbiguousWriteError as error:
            lost = error
        except ResourceNotFoundError:
            # An earlier request, whose answer was lost, may have completed meanwhile.
            if lost is None:
                raise
        else:
            return
    if lost is not None and not _happened(gateway, request, lost):
        raise lost


def _happened(gateway: Gateway, request: Wire, lost: AmbiguousWriteError) -> bool:
    """Return whether the main profile exists and all others are gone, as after a merge."""
    profiles = Profiles(gateway, request["DomainName"])
    main_id, merged_ids = request["MainProfileId"], request["ProfileIdsToBeMerged"]
    try:
        profiles.get_many([main_id, *merged_ids])
    except BatchError as error:
        transient = (ThrottlingError, InternalServerError)
        is_transient = any(isinstance(failure, transient) for failure in error.failed.values())
        return set(error.failed) == set(merged_ids) and not is_transient
    except CustomerProfilesError as error:
        raise lost from error
    return False
