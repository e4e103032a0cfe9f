"""The kernel of named documents: create, get, list, update and delete what a kind declares.

A kind is a value with the names of its operations, the member that holds the name, and functions
such as `prepare`, `validate` and `references` where it needs them. It is built in one call of
`register`; paths, members and answers follow the service's own model.

A kind may have default documents, which every domain has without storing them. A domain stores a
default once it is changed, and that it is deleted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from customer_profiles import _wire

from .profiles.access import domain_row
from .service import tagging
from .service.context import Quotas
from .service.refusals import bad_request, not_found
from .service.registry import operation
from .store import documents as store
from .store import tags as tag_store
from .store.documents import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from customer_profiles._wire import Wire

    from .service.context import Context
    from .store.database import Connection

_STAMPS = ("CreatedAt", "LastUpdatedAt")
_NOT_STORED = ("DomainName", "Tags")
# Defaults are the same in every domain and have no time of creation.
_NO_TIME = 0.0
_USERS_SHOWN = 3


class Scope(NamedTuple):
    """The domain and the transaction in which an operation on documents runs."""

    context: Context
    connection: Connection
    domain_name: str
    domain: int
    """The domain's id."""
    created: float
    """When the domain was created, in epoch seconds."""


class Reference(NamedTuple):
    """What a document uses, by its noun, such as `object type`, and its name."""

    noun: str
    name: str


def _unchanged(_scope: Scope, new: Wire, _old: Wire | None) -> Wire:
    return new


def _valid(_scope: Scope, _new: Wire, _old: Wire | None) -> Sequence[str]:
    return ()


def _ignore(_scope: Scope, _document: Document) -> None:
    """Do nothing after a document was written or deleted."""


def _no_references(_body: Wire) -> Iterable[Reference]:
    return ()


def _no_defaults() -> Mapping[str, Wire]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of named documents, and what differs from other kinds."""

    noun: str
    """The word in messages, and the key of the kind in the database; it never changes."""
    key: str
    """The member of requests and answers that holds the name."""
    create: str
    get: str
    list: str
    delete: str
    update: str | None = None
    """The names of the operations, spelled out so that a search for one finds its kind."""
    quota: str
    """The field of `Quotas` that limits the documents of one domain."""
    arn: str | None = None
    """The path before the name in the ARN, such as `layouts`; None if there are no tags."""
    arn_member: str | None = None
    """The member of answers that holds the ARN."""
    read_only: tuple[str, ...] = ()
    """The members of answers that no request sets and that `prepare` adds."""
    prepare: Callable[[Scope, Wire, Wire | None], Wire] = _unchanged
    """Return the members to store, from those of the request (merged with the earlier ones in
    an update) and the earlier ones; it may add and normalise, and hides no error."""
    validate: Callable[[Scope, Wire, Wire | None], Iterable[str]] = _valid
    """Return or yield all errors that the service's model cannot express; it changes nothing."""
    after_write: Callable[[Scope, Document], None] = _ignore
    """Change what depends on a document that was just stored."""
    after_delete: Callable[[Scope, Document], None] = _ignore
    """Change what depends on a document that was just deleted."""
    references: Callable[[Wire], Iterable[Reference]] = _no_references
    """Return or yield what a body uses: documents of any kind, and other resources by their noun.
    The documents must exist, and neither can be deleted while it is used."""
    defaults: Callable[[], Mapping[str, Wire]] = _no_defaults
    """Return the bodies of the documents that every domain has, by name."""
    too_many: str = "The limit of {most} {noun}s in the domain is reached"
    """The message beyond the quota; it may contain {most}, {noun} and {domain}."""
    item: Callable[[Wire], Wire] | None = None
    """Return the members of a list's item that Get answers under other names."""

    def __post_init__(self) -> None:
        """Refuse an incomplete declaration.

        Raises:
            ValueError: something is missing, or is not in the service's model.
        """
        problems = list(_problems(self))
        if problems:
            message = f"the kind {self.noun!r} is not complete: {'; '.join(problems)}"
            raise ValueError(message)


KINDS: dict[str, Kind] = {}
"""The registered kinds by their nouns."""


def register(kind: Kind) -> Kind:
    """Enter the operations of a kind into the engine's table, and its ARNs among the taggable."""
    KINDS[kind.noun] = kind
    operation(kind.create)(partial(_create, kind))
    operation(kind.get, read_only=True)(partial(_get, kind))
    operation(kind.list, read_only=True)(partial(_list, kind))
    operation(kind.delete)(partial(_delete, kind))
    if kind.update is not None:
        operation(kind.update)(partial(_update, kind))
    if kind.arn is not None:
        tagging.register(kind.arn, partial(_is_stored, kind))
    return kind


def scope_of(context: Context, connection: Connection, request: Wire) -> Scope:
    """Return the scope of a request, whose domain must exist."""
    name = request["DomainName"]
    domain = domain_row(connection, name)
    return Scope(context, connection, name, domain.id, domain.created)


def all_of(kind: Kind, scope: Scope) -> Sequence[Document]:
    """Read all documents of a kind in a domain."""
    return _page(kind, scope.connection, scope.domain)


def find(kind: Kind, scope: Scope, name: str) -> Document | None:
    """Read a document, which may be a default."""
    return _find(kind, scope.connection, scope.domain, name)


def existing(kind: Kind, scope: Scope, request: Wire) -> Document:
    """Read the document that a request names, or refuse the request."""
    name = request[kind.key]
    return find(kind, scope, name) or _missing(kind, name)


def page(kind: Kind, scope: Scope, after: str, limit: int) -> list[Document]:
    """Read up to `limit` documents beyond the name `after`, in the order of their names."""
    return _page(kind, scope.connection, scope.domain, after, limit)


def replace(kind: Kind, scope: Scope, document: Document) -> None:
    """Store a changed document as it is, for `after_write`."""
    store.put(scope.connection, scope.domain, kind.noun, document)


def refuse_used(connection: Connection, domain: int, noun: str, name: str) -> None:
    """Refuse to delete what a document of the domain uses, and name the documents that use it."""
    users = [
        f"{kind.noun} {document.name}"
        for kind in KINDS.values()
        if kind.references is not _no_references
        # Assumed: a changed default, such as a calculated attribute's, prevents no deletion.
        for document in store.containing(connection, domain, kind.noun, name)
        if Reference(noun, name) in kind.references(document.body)
    ]
    if users:
        # Assumed: what a named document uses, such as an object type, cannot be deleted.
        shown = ", ".join(users[:_USERS_SHOWN])
        more = f" and {len(users) - _USERS_SHOWN} more" if len(users) > _USERS_SHOWN else ""
        raise bad_request(
            f"{_upper(noun)} {name} is used by {shown}{more}; delete what uses it first"
        )


def _create(kind: Kind, context: Context, request: Wire) -> Wire:
    with context.database.write() as connection:
        scope = scope_of(context, connection, request)
        now, tags = round(context.clock.now(), 3), request.get("Tags", {})
        document = Document(request[kind.key], _checked(kind, scope, request, None), now, now)
        tagging.check_number(context, tags)
        _check_new(kind, scope, document.name)
        tag_store.put(connection, _arn(kind, scope, document.name), tags)
        return _written(kind, scope, document, kind.create)


def _get(kind: Kind, context: Context, request: Wire) -> Wire:
    with context.database.read() as connection:
        scope = scope_of(context, connection, request)
        return _answer(kind, scope, existing(kind, scope, request), _members(kind.get))


def _list(kind: Kind, context: Context, request: Wire) -> Wire:
    listed, members = _item_members(kind.list)
    query = [kind.list, request["DomainName"]]
    with context.database.read() as connection:
        scope = scope_of(context, connection, request)
        # Assumed: named documents, such as layouts, are listed in the order of their names.
        found, token = context.pages.read_page(
            query,
            request,
            partial(page, kind, scope),
            attrgetter("name"),
        )
        items = [_answer(kind, scope, document, members, kind.item) for document in found]
    return {listed: items, "NextToken": token}


def _update(kind: Kind, context: Context, request: Wire) -> Wire:
    with context.database.write() as connection:
        scope = scope_of(context, connection, request)
        old = existing(kind, scope, request)
        # Assumed: an update that changes nothing is an update too: it moves LastUpdatedAt.
        body, now = _checked(kind, scope, request, old.body), round(context.clock.now(), 3)
        return _written(kind, scope, old._replace(body=body, updated=now), str(kind.update))


def _delete(kind: Kind, context: Context, request: Wire) -> Wire:
    with context.database.write() as connection:
        scope = scope_of(context, connection, request)
        document = existing(kind, scope, request)
        name = document.name
        refuse_used(connection, scope.domain, kind.noun, name)
        store.delete(connection, scope.domain, kind.noun, name)
        if name in kind.defaults():
            now = context.clock.now()
            store.put(connection, scope.domain, _deleted(kind), Document(name, {}, now, now))
        tag_store.clear(connection, _arn(kind, scope, name))
        kind.after_delete(scope, document)
    # Assumed: where the deletion of a named document answers with a Message, it is OK.
    return {"Message": "OK"} if "Message" in _members(kind.delete) else {}


def _checked(kind: Kind, scope: Scope, request: Wire, old: Wire | None) -> Wire:
    """Return the body to store: prepared, then validated, all errors at once."""
    members = {name: value for name, value in request.items() if name not in _NOT_STORED}
    del members[kind.key]
    # Assumed: an update of a named document keeps the members that it leaves out.
    body = kind.prepare(scope, {**(old or {}), **members}, old)
    errors = list(kind.validate(scope, body, old))
    if errors:
        raise bad_request("; ".join(errors))
    _check_references(kind, scope, body, old)
    return body


def _check_references(kind: Kind, scope: Scope, new: Wire, old: Wire | None) -> None:
    added = {*kind.references(new)}.difference(kind.references(old) if old else ())
    for noun, name in sorted(added):
        used = KINDS.get(noun)
        if used is not None and find(used, scope, name) is None:
            # Assumed: a request that uses a document that does not exist is not found.
            names = [document.name for document in all_of(used, scope)]
            raise not_found(f"{_upper(noun)} {name} does not exist", name, names)


def _check_new(kind: Kind, scope: Scope, name: str) -> None:
    if find(kind, scope, name):
        # Seen from the service for calculated attributes, in these words.
        raise bad_request(f"{_upper(kind.noun)} with name {name} already exists")
    most = getattr(scope.context.quotas, kind.quota)
    if store.count(scope.connection, scope.domain, kind.noun) >= most:
        # Assumed: default documents, such as calculated attributes, do not count for the limit.
        raise bad_request(kind.too_many.format(most=most, noun=kind.noun, domain=scope.domain_name))


def _written(kind: Kind, scope: Scope, document: Document, operation_name: str) -> Wire:
    replace(kind, scope, document)
    kind.after_write(scope, document)
    return _answer(kind, scope, document, _members(operation_name))


def _answer(
    kind: Kind,
    scope: Scope,
    document: Document,
    members: frozenset[str],
    item: Callable[[Wire], Wire] | None = None,
) -> Wire:
    arn = _arn(kind, scope, document.name)
    whole = {
        "DomainName": scope.domain_name,
        kind.key: document.name,
        **document.body,
        **dict(zip(_STAMPS, (document.created or None, document.updated or None), strict=True)),
        **tagging.answer(tag_store.of(scope.connection, arn)),
    }
    if kind.arn_member is not None:
        whole[kind.arn_member] = arn
    if item is not None:
        whole |= item(whole)
    return {name: value for name, value in whole.items() if name in members}


def _missing(kind: Kind, name: str) -> NoReturn:
    # Assumed: the message for a missing document names its kind and its name.
    raise not_found(f"{_upper(kind.noun)} {name} does not exist")


def _find(kind: Kind, connection: Connection, domain: int, name: str) -> Document | None:
    stored = store.find(connection, domain, kind.noun, name)
    if stored is None and name in (defaults := kind.defaults()):
        is_deleted = store.find(connection, domain, _deleted(kind), name) is not None
        return None if is_deleted else Document(name, defaults[name], _NO_TIME, _NO_TIME)
    return stored


def _page(
    kind: Kind, connection: Connection, domain: int, after: str = "", limit: int = -1
) -> list[Document]:
    """Read documents in the order of their names, with the defaults; -1 reads all."""
    stored = store.page(connection, domain, kind.noun, after, limit)
    if not (defaults := kind.defaults()):
        return stored
    known = {document.name: document for document in stored}
    deleted = {document.name for document in store.page(connection, domain, _deleted(kind))}
    for name, body in defaults.items():
        if name > after and name not in deleted:
            known.setdefault(name, Document(name, body, _NO_TIME, _NO_TIME))
    found = [known[name] for name in sorted(known)]
    return found if limit < 0 else found[:limit]


def _deleted(kind: Kind) -> str:
    """Return the kind under which a domain stores the names of its deleted defaults."""
    return f"deleted {kind.noun}"


def _upper(noun: str) -> str:
    return noun[:1].upper() + noun[1:]


def _is_stored(kind: Kind, connection: Connection, domain: int, name: str) -> bool:
    return _find(kind, connection, domain, name) is not None


def _arn(kind: Kind, scope: Scope, name: str) -> str:
    return scope.context.arn(f"domains/{scope.domain_name}/{kind.arn}/{name}")


@cache
def _members(operation_name: str) -> frozenset[str]:
    """Return the members that an operation answers with."""
    shape: Any = _wire.operation(operation_name).output_shape
    return frozenset(shape.members)


@cache
def _item_members(operation_name: str) -> tuple[str, frozenset[str]]:
    """Return the member of a list's answer that holds the items, and the members of an item."""
    shape: Any = _wire.operation(operation_name).output_shape
    name, items = next(pair for pair in shape.members.items() if pair[1].type_name == "list")
    return name, frozenset(items.member.members)


def _problems(kind: Kind) -> list[str]:
    known = _wire.service().operation_names
    operations = [kind.create, kind.get, kind.delete, *([kind.update] if kind.update else [])]
    unknown = [name for name in (*operations, kind.list) if name not in known]
    if unknown:
        return [f"{name} is no operation of the service's model" for name in unknown]
    found = [
        f"key is {kind.key}, but the last member in the path of {name} is {last}"
        for name in operations
        if (last := re.findall(r"{(\w+)}", _wire.operation(name).http["requestUri"])[-1])
        != kind.key
    ]
    taken: Any = _wire.operation(kind.create).input_shape
    answered: Any = _wire.operation(kind.get).output_shape
    set_by_kernel = {*taken.members, *kind.read_only, *_STAMPS, kind.arn_member}
    found += [
        f"{kind.get} must answer {name}, which {kind.create} does not take: name it in read_only "
        "and let prepare set it"
        for name in answered.required_members
        if name not in set_by_kernel
    ]
    if kind.read_only and kind.prepare is _unchanged:
        found.append("read_only names members, but there is no prepare that sets them")
    if kind.quota not in {field.name for field in fields(Quotas)}:
        found.append(f"quota is {kind.quota}, which is no field of Quotas")
    if "Tags" in taken.members and kind.arn is None:
        found.append(f"{kind.create} takes Tags, but arn does not say the path of its ARN")
    return found
