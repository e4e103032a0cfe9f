"""Record linkage without labels: which records belong to one person, and why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explaining import Evidence, Explanation
    from .index import Candidate, Index, Stored, lasting_keys
    from .matching.blocking import MOST_HELD
    from .matching.roles import ColumnUse
    from .model import Model
    from .own.comparisons import Comparison, Level, OwnKind, Weight
    from .preparing.classifying import Column, columns
    from .preparing.kinds import Kind
    from .resolution import Group, Resolution, resolve, resolve_tables
    from .results.changes import Change, Changes, Membership
    from .results.evaluation import Evaluation, PairError, Score
    from .results.expected import Estimate, Expectation, ExpectedAt
    from .results.households import Household
    from .results.verdict import Reason, Verdict
    from .review.labels import Label, LabelError, Labels
    from .review.uncertain import Question

__all__ = [
    "MOST_HELD",
    "Candidate",
    "Change",
    "Changes",
    "Column",
    "ColumnUse",
    "Comparison",
    "Estimate",
    "Evaluation",
    "Evidence",
    "Expectation",
    "ExpectedAt",
    "Explanation",
    "Group",
    "Household",
    "Index",
    "Kind",
    "Label",
    "LabelError",
    "Labels",
    "Level",
    "Membership",
    "Model",
    "OwnKind",
    "PairError",
    "Question",
    "Reason",
    "Resolution",
    "Score",
    "Stored",
    "Verdict",
    "Weight",
    "columns",
    "lasting_keys",
    "resolve",
    "resolve_tables",
]

_MODULES = {
    "preparing.classifying": ("Column", "columns"),
    "preparing.kinds": ("Kind",),
    "explaining": ("Evidence", "Explanation"),
    "index": ("Candidate", "Index", "Stored", "lasting_keys"),
    "matching.blocking": ("MOST_HELD",),
    "matching.roles": ("ColumnUse",),
    "model": ("Model",),
    "own.comparisons": ("Comparison", "Level", "OwnKind", "Weight"),
    "results.changes": ("Change", "Changes", "Membership"),
    "results.evaluation": ("Evaluation", "PairError", "Score"),
    "results.expected": ("Estimate", "Expectation", "ExpectedAt"),
    "results.households": ("Household",),
    "results.verdict": ("Reason", "Verdict"),
    "resolution": ("Group", "Resolution", "resolve", "resolve_tables"),
    "review.labels": ("Label", "LabelError", "Labels"),
    "review.uncertain": ("Question",),
}


def __getattr__(name: str) -> object:
    """Import a name's module, which needs numpy and other extras, when the name is first used."""
    module = next((module for module, names in _MODULES.items() if name in names), None)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        return getattr(import_module(f".{module}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("customer_profiles"):
            raise
        from customer_profiles._hints.extras import install

        msg = f"matching needs {error.name}: {install('identity')}"
        raise ModuleNotFoundError(msg, name=error.name) from error
