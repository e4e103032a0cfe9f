"""No answer breaks a reader: members that are absent, null, new or of a new value."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

import pytest

from customer_profiles import Domain, Profile, _wire

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS: dict[str, type[Domain | Profile]] = {
    "Profile": Profile,
    "GetDomainResponse": Domain,
    "ListDomainItem": Domain,
    "CreateDomainResponse": Domain,
    "UpdateDomainResponse": Domain,
}
NEEDED = {"DomainName"}


def example(shape: Any) -> Any:
    """Make a value with every member that a shape has."""
    match shape.type_name:
        case "structure":
            return {name: example(member) for name, member in shape.members.items()}
        case "list":
            return [example(shape.member)]
        case "map":
            return {"key": example(shape.value)}
        case "string":
            return (shape.metadata.get("enum") or ["00:00"])[0]
        case "boolean":
            return True
    return 1


def variants(shape: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give an example with each member dropped, null or of a new value, and one with more."""
    whole = example(shape)
    for path, inner in places(shape, ()):
        for name, member in inner.members.items():
            where = "/".join(map(str, (*path, name)))
            if name not in inner.required_members and name not in NEEDED:
                yield f"{where} absent", changed(whole, path, lambda it, n=name: it.pop(n))
                yield f"{where} null", changed(whole, path, lambda it, n=name: it.update({n: None}))
            if member.metadata.get("enum"):
                yield f"{where} new", changed(whole, path, lambda it, n=name: it.update({n: "NEW"}))
        yield f"{path} more", changed(whole, path, lambda it: it.update({"Brand": {"New": [1]}}))


def places(shape: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if shape.type_name == "structure":
        yield path, shape
        for name, member in shape.members.items():
            yield from places(member, (*path, name))
    elif shape.type_name == "list":
        yield from places(shape.member, (*path, 0))


def changed(whole: Any, path: tuple[str | int, ...], change: Any) -> Any:
    whole = copy.deepcopy(whole)
    inner = whole
    for step in path:
        inner = inner[step]
    change(inner)
    return whole


@pytest.mark.parametrize("name", MODELS)
def test_a_reader_takes_whatever_the_service_may_answer(name: str) -> None:
    count = 0
    for variant, wire in variants(_wire.service().shape_for(name)):
        read = MODELS[name]._from_wire(wire)
        assert repr(read), variant
        count += 1

    assert count >= 3


@pytest.mark.parametrize("name", MODELS)
def test_what_is_read_is_written_as_it_was(name: str) -> None:
    whole = example(_wire.service().shape_for(name))

    assert MODELS[name]._from_wire(whole)._to_wire() == whole


def test_models_are_first_used_by_many_threads_at_once() -> None:
    """`defer_build` builds a model when it is first used, and that may be in a race."""
    import subprocess
    import sys

    code = (
        "import threading; from customer_profiles import Domain, Profile\n"
        "start, wrong = threading.Barrier(16), []\n"
        "def read():\n"
        "    start.wait()\n"
        "    try:\n"
        "        Profile._from_wire({'Address': {'City': 'x'}, 'FoundByItems': [{}]})\n"
        "        Domain._from_wire({'DomainName': 'x', 'Matching': {'Enabled': True}})\n"
        "    except Exception as error:\n"
        "        wrong.append(repr(error))\n"
        "threads = [threading.Thread(target=read) for _ in range(16)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print(wrong)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_one_client_serves_many_threads(profiles: Any) -> None:
    wrong: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                made = profiles.create(account_number=f"{number}-{turn}")
                found = profiles.search(account=f"{number}-{turn}").one()
                assert found.profile_id == made.profile_id
        except Exception as error:  # noqa: BLE001  (a thread's errors would be lost)
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
