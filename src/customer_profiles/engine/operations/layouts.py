"""Domain layouts: how the agent application arranges the data of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine import documents
from customer_profiles.engine.documents import Kind

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.documents import Scope
    from customer_profiles.engine.store.documents import Document


def _prepare(_scope: Scope, new: Wire, old: Wire | None) -> Wire:
    # Assumed: a layout is not the default unless a request says so.
    # Assumed: the Version of a layout is 1 at first, and each update adds 1.
    version = int(old["Version"]) + 1 if old else 1
    return {"IsDefault": False, **new, "Version": str(version)}


def _keep_one_default(scope: Scope, written: Document) -> None:
    # Assumed: a new default layout takes IsDefault from the other layouts of its type.
    # Assumed: a layout that loses IsDefault in this way keeps its Version and LastUpdatedAt.
    if not written.body["IsDefault"]:
        return
    for other in documents.all_of(LAYOUTS, scope):
        is_of_type = other.body["LayoutType"] == written.body["LayoutType"]
        if other.name != written.name and is_of_type and other.body["IsDefault"]:
            body = {**other.body, "IsDefault": False}
            documents.replace(LAYOUTS, scope, other._replace(body=body))


# Assumed: Layout is any text; it need not be JSON.
# Assumed: a domain may have 100 layouts, and the default layout may be deleted.
LAYOUTS = documents.register(
    Kind(
        noun="layout",
        key="LayoutDefinitionName",
        create="CreateDomainLayout",
        get="GetDomainLayout",
        list="ListDomainLayouts",
        update="UpdateDomainLayout",
        delete="DeleteDomainLayout",
        quota="layouts",
        arn="layouts",
        read_only=("Version",),
        prepare=_prepare,
        after_write=_keep_one_default,
    )
)
