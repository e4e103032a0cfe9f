import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import customer_profiles.engine
from customer_profiles.engine.documents import KINDS
from customer_profiles.engine.service import registry

ENGINE = Path(customer_profiles.engine.__file__).parent
SOURCES = {path: path.read_text("utf-8") for path in ENGINE.rglob("*.py")}


def test_an_operations_name_stands_once_in_the_engine():
    # Examples in docstrings do not count.
    nodes = (node for text in SOURCES.values() for node in ast.walk(ast.parse(text)))
    counts = Counter(node.value for node in nodes if isinstance(node, ast.Constant))
    assert [name for name in registry.OPERATIONS if counts[name] != 1] == []


def test_a_function_has_its_operations_name_in_snake_case():
    of_kinds = operations_of_kinds()
    for name, function in registry.OPERATIONS.items():
        if name not in of_kinds:
            assert function.__name__.replace("_", "") == name.lower()


def test_an_operation_of_a_kind_is_the_kernel_s_function_for_it():
    for name, (function, kind) in operations_of_kinds().items():
        assert registry.OPERATIONS[name].func.__name__ == f"_{function}"
        assert registry.OPERATIONS[name].args == (kind,)


def operations_of_kinds():
    return {
        getattr(kind, function): (function, kind)
        for kind in KINDS.values()
        for function in ("create", "get", "list", "update", "delete")
        if getattr(kind, function)
    }


def test_a_name_that_the_service_does_not_have_cannot_be_entered():
    with pytest.raises(LookupError, match="CreateDomian is not an operation"):
        registry.operation("CreateDomian")


def test_each_assumption_is_one_sentence_on_one_line():
    lines = [line.strip() for text in SOURCES.values() for line in text.splitlines()]
    assumed = [line for line in lines if line.startswith("# Assumed:")]
    assert len(assumed) == len(set(assumed)) > 20
    assert all(line.endswith(".") for line in assumed)


def test_the_engine_imports_neither_boto3_nor_phonenumbers():
    code = (
        "import sys, customer_profiles.engine as e; e.Engine();"
        "print({'boto3', 'phonenumbers', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"
