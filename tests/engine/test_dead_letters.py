"""What ingestion rejects goes to the domain's queue."""

from __future__ import annotations

import json
import logging

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from customer_profiles.engine import aws
from customer_profiles.engine.aws import Aws
from customer_profiles.engine.ingestion import dead_letter_queue
from customer_profiles.engine.store import dead_letters

from .test_integrations import take_orders

SECRET = "ada-secret-5550100"


@pytest.fixture
def sqs():
    with mock_aws():
        yield boto3.client("sqs", region_name="us-west-2")


@pytest.fixture
def queue(sqs, shop):
    """Return the shop with a queue in another region than the engine's."""
    url = sqs.create_queue(QueueName="rejected")["QueueUrl"]
    take_orders(shop)
    shop.ask("UpdateDomain", DeadLetterQueueUrl=url)
    return url


def messages(sqs, url):
    """Receive all messages of a queue, as bodies and reasons."""
    found = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        if "Messages" not in answer:
            return found
        for message in answer["Messages"]:
            found.append((message["Body"], message["MessageAttributes"]["Message"]["StringValue"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def reject(shop, *bodies):
    """Put objects among the dead letters as ingestion does."""
    context = shop.engine._context
    with context.database.write() as connection:
        for body in bodies:
            letter = dead_letters.DeadLetter(1, "Order", body, "No profile", 0.0)
            dead_letters.add(connection, letter)


def deliver(shop):
    return dead_letter_queue.deliver(shop.engine._context, "shop")


def kept(shop):
    return [one["Object"] for one in shop.engine.dead_letters("shop")]


def test_a_dead_letter_is_the_object_and_the_reason(shop, sqs, queue):
    reject(shop, '{"id":"1"}')
    assert deliver(shop) == 1
    assert messages(sqs, queue) == [('{"id":"1"}', "No profile")]
    assert kept(shop) == []


def test_a_rejected_object_arrives_in_the_queue(shop, sqs, queue):
    fields = {"id": {"Source": "_source.id"}, "vip": {"Source": "_source.vip"}}
    keys = {
        "TicketId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE"]}],
        "Customer": [{"FieldNames": ["vip"], "StandardIdentifiers": ["PROFILE"]}],
    }
    kind = {"ObjectTypeName": "Ticket", "Description": "x", "Fields": fields, "Keys": keys}
    shop.ask("PutProfileObjectType", **kind)
    ticket = json.dumps({"id": "1", "vip": "2"})
    shop.ask("PutProfileObject", ObjectTypeName="Ticket", Object=ticket)
    ((body, reason),) = messages(sqs, queue)
    assert json.loads(body) == {"id": "1", "vip": "2"}
    assert "AllowProfileCreation" in reason


def test_many_letters_go_ten_at_a_time(shop, sqs, queue):
    bodies = [f'{{"id":"{number}"}}' for number in range(25)]
    reject(shop, *bodies)
    assert deliver(shop) == 25
    assert sorted(body for body, _ in messages(sqs, queue)) == sorted(bodies)


def test_without_a_queue_letters_stay(shop):
    take_orders(shop)
    reject(shop, "one")
    assert deliver(shop) == 0
    assert kept(shop) == ["one"]


def test_letters_of_before_go_when_the_domain_has_a_queue(shop, sqs, queue):
    shop.ask("UpdateDomain", DeadLetterQueueUrl="")
    reject(shop, "one")
    shop.engine.run_due()
    assert kept(shop) == ["one"]
    shop.ask("UpdateDomain", DeadLetterQueueUrl=queue)
    shop.engine.run_due()
    assert [body for body, _ in messages(sqs, queue)] == ["one"]


def test_a_queue_that_is_gone_is_no_error_and_letters_stay(shop, sqs, queue, caplog):
    sqs.delete_queue(QueueUrl=queue)
    reject(shop, SECRET)
    with caplog.at_level(logging.WARNING, "customer_profiles"):
        assert deliver(shop) == 0
    assert "the queue does not accept them: " in caplog.text
    assert SECRET not in caplog.text
    sqs.create_queue(QueueName="rejected")
    assert deliver(shop) == 1


@pytest.mark.parametrize("body", ["x" * 1_048_577, "\x00", "\ufffe", ""])
def test_what_sqs_cannot_take_blocks_no_other(shop, sqs, queue, body):
    reject(shop, body, "good")
    assert deliver(shop) == 1
    assert [text for text, _ in messages(sqs, queue)] == ["good"]
    assert kept(shop) == [body]
    assert deliver(shop) == 0


def test_letters_that_are_large_together_go_in_several_requests(shop, sqs, queue):
    reject(shop, *["é" * 110_000] * 9)
    assert deliver(shop) == 9
    assert len(messages(sqs, queue)) == 9


def test_what_is_sent_is_in_no_log_record(shop, queue, caplog):
    reject(shop, SECRET)
    with caplog.at_level(logging.DEBUG):
        assert deliver(shop) == 1
    assert "SendMessageBatch" in caplog.text or "Making request" in caplog.text
    assert SECRET not in caplog.text


class Queue:
    """A client of SQS that answers as it is told."""

    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    def client(self, *_, **__):
        return self

    def send_message_batch(self, **request):
        self.calls += 1
        return self.answer([entry["Id"] for entry in request["Entries"]])


@pytest.fixture
def answering(shop, queue):
    """Return the shop with a queue whose answers a function makes."""

    def use(answer):
        client = Queue(answer)
        object.__setattr__(shop.engine._context, "aws", Aws(client))
        return client

    return use


def failed(ids, *, sender):
    return {"Failed": [{"Id": one, "SenderFault": sender, "Code": "x"} for one in ids]}


def test_what_the_queue_refuses_for_good_stays_and_blocks_no_other(shop, answering):
    reject(shop, "bad", "good")
    good = {"Successful": [{"Id": "2"}]}
    answering(lambda ids: good | failed(ids[:1], sender=True))
    assert deliver(shop) == 1
    assert kept(shop) == ["bad"]


def test_what_the_queue_refuses_for_now_is_sent_again(shop, answering):
    reject(shop, "one")
    client = answering(lambda ids: failed(ids, sender=False))
    assert [deliver(shop), deliver(shop)] == [0, 0]
    client.answer = lambda ids: {"Successful": [{"Id": one} for one in ids]}
    assert deliver(shop) == 1
    assert client.calls == 3


def test_letters_that_are_too_much_for_a_queue_are_found_out_one_by_one(shop, sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "1024"})
    reject(shop, "one", "x" * 2_000, "two")
    assert deliver(shop) == 2
    assert sorted(body for body, _ in messages(sqs, queue)) == ["one", "two"]
    assert kept(shop) == ["x" * 2_000]


def test_a_queue_that_does_not_answer_is_left_alone_for_a_while(shop, answering, monkeypatch):
    def silent(_):
        raise EndpointConnectionError(endpoint_url="https://sqs")

    reject(shop, "one")
    client = answering(silent)
    assert [deliver(shop), deliver(shop)] == [0, 0]
    assert client.calls == 1
    monkeypatch.setattr(aws, "_PAUSE_SECONDS", -1.0)
    shop.engine._context.aws._paused_until.clear()
    assert [deliver(shop), deliver(shop)] == [0, 0]
    assert client.calls == 3
    assert kept(shop) == ["one"]
