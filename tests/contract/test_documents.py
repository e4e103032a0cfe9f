"""Named documents of every kind, on every target."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pydantic.alias_generators import to_pascal

from customer_profiles import (
    BadRequestError,
    CalculatedAttributes,
    CustomerProfiles,
    CustomerProfilesError,
    Domain,
    EngineChannel,
    InvalidInputError,
    Layouts,
    ResourceNotFoundError,
    Segments,
    _wire,
    where,
)
from customer_profiles.engine import Engine, Quotas
from customer_profiles.engine.documents import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Case:
    """What the tests need to know of a kind."""

    collection: type[Any]
    """Its repository, of which `domain.<attribute>` is an instance."""
    attribute: str
    valid: dict[str, Any]
    """The keywords of a document that the service takes."""
    change: dict[str, Any] | None
    """The keywords of an update; None if the kind has no update."""
    text: str
    """A field of `valid` that takes any text."""
    invalid: tuple[dict[str, Any], ...] = field(default=())
    """Keywords that, in place of those of `valid`, make the request invalid."""


CASES = {
    "layout": Case(
        collection=Layouts,
        attribute="layouts",
        valid={"display_name": "Explorer", "description": "For agents", "layout": '{"rows": []}'},
        change={"display_name": "Explorer 2"},
        text="description",
        invalid=(
            {"display_name": "Agent's view"},
            {"description": ""},
            {"layout": "x" * 2_000_001},
            {"layout_type": "PROFILE"},
            {"is_default": "perhaps"},
        ),
    ),
    "segment definition": Case(
        collection=Segments,
        attribute="segments",
        valid={
            "display_name": "Gold",
            "description": "The best customers",
            "condition": where.attributes["tier"].is_in("gold"),
        },
        change=None,
        text="description",
        invalid=(
            {"display_name": ""},
            {"description": ""},
            {"description": "x" * 4_001},
            {"condition": where.field("tier").is_in("gold")},
            {"sql": "SELECT 1"},
        ),
    ),
}
CASES["calculated attribute definition"] = Case(
    collection=CalculatedAttributes,
    attribute="calculated_attributes",
    valid={
        "expression": "{_order.TotalPrice}",
        "statistic": "SUM",
        "display_name": "Spend",
        "description": "For agents",
    },
    change={"display_name": "Spend in all"},
    text="description",
    invalid=(
        {"display_name": "Customer's spend"},
        {"description": ""},
        {"statistic": "MEDIAN"},
        {"expression": "_order.TotalPrice"},
        {"expression": "{_order.A} + {_order.B} + {_order.C}"},
        {"days": 367},
        {"object_count": 101},
    ),
)
CHANGING = [kind for kind, case in CASES.items() if case.change is not None]


# The domains whose default documents were deleted.
CLEARED: set[str] = set()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=CHANGING)
def changing(request: pytest.FixtureRequest) -> Case:
    """Give a kind that has an update."""
    return CASES[request.param]


@pytest.fixture
def other(cp: CustomerProfiles, shop: Domain) -> Iterator[Domain]:
    """Give a second domain."""
    domain = cp.domains.create(f"{shop.domain_name}-other", default_expiration_days=30)
    yield domain
    domain.delete()


def of(case: Case, domain: Domain) -> Any:
    """Give the documents of a kind in a domain, without those that every domain has."""
    documents = getattr(domain, case.attribute)
    defaults = KINDS[case.collection._noun].defaults()
    if defaults and domain.domain_name not in CLEARED:
        CLEARED.add(domain.domain_name)
        for name in defaults:
            with suppress(ResourceNotFoundError):
                documents.delete(name)
    return documents


def name_of(case: Case, document: Any) -> str:
    return str(getattr(document, case.collection._key))


def names(case: Case, documents: Any) -> list[str]:
    return [name_of(case, document) for document in documents]


def test_every_kind_of_the_code_base_is_tested_here() -> None:
    missing = sorted(KINDS.keys() - CASES.keys())

    assert not missing, (
        f"add an entry to CASES in {__file__} for {', '.join(missing)}: its repository, one valid "
        "request and a few invalid ones; all tests of this file then run for it"
    )


@pytest.mark.parametrize("noun", CASES)
def test_a_kind_is_declared_as_the_service_s_model_has_it(noun: str) -> None:
    kind = KINDS[noun]
    operations = [kind.create, kind.get, kind.delete, *([kind.update] if kind.update else [])]

    assert {kind.list, *operations} <= set(_wire.service().operation_names)
    for operation in operations:
        path = _wire.operation(operation).http["requestUri"]
        assert re.findall(r"{(\w+)}", path) == ["DomainName", kind.key]


@pytest.mark.parametrize("noun", CASES)
def test_the_sdk_and_the_engine_declare_a_kind_alike(noun: str) -> None:
    kind, collection = KINDS[noun], CASES[noun].collection

    assert to_pascal(collection._key) == kind.key
    assert collection._arn == kind.arn
    assert collection._noun == noun
    ours = [collection._CREATE, collection._GET, collection._LIST, collection._DELETE]
    assert ours == [kind.create, kind.get, kind.list, kind.delete]
    assert getattr(collection, "_UPDATE", None) == kind.update


def test_a_created_document_is_read_back(case: Case, shop: Domain) -> None:
    created = of(case, shop).create("first", **case.valid)
    found = of(case, shop).get("first")

    assert found.reveal() | created.reveal() == found.reveal()
    assert {name: getattr(found, name) for name in case.valid} == case.valid
    assert found.created_at is not None


def test_a_second_document_of_the_name_is_refused(case: Case, shop: Domain) -> None:
    of(case, shop).create("first", **case.valid)

    with pytest.raises(BadRequestError, match="already exists"):
        of(case, shop).create("first", **case.valid)


@pytest.mark.parametrize("call", ["create", "get", "delete", "all", "update"])
def test_a_missing_domain_is_not_found(case: Case, cp: CustomerProfiles, call: str) -> None:
    documents = of(case, cp.domain("no-such-domain"))
    calls: dict[str, Any] = {
        "create": lambda: documents.create("first", **case.valid),
        "get": lambda: documents.get("first"),
        "delete": lambda: documents.delete("first"),
        "all": lambda: documents.all().first(),
        "update": lambda: documents.update("first", **case.change or {}),
    }

    if call == "update" and case.change is None:
        return
    with pytest.raises(ResourceNotFoundError):
        calls[call]()


@pytest.mark.parametrize("call", ["get", "delete", "update"])
def test_a_missing_document_is_not_found(case: Case, shop: Domain, call: str) -> None:
    documents = of(case, shop)
    keywords = (case.change or {}) if call == "update" else {}

    if call == "update" and case.change is None:
        return
    with pytest.raises(ResourceNotFoundError):
        getattr(documents, call)("nothing", **keywords)


def test_a_deleted_document_is_gone_and_its_name_is_free(case: Case, shop: Domain) -> None:
    document = of(case, shop).create("first", **case.valid)
    document.delete()

    with pytest.raises(ResourceNotFoundError):
        document.refresh()
    with pytest.raises(ResourceNotFoundError):
        document.delete()
    assert names(case, of(case, shop).all()) == []
    assert name_of(case, of(case, shop).create("first", **case.valid)) == "first"


def test_all_lists_every_document_once(case: Case, shop: Domain) -> None:
    for name in ("c", "a", "d", "b", "e"):
        of(case, shop).create(name, **case.valid)

    assert sorted(names(case, of(case, shop).all(page_size=2))) == ["a", "b", "c", "d", "e"]
    assert len(list(of(case, shop).all(limit=3))) == 3


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_list_goes_on_after_a_neighbour_was_deleted(case: Case, shop: Domain, gone: int) -> None:
    for name in ("a", "b", "c", "d"):
        of(case, shop).create(name, **case.valid)
    pages = of(case, shop).all(page_size=2).pages()
    first = names(case, next(pages))
    deleted = sorted({"a", "b", "c", "d"} - {first[0]})[gone]
    of(case, shop).delete(deleted)
    rest = [name for page in pages for name in names(case, page)]

    assert sorted({*first, *rest, deleted}) == ["a", "b", "c", "d"]
    assert len(first + rest) == len(set(first + rest))


def test_the_token_of_another_domain_s_list_is_refused(
    case: Case, shop: Domain, other: Domain
) -> None:
    for name in ("a", "b"):
        of(case, shop).create(name, **case.valid)
    listed = of(case, shop).all(page_size=1)
    next(listed.pages())

    with pytest.raises(BadRequestError, match="NextToken"):
        of(case, other).all(start=listed.next_token).first()


def test_the_token_of_another_list_is_refused(
    case: Case, cp: CustomerProfiles, shop: Domain, other: Domain
) -> None:
    listed = cp.domains.all(page_size=1)
    next(listed.pages())

    with pytest.raises(BadRequestError, match="NextToken"):
        of(case, shop).all(start=listed.next_token).first()


def test_a_listed_document_is_made_whole_by_refresh(case: Case, shop: Domain) -> None:
    of(case, shop).create("first", **case.valid)
    listed = of(case, shop).all().one()
    listed.refresh()

    assert listed.reveal() == of(case, shop).get("first").reveal()


def test_documents_of_two_domains_have_nothing_to_do_with_each_other(
    case: Case, shop: Domain, other: Domain
) -> None:
    of(case, shop).create("first", **case.valid)
    of(case, other).create("first", **case.valid)
    of(case, other).delete("first")

    assert names(case, of(case, shop).all()) == ["first"]
    assert names(case, of(case, other).all()) == []


def test_documents_go_with_their_domain(case: Case, cp: CustomerProfiles, shop: Domain) -> None:
    name = f"{shop.domain_name}-gone"
    domain = cp.domains.create(name)
    document = of(case, domain).create("first", **case.valid, tags={"team": "crm"})
    domain.delete()
    again = cp.domains.create(name)
    left = names(case, getattr(again, case.attribute).all())
    again.delete()

    assert left == sorted(KINDS[case.collection._noun].defaults())
    with pytest.raises(ResourceNotFoundError):
        cp.tags.all(document)


@pytest.mark.parametrize("text", ["Zürich", "日本語", "👩‍👩‍👧", 'a "quoted" \\ line\nand another'])
def test_any_text_is_kept(case: Case, shop: Domain, text: str) -> None:
    of(case, shop).create("first", **{**case.valid, case.text: text})

    assert getattr(of(case, shop).get("first"), case.text) == text


@pytest.mark.parametrize("name", ["", "a b", "x" * 256, "käse", "a/b"])
def test_a_wrong_name_is_refused_before_it_is_sent(case: Case, shop: Domain, name: str) -> None:
    with pytest.raises(InvalidInputError, match=case.collection._key):
        of(case, shop).create(name, **case.valid)


@pytest.mark.parametrize(
    ("noun", "number"),
    [(noun, number) for noun, case in CASES.items() for number in range(len(case.invalid))],
)
def test_an_invalid_request_is_refused_and_stores_nothing(
    shop: Domain, noun: str, number: int
) -> None:
    case = CASES[noun]
    with pytest.raises((InvalidInputError, BadRequestError)):
        of(case, shop).create("first", **{**case.valid, **case.invalid[number]})

    assert list(of(case, shop).all()) == []


def test_a_misspelled_keyword_names_what_may_be_meant(case: Case, shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match=f"did you mean .*{case.text}"):
        of(case, shop).create("first", **case.valid, **{f"{case.text}s": "x"})


def test_a_document_without_tags_answers_without_them(
    case: Case, cp: CustomerProfiles, shop: Domain
) -> None:
    document = of(case, shop).create("first", **case.valid)

    assert document.tags is None
    assert of(case, shop).get("first").tags is None
    assert of(case, shop).all().one().tags is None
    assert cp.tags.all(document) == {}


def test_a_document_is_created_with_tags(case: Case, cp: CustomerProfiles, shop: Domain) -> None:
    document = of(case, shop).create("first", **case.valid, tags={"team": "crm"})

    assert document.tags == {"team": "crm"}
    assert of(case, shop).all().one().tags == {"team": "crm"}
    assert cp.tags.all(document) == {"team": "crm"}


def test_tags_of_a_document_are_added_and_removed(
    case: Case, cp: CustomerProfiles, shop: Domain
) -> None:
    document = of(case, shop).create("first", **case.valid)
    cp.tags.add(document, {"team": "crm", "stage": "test"})
    cp.tags.remove(document, "stage")

    assert of(case, shop).get("first").tags == {"team": "crm"}


def test_tags_go_with_their_document(case: Case, cp: CustomerProfiles, shop: Domain) -> None:
    document = of(case, shop).create("first", **case.valid, tags={"team": "crm"})
    document.delete()
    with pytest.raises(ResourceNotFoundError):
        cp.tags.all(document)

    assert of(case, shop).create("first", **case.valid).tags is None


def test_an_update_keeps_what_it_leaves_out(changing: Case, shop: Domain) -> None:
    created = of(changing, shop).create("first", **changing.valid, tags={"team": "crm"})
    updated = of(changing, shop).update("first", **changing.change)
    expected = changing.valid | (changing.change or {})

    found = of(changing, shop).get("first")
    assert {name: getattr(found, name) for name in expected} == expected
    assert {name: getattr(updated, name) for name in expected} == expected
    assert found.tags == created.tags


def test_an_update_keeps_created_at_and_moves_last_updated_at(changing: Case, shop: Domain) -> None:
    created = of(changing, shop).create("first", **changing.valid)
    time.sleep(0.01)
    of(changing, shop).update("first", **changing.change)

    found = of(changing, shop).get("first")
    assert found.created_at == created.created_at
    assert found.last_updated_at > created.last_updated_at


def test_an_update_of_nothing_changes_nothing(changing: Case, shop: Domain) -> None:
    created = of(changing, shop).create("first", **changing.valid)
    time.sleep(0.01)
    updated = of(changing, shop).update("first")
    created.save()

    assert updated.last_updated_at == created.last_updated_at
    assert of(changing, shop).get("first").last_updated_at == created.last_updated_at


def test_an_invalid_update_changes_nothing(changing: Case, shop: Domain) -> None:
    created = of(changing, shop).create("first", **changing.valid)
    for invalid in changing.invalid:
        with pytest.raises((InvalidInputError, BadRequestError)):
            of(changing, shop).update("first", **invalid)

    assert of(changing, shop).get("first").reveal() == created.refresh().reveal()


def test_save_sends_the_difference_and_can_be_repeated(changing: Case, shop: Domain) -> None:
    document = of(changing, shop).create("first", **changing.valid)
    for name, value in (changing.change or {}).items():
        setattr(document, name, value)
    document.save()
    saved = of(changing, shop).get("first")
    time.sleep(0.01)
    document.save()

    found = of(changing, shop).get("first")
    assert {name: getattr(found, name) for name in changing.change or {}} == changing.change
    assert found.last_updated_at == saved.last_updated_at


def test_a_listed_document_is_changed_without_losing_the_rest(changing: Case, shop: Domain) -> None:
    of(changing, shop).create("first", **changing.valid)
    listed = of(changing, shop).all().one()
    for name, value in (changing.change or {}).items():
        setattr(listed, name, value)
    listed.save()

    expected = changing.valid | (changing.change or {})
    found = of(changing, shop).get("first")
    assert {name: getattr(found, name) for name in expected} == expected


def test_save_refuses_another_name_and_other_tags(changing: Case, shop: Domain) -> None:
    key = changing.collection._key
    document = of(changing, shop).create("first", **changing.valid)
    setattr(document, key, "second")
    with pytest.raises(InvalidInputError, match=f"{key} cannot be changed"):
        document.save()
    document.refresh()
    document.tags = {"team": "crm"}
    with pytest.raises(InvalidInputError, match=r"cp\.tags\.add\(\)"):
        document.save()


def test_of_two_that_create_at_once_one_is_refused(case: Case, shop: Domain) -> None:
    def create(_: int) -> str:
        try:
            of(case, shop).create("first", **case.valid)
        except BadRequestError:
            return "refused"
        return "created"

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(create, range(4))) == ["created", *["refused"] * 3]


def test_a_domain_has_no_more_documents_than_its_quota(case: Case) -> None:
    quota = KINDS[next(noun for noun in CASES if CASES[noun] is case)].quota
    loose: Any = {quota: 2}
    with Engine(strict=True, quotas=Quotas(**loose)) as engine:
        shop = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")
        for name in ("a", "b"):
            of(case, shop).create(name, **case.valid)
        with pytest.raises(BadRequestError, match="limit of 2"):
            of(case, shop).create("c", **case.valid)
        of(case, shop).delete("a")

        assert name_of(case, of(case, shop).create("c", **case.valid)) == "c"


def test_documents_outlive_their_process(case: Case, tmp_path: Any) -> None:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        shop = cp.domains.create("shop")
        of(case, shop).create("first", **case.valid, tags={"team": "crm"})
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        found = of(case, cp.domain("shop")).get("first")

    assert {name: getattr(found, name) for name in case.valid} == case.valid
    assert found.tags == {"team": "crm"}


class NamelessChannel(EngineChannel):
    """Answers with documents that lack their names, as GetEventStream does."""

    keys = frozenset(kind.key for kind in KINDS.values())

    def send(self, operation: str, request: dict[str, Any]) -> bytes:
        answer = json.loads(super().send(operation, request))
        required = getattr(_wire.operation(operation).output_shape, "required_members", ())
        names = answer.keys() - (self.keys - {*required})
        return json.dumps({name: answer[name] for name in names}).encode()


def test_an_answer_without_the_name_is_given_that_of_the_request(changing: Case) -> None:
    with Engine() as engine:
        shop = CustomerProfiles(channel=NamelessChannel(engine)).domains.create("shop")
        of(changing, shop).create("first", **changing.valid)
        document = of(changing, shop).get("first")
        for name, value in (changing.change or {}).items():
            setattr(document, name, value)
        document.save().refresh()

        assert name_of(changing, document) == "first"
        document.delete()
        with pytest.raises(ResourceNotFoundError):
            document.refresh()


def test_repr_and_errors_show_no_text_of_a_document(case: Case, shop: Domain) -> None:
    document = of(case, shop).create("first", **{**case.valid, case.text: "classified"})
    with pytest.raises(CustomerProfilesError) as caught:
        of(case, shop).create("first", **{**case.valid, case.text: "classified"})

    assert "classified" not in f"{document!r} {document} {caught.value!r}"
