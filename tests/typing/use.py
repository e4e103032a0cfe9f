"""How the library is used, read by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, assert_type

import pandas as pd
import polars as pl

from customer_profiles import (
    Address,
    AllObjects,
    AutoMerging,
    ChangeEvent,
    CustomerProfiles,
    DeadLetter,
    Delivery,
    DetectedObjectType,
    Domain,
    EventStream,
    EventStreamDestination,
    FindOrCreate,
    FlowRun,
    Follower,
    History,
    HistoryRecord,
    IdentityResolutionJob,
    Integration,
    JobStats,
    Key,
    Layout,
    Lookup,
    Match,
    MatchingConfig,
    MatchResults,
    MergePreview,
    ObjectsOfProfile,
    ObjectType,
    ObjectTypeField,
    ObjectTypeTemplate,
    Plan,
    Profile,
    ProfileKey,
    ProfileObject,
    ProfileObjects,
    Provenance,
    PutResult,
    Results,
    SalesforceFlow,
    SalesforceTask,
    Scheduled,
    StoredObject,
    Target,
    UploadJob,
    UploadMapping,
    UploadPath,
    UploadResults,
)

cp = CustomerProfiles.embedded()
shop = cp.domains.create("shop", default_expiration_days=30, matching=MatchingConfig(enabled=True))
assert_type(shop, Domain)
assert_type(cp.domains.all(), Results[Domain])

ada = shop.profiles.create(first_name="Ada", gender="FEMALE", address={"city": "London"})
assert_type(ada, Profile)
assert_type(shop.profiles.create(Profile(address=Address(city="London"))), Profile)
assert_type(ada.first_name, str | None)
assert_type(ada.attributes, dict[str, str] | None)

results = shop.profiles.search(email="a@example.com", phone=["1", "2"], keys={"_orderId": "3"})
assert_type(results, Results[Profile])
assert_type(results.first(), Profile | None)
assert_type(results.one(), Profile)
for page in results.pages():
    assert_type(page, list[Profile])
for profile in results:
    assert_type(profile, Profile)

assert_type(shop.profiles.lookup(email="a@example.com"), Lookup | None)
assert_type(shop.profiles.find_or_create(email="a@example.com"), FindOrCreate)
found, created = shop.profiles.find_or_create(email="a", defaults={"first_name": "Ada"})
assert_type(found, Profile)
assert_type(created, bool)

shop.profiles.update("id", last_name="King", middle_name=None, attributes={"tier": None})
shop.profiles.update("id", Profile(middle_name=None))
assert_type(ada.save(), Profile)
assert_type(cp.tags.all(shop), dict[str, str])


class Order(ProfileObject, name="Order"):
    order_id: Annotated[str, Key("OrderId", unique=True, profile=True)]
    total: Annotated[Decimal | None, Target("_order.TotalPrice")] = None


assert_type(shop.object_types.put(Order), ObjectType)
assert_type(shop.object_types.put("CTR", template_id="CTR", expiration_days=30), ObjectType)
assert_type(shop.object_types.get(Order), ObjectType)
assert_type(shop.object_types.all(), Results[ObjectType])
assert_type(shop.object_types.detect({"id": 1}, '{"id": 2}'), list[DetectedObjectType])
assert_type(shop.object_types.plan(Order), Plan)
assert_type(shop.object_types.apply(shop.object_types.plan(Order)), Plan)
assert_type(shop.object_types.apply(Order, delete_undeclared=True), Plan)
assert_type(cp.templates.get("CTR"), ObjectTypeTemplate)
assert_type(cp.templates.all(), Results[ObjectTypeTemplate])

assert_type(shop.objects(Order), ProfileObjects[Order])
assert_type(shop.objects(Order).put(Order(order_id="1")), str)
assert_type(shop.objects(Order).put_many([Order(order_id="1")]), list[str])
for result in shop.objects(Order).put_each(Order(order_id=str(n)) for n in range(3)):
    assert_type(result, PutResult[Order])
    assert_type(result.item.total, Decimal | None)
shop.objects("Order").put({"OrderId": "1"})
shop.objects("Order").put_many(['{"OrderId": "1"}', {"OrderId": "2"}])

orders = ada.objects(Order, keys={"OrderId": "1"}, limit=3)
assert_type(orders, ObjectsOfProfile[Order])
assert_type(orders.first(), Order | None)
orders.delete(orders.one())
for order in orders:
    assert_type(order, Order)
assert_type(ada.objects("_order").one(), StoredObject)
assert_type(ada.objects("_order").one().profile_id, str | None)
assert_type(shop.objects(Order).all(limit=1), AllObjects[Order])
assert_type(shop.objects("_order").all(), AllObjects[StoredObject])
for owner, order in shop.objects(Order).all().with_profile_ids():
    assert_type((owner, order), tuple[str, Order])
assert_type(shop.profiles.all(), Results[Profile])
assert_type(shop.profiles.keys("id"), list[ProfileKey])
assert_type(shop.profiles.all().to_pandas(), pd.DataFrame)
assert_type(shop.profiles.all().to_polars(), pl.DataFrame)
assert_type(ada.objects("_order").one().data, dict[str, Any])

assert_type(ada.history(action_type="INGESTED", object_type_name=Order), History)
assert_type(ada.history().get("id"), HistoryRecord)
for record in ada.history():
    assert_type(record.refresh(), HistoryRecord)
assert_type(ada.provenance("address.city"), Provenance)
assert_type(shop.dead_letters, list[DeadLetter])

shop.profiles.merge(ada, "id", found, take={"email_address": found, "attributes.tier": "id"})
assert_type(shop.matches.all(), MatchResults)
assert_type(shop.matches.all().generated_at, datetime | None)
for match in shop.matches.all(limit=3):
    assert_type(match, Match)
    assert_type(match.profile_ids, list[str])
    assert_type(match.confidence_score, float | None)
    assert_type(match.profiles, list[Profile])
    match.merge(keep=match.profiles[0], take={"email_address": "id"})
assert_type(shop.matches.rule_based(), Results[Match])
assert_type(shop.matches.similar(ada, match_type="RULE_BASED_MATCHING"), Match | None)
assert_type(shop.matches.get("id").refresh(), Match)
assert_type(shop.matches.preview(), MergePreview)
assert_type(shop.matches.preview(AutoMerging(enabled=True)), MergePreview)
assert_type(shop.jobs.all(), Results[IdentityResolutionJob])
job = shop.matches.run().wait(60, on_progress=lambda it: print(it.status))  # noqa: T201
assert_type(job, IdentityResolutionJob)
assert_type(job.is_over, bool)
assert_type(shop.jobs.get("id").job_stats, JobStats | None)

upload = shop.upload_jobs.upload(
    "people.csv",
    fields={"Mail": "email_address"},
    unique_key="Mail",
    data_expiry=30,
    progress=lambda state: print(state.stage, state.sent_bytes, state.mapping),  # noqa: T201
)
assert_type(upload, UploadJob)
assert_type(upload.is_over, bool)
assert_type(upload.results_summary, UploadResults | None)
assert_type(upload.start().stop().put("people.csv").wait(3), UploadJob)
assert_type(upload.path(), UploadPath)
assert_type(shop.upload_jobs.all(limit=3), Results[UploadJob])
assert_type(shop.upload_jobs.get("id"), UploadJob)
assert_type(shop.upload_jobs.mapping("people.csv"), UploadMapping)
raw = ObjectTypeField(source="_source.Mail", target="_profile.EmailAddress")
shop.upload_jobs.create("june", fields={"mail": raw, "Town": "address.city"}, unique_key="mail")

layout = shop.layouts.create("explorer", display_name="Explorer", description="a", layout="{}")
assert_type(layout, Layout)
assert_type(layout.is_default, bool | None)
assert_type(shop.layouts.get("explorer"), Layout)
assert_type(shop.layouts.update("explorer", is_default=True), Layout)
assert_type(shop.layouts.all(limit=3), Results[Layout])
assert_type(shop.layouts.all().first(), Layout | None)
assert_type(layout.save(), Layout)
assert_type(layout.refresh(), Layout)
cp.tags.add(layout, {"team": "crm"})

stream = shop.event_streams.create("all", "arn:aws:kinesis:us-east-1:1:stream/a", tags={"a": "b"})
assert_type(stream, EventStream)
assert_type(stream.destination, EventStreamDestination | None)
assert_type(shop.event_streams.all(), Results[EventStream])
cp.tags.add(stream, {"team": "crm"})
for change in shop.changes(since=3):
    assert_type(change, ChangeEvent)
    assert_type(change.profile, Profile | None)
    assert_type(change.read(Order), Order)
    assert_type(change.object, dict[str, Any] | None)
with shop.changes.follow(lambda change: print(change.event_type), name="copy") as follower:  # noqa: T201
    assert_type(follower, Follower)
    assert_type(follower.wait(3).position, int)
assert_type(shop.deliveries, list[Delivery])

flow = SalesforceFlow(
    flow_name="contacts",
    kms_arn="arn",
    connector_profile_name="mine",
    object="Contact",
    tasks=[SalesforceTask(task_type="Filter", source_fields=["Id"], operator="CONTAINS")],
    trigger=Scheduled(schedule_expression="rate(1 day)"),
)
assert_type(shop.integrations.put(flow=flow, object_type_name=Order), Integration)
assert_type(shop.integrations.put("arn", object_type_name="Order", scope="PROFILE"), Integration)
assert_type(shop.integrations.all(), Results[Integration])
assert_type(cp.integrations.all("arn"), Results[Integration])
assert_type(shop.integrations.run("arn"), FlowRun)
assert_type(cp.integrations.run_due(), list[FlowRun])
