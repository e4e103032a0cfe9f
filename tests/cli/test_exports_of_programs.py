"""`customer-profiles load` loads the exports of twenty programs without a mapping."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from customer_profiles import CustomerProfiles, Domain
from customer_profiles.cli.app import app

_spec = importlib.util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
assert _spec is not None
exports = importlib.util.module_from_spec(_spec)
sys.modules["exports"] = exports
assert _spec.loader is not None
_spec.loader.exec_module(exports)
EXPORTS = exports.all_exports()


def flat(fields: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found |= flat(value, f"{path}{name}.")
        elif value:
            found[f"{path}{name}"] = str(value)
    return found


def stored(shop: Domain, wanted: dict[str, str]) -> dict[str, str]:
    """Return the profile that has the person's address or number, or else the name."""
    email = next((wanted[name] for name in wanted if name.endswith("email_address")), None)
    phone = next((wanted[name] for name in wanted if name.endswith("phone_number")), None)
    name = " ".join(wanted[part] for part in ("first_name", "last_name") if part in wanted)
    keys: dict[str, Any] = (
        {"email": email} if email else {"phone": phone} if phone else {"full_name": name}
    )
    profile = shop.profiles.search(**keys).one()
    fields = profile.model_dump(exclude_none=True)
    return flat(
        {key: value for key, value in fields.items() if key not in {"profile_id", "found_by"}}
    )


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_an_export_is_loaded_without_a_mapping(export: Any, tmp_path: Path) -> None:
    path = tmp_path / export.name
    path.write_bytes(export.data)
    db = tmp_path / "shop.db"
    result = CliRunner().invoke(app, ["load", str(path), "--domain", "shop", "--db", str(db)])

    left = path.with_suffix(".left-out.csv")
    said = result.output + (left.read_text("utf-8") if left.exists() else "")
    assert result.exit_code == 0, result.output
    assert f"{len(export.people)} created, 0 updated, 0 rejected" in result.output
    with CustomerProfiles.embedded(db) as cp:
        shop = cp.domain("shop")
        for person in export.people:
            assert stored(shop, person) == person, result.output
    assert [text for text in export.left if text not in said] == [], said
