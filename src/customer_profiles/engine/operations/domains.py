"""Domains: the containers of profiles."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from customer_profiles.engine import background
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.matching import consolidation, rules
from customer_profiles.engine.profiles.access import existing_domain
from customer_profiles.engine.profiles.expiry import purge_all
from customer_profiles.engine.service import tagging
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import domains as store
from customer_profiles.engine.store import matches as match_store
from customer_profiles.engine.store import tags as tag_store
from customer_profiles.engine.store import upload_jobs as upload_store
from customer_profiles.engine.uploads import steps as upload_steps

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_CLEARABLE = ("DefaultEncryptionKey", "DeadLetterQueueUrl")


@operation("CreateDomain")
def create_domain(context: Context, request: Wire) -> Wire:
    """Create a domain, with tags where the request has some."""
    name, tags = request["DomainName"], request.get("Tags", {})
    settings = _settings({}, request)
    tagging.check_number(context, tags)
    with context.database.write() as connection:
        if store.find_row(connection, name):
            # Seen from the service: the API has no conflict exception.
            raise bad_request(f"Domain {name} already exists")
        if store.count_domains(connection) >= context.quotas.domains:
            # Assumed: exceeding a quota is a BadRequestException.
            raise bad_request(f"The limit of {context.quotas.domains} domains is reached")
        store.insert(connection, name, settings, _now(context))
        domain = existing_domain(connection, name)
        rules.configure(context, connection, domain.id, None, settings)
        tag_store.put(connection, _arn(context, name), tags)
        return _described(context, connection, domain)


@operation("GetDomain")
def get_domain(context: Context, request: Wire) -> Wire:
    """Describe a domain, with its statistics."""
    purge_all(context)
    rules.apply(context)
    with context.database.read() as connection:
        domain = existing_domain(connection, request["DomainName"])
        stats = _stats(connection, domain.id)
        return {**_described(context, connection, domain), "Stats": stats}


@operation("UpdateDomain")
def update_domain(context: Context, request: Wire) -> Wire:
    """Change the settings in the request; each replaces its earlier value as a whole."""
    name = request["DomainName"]
    rules.apply(context)
    with context.database.write() as connection:
        domain = existing_domain(connection, name)
        settings = _settings(domain.settings, request)
        store.replace(connection, domain.id, settings, _now(context))
        rules.configure(context, connection, domain.id, domain.settings, settings)
        if not settings.get("Matching", {}).get("Enabled"):
            match_store.clear(connection, domain.id)
        compiled_types.check_names(connection, domain.id)
        if "Tags" in request:
            # Assumed: the Tags of an UpdateDomain request replace all tags of the domain.
            tagging.check_number(context, request["Tags"])
            tag_store.clear(connection, _arn(context, name))
            tag_store.put(connection, _arn(context, name), request["Tags"])
        return _described(context, connection, existing_domain(connection, name))


@operation("DeleteDomain")
def delete_domain(context: Context, request: Wire) -> Wire:
    """Remove a domain and everything in it; many rows are removed later."""
    with context.database.write() as connection:
        domain = existing_domain(connection, request["DomainName"])
        # AG:delete-customer-profile-connection: everything in the domain is deleted.
        # Assumed: a deleted domain is gone at once, and its name can be used again at once.
        uploads = upload_store.waiting_in(connection, domain.id)
        store.delete(connection, domain.id)
        background.remove_domain(connection, domain.id)
        tag_store.clear(connection, _arn(context, domain.name))
    upload_steps.clean(context, uploads)
    # Assumed: DeleteDomain's Message is OK, as seen in answers of DeleteProfileObject.
    return {"Message": "OK"}


@operation("ListDomains", read_only=True)
def list_domains(context: Context, request: Wire) -> Wire:
    """List the domains, page by page."""
    with context.database.read() as connection:
        # Assumed: ListDomains answers in the order of names.
        domains, token = context.pages.read_page(
            "domains", request, partial(store.page, connection), attrgetter("name")
        )
        items = [_listed(context, connection, domain) for domain in domains]
    return {"Items": items, "NextToken": token}


def _settings(old: Wire, request: Wire) -> Wire:
    # Assumed: a setting in UpdateDomain replaces the earlier one as a whole, nested members too.
    changes = {name: request[name] for name in request if name not in {"DomainName", "Tags"}}
    settings = {**old, **changes}
    for name in _CLEARABLE:
        # Assumed: an empty string clears the key or the queue; in CreateDomain it sets none.
        if settings.get(name) == "":
            del settings[name]
    _check_data_store(old, settings)
    consolidation.check(request.get("Matching", {}).get("AutoMerging", {}))
    return settings


def _check_data_store(old: Wire, settings: Wire) -> None:
    # AG:enable-customer-profiles documents both: a data store needs a key, and stays enabled.
    was_on, is_on = compiled_types.has_data_store(old), compiled_types.has_data_store(settings)
    if was_on and not is_on:
        raise bad_request("DataStore cannot be disabled once it is enabled")
    if is_on and "DefaultEncryptionKey" not in settings:
        raise bad_request("DataStore needs a DefaultEncryptionKey")


def _described(context: Context, connection: Connection, domain: store.Domain) -> Wire:
    settings = dict(domain.settings)
    matching = settings.get("RuleBasedMatching")
    if matching and matching["Enabled"]:
        state = rules.status(context, connection, domain.id)
        settings["RuleBasedMatching"] = {**matching, "Status": state}
    if compiled_types.has_data_store(settings):
        # Assumed: a data store is ready as soon as it is enabled.
        settings["DataStore"] = {"Enabled": True, "Readiness": {"ProgressPercentage": 100}}
    listed = _listed(context, connection, domain)
    return {"DomainName": listed.pop("DomainName"), **settings, **listed}


def _listed(context: Context, connection: Connection, domain: store.Domain) -> Wire:
    return {
        "DomainName": domain.name,
        "CreatedAt": domain.created,
        "LastUpdatedAt": domain.updated,
        **tagging.answer(tag_store.of(connection, _arn(context, domain.name))),
    }


def _stats(connection: Connection, domain: int) -> Wire:
    counts = store.counts(connection, domain)
    # Assumed: TotalSize counts the bytes of profiles as JSON; ObjectCount leaves profiles out.
    return {
        "ProfileCount": counts.profiles,
        # The model's text: a profile with more than 100 objects counts as two, and so on.
        "MeteringProfileCount": counts.profiles + store.count_further(connection, domain),
        "ObjectCount": counts.objects,
        "TotalSize": counts.bytes,
    }


def _arn(context: Context, name: str) -> str:
    return context.arn(f"domains/{name}")


def _now(context: Context) -> float:
    return round(context.clock.now(), 3)
