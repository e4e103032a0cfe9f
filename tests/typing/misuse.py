"""Misuse that mypy and pyright must both report: an ignore that is not needed is an error."""

from __future__ import annotations

from typing import Annotated

from customer_profiles import (
    Address,
    CustomerProfiles,
    Key,
    Profile,
    ProfileObject,
    S3Task,
    Scheduled,
    ZendeskFlow,
    ZendeskTask,
)

shop = CustomerProfiles.embedded().domain("shop")
ada = shop.profiles.get("id")

# A misspelled field of a result, and one inside an address.
ada.frist_name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
if ada.address:
    ada.address.ciy  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

# A misspelled field that is set.
ada.frist_name = "Ada"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

# A misspelled option of the engine.
CustomerProfiles.embedded(clok=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# A wrong enum value in a request, in each form.
shop.profiles.create(gender="WOMAN")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Profile(gender="WOMAN")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.profiles.search(email="a", match="both")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# A misspelled argument, in each verb.
shop.profiles.create(frist_name="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.profiles.update("id", frist_name="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.profiles.search(emial="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Profile(frist_name="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# A misspelled key inside an address, in each form.
shop.profiles.create(address={"ciy": "London"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Address(ciy="London")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# A wrong type.
shop.profiles.create(first_name=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Profile(first_name=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# A value that may be absent, used without a look.
ada.first_name.upper()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
shop.profiles.search(email="a").first().save()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


class Order(ProfileObject, name="Order"):
    order_id: Annotated[str, Key("OrderId", unique=True, profile=True)]


class Visit(ProfileObject, name="Visit"):
    visit_id: Annotated[str, Key("VisitId", unique=True, profile=True)]


# Objects of another class, and a misspelled field of a typed one.
shop.objects(Order).put(Visit(visit_id="1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.objects(Order).put({"OrderId": "1"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.objects("Order").put(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ada.objects(Order).one().ordr_id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
ada.objects(Order).delete(Visit(visit_id="1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Misspelled and wrong settings.
shop.object_types.put("Order", descripton="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
shop.object_types.put(Order, source_priority=1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
ada.history(action_type="INGESTD")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.integrations.put("arn", scope="PROFIL")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]

# Settings of a layout that are misspelled, of another type, or only the service's.
shop.upload_jobs.upload("people.csv", unique="Mail")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.upload_jobs.upload("people.csv", fields={"Mail": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
shop.upload_jobs.create("june", fields={"Mail": "email_address"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.layouts.create("explorer", display_nme="Explorer")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.layouts.update("explorer", is_default="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.layouts.update("explorer", version="2")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.layouts.create("explorer", layout_type="HOME")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# A source that is neither or both of uri and flow, and wrong combinations in a flow.
shop.integrations.put(object_type_name="Order")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
ZendeskTask(task_type="Filter", source_fields=[], operator="CONTAINS")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Scheduled()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
ZendeskFlow(
    flow_name="a",
    kms_arn="b",
    connector_profile_name="c",
    object="d",
    tasks=[S3Task(task_type="Map", source_fields=[])],  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
)

# What is no profile, a wrong kind of match, and a match that may not be there.
shop.profiles.merge(ada, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.profiles.merge(ada, "id", take="id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.matches.get("id", match_type="RULES")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.matches.similar(ada).profiles  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
shop.matches.all().one().merge()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
shop.jobs.get("id").wait(on_progress=print, timout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# A lazy list as a condition; mypy has no check of this (docs/explanation/typing.md), and goes on.
results = shop.profiles.search(email="a")
if results:  # pyright: ignore[reportGeneralTypeIssues]
    ada.frist_name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
while not results:  # pyright: ignore[reportGeneralTypeIssues]
    ada.save("now")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
results[0]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
len(results)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
results.frist()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
_ = results.one().first_name + 1  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]


# Results of calls that return nothing, and arguments in the wrong position.
saved: Profile = shop.profiles.update("id", first_name="A")  # type: ignore[assignment, func-returns-value]  # pyright: ignore[reportAssignmentType]
shop.profiles.search("a@example.com")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
shop.profiles.create("Ada")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cp = CustomerProfiles.embedded()
cp.domains.create("shop", default_expiration_days="366")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cp.domains.create("shop", extra=["Newer"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cp.domians  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
shop.created_at.year  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
shop.stats.profile_count  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
shop.profiles.lookup(email="a").profile  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
Key("OrderId", uniqe=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
