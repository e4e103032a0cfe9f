"""Misuse that mypy and pyright must both report: an ignore that is not needed is an error."""

from __future__ import annotations

from customer_profiles import Address, CustomerProfiles, Profile

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

# A lazy list, asked whether it holds anything.
if shop.profiles.search(email="a"):  # pyright: ignore[reportGeneralTypeIssues]
    ada.save()  # type: ignore[unreachable]
