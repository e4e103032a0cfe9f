"""Typed conditions of segments, and of the filters of calculated attributes.

```python
from customer_profiles import where

where.address.city.is_in("Seattle") & where.calculated("spend_90d").over(500, days=30)
```

Conditions are joined by `&` and `|` and negated by `~`. They are equal when they say the same in
another order, they can be pickled, and their `repr` shows no values, which may be personal data:
`explain` does.
"""

from __future__ import annotations

from .evaluating import Calculated, evaluate
from .explaining import explain
from .fields import (
    AddressConditions,
    CalculatedField,
    ChoiceField,
    CustomAttributes,
    CustomField,
    DateField,
    Days,
    Moment,
    Number,
    ObjectField,
    Text,
    TextField,
    Where,
    where,
)
from .nodes import And, Comparison, Condition, Everybody, Field, InSegment, Kind, Not, Or, SortKey
from .reading import EverybodyWarning, from_filter, from_segment_groups
from .writing import to_filter, to_segment_groups

__all__ = [
    "AddressConditions",
    "And",
    "Calculated",
    "CalculatedField",
    "ChoiceField",
    "Comparison",
    "Condition",
    "CustomAttributes",
    "CustomField",
    "DateField",
    "Days",
    "Everybody",
    "EverybodyWarning",
    "Field",
    "InSegment",
    "Kind",
    "Moment",
    "Not",
    "Number",
    "ObjectField",
    "Or",
    "SortKey",
    "Text",
    "TextField",
    "Where",
    "evaluate",
    "explain",
    "from_filter",
    "from_segment_groups",
    "to_filter",
    "to_segment_groups",
    "where",
]
