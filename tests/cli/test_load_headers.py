"""`customer-profiles load` maps the headers of other programs and languages to fields."""

# ruff: noqa: RUF001  (headers of many scripts)
from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app
from customer_profiles.cli.records import map_columns

if TYPE_CHECKING:
    from pathlib import Path

GOOGLE = {
    "First Name": "Ada", "Last Name": "King", "Phonetic First Name": "ay-da",
    "Organization Name": "Analytical Ltd", "Birthday": "1990-12-10",
    "E-mail 1 - Label": "* Home", "E-mail 1 - Value": "ada@example.com",
    "E-mail 2 - Value": "ada@example.org", "Phone 1 - Label": "Mobile",
    "Phone 1 - Value": "+12065550100", "Address 1 - Formatted": "1 Main St, London",
    "Address 1 - Street": "1 Main St", "Address 1 - City": "London",
    "Address 1 - Postal Code": "N1", "Address 1 - Country": "GB",
}  # fmt: skip


def test_contacts_of_google_are_loaded_with_email_phone_and_address(tmp_path: Path) -> None:
    with (tmp_path / "contacts.csv").open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([GOOGLE, GOOGLE.values()])
    db = tmp_path / "shop.db"
    result = CliRunner().invoke(
        app, ["load", str(tmp_path / "contacts.csv"), "--domain", "shop", "--db", str(db)]
    )

    with CustomerProfiles.embedded(db) as cp:
        ada = cp.domain("shop").profiles.search(email="ada@example.com").first()
    assert ada is not None
    assert ada.address is not None
    assert (ada.first_name, ada.last_name, ada.phone_number) == ("Ada", "King", "+12065550100")
    assert (ada.address.address1, ada.address.city) == ("1 Main St", "London")
    assert (ada.email_address, ada.business_email_address) == ("ada@example.com", None)
    # The second address has no kind, so it has a field that is free.
    assert ada.personal_email_address == "ada@example.org"
    assert "not loaded: Phonetic First Name, Address 1 - Formatted" in result.output


HEADERS = [
    (
        "Nom;Prénom;Date de naissance;Courriel perso;Téléphone fixe;Portable;Adresse;CP;Ville;Pays",
        (
            "last_name;first_name;birth_date;personal_email_address;phone_number;mobile_phone_number;"
            "address.address1;address.postal_code;address.city;address.country"
        ),
    ),
    (
        "Vorname;Name;Firma;Straße privat;Straße privat 2;Ort privat;E-Mail geschäftlich;Kundennr",
        (
            "first_name;last_name;business_name;address.address1;address.address2;address.city;"
            "business_email_address;account_number"
        ),
    ),
    (
        "姓;名;電話番号;メールアドレス;都道府県;市区町村;郵便番号;顧客番号",
        (
            "last_name;first_name;phone_number;email_address;address.state;address.city;"
            "address.postal_code;account_number"
        ),
    ),
    (
        "FirstName;LastName;MailingStreet;MailingCity;MailingPostalCode;MailingCountry;MobilePhone",
        (
            "first_name;last_name;mailing_address.address1;mailing_address.city;"
            "mailing_address.postal_code;mailing_address.country;mobile_phone_number"
        ),
    ),
    (
        "Home Street;Home City;Home Country/Region;Business Phone;E-mail Address",
        "address.address1;address.city;address.country;business_phone_number;email_address",
    ),
    ("first_name;Nom", "first_name;last_name"),
    (
        "Raison sociale;Adresse de messagerie;Tél. domicile;Company Phone;C.P.",
        ("business_name;email_address;home_phone_number;business_phone_number;address.postal_code"),
    ),
    (
        "KUNNR;NAME_LAST;NAME_FIRST;STRAS;PSTLZ;ORT01;LAND1;TELF1;MOB_NUMBER;SMTP_ADDR",
        (
            "account_number;last_name;first_name;address.address1;address.postal_code;address.city;"
            "address.country;phone_number;mobile_phone_number;email_address"
        ),
    ),
    (
        "氏名（姓）;氏名（名）;配送先住所",
        "last_name;first_name;shipping_address.address1",
    ),
    (
        "billing_address.city;billing_address.first_name;billing_address.last_name",
        "billing_address.city;first_name;last_name",
    ),
    (
        "properties.firstname;Bill To City;City (Shipping);Work (e-mail);Phone [mobile]",
        (
            "first_name;billing_address.city;shipping_address.city;business_email_address;"
            "mobile_phone_number"
        ),
    ),
]


@pytest.mark.parametrize(("header", "fields"), HEADERS)
def test_headers_of_many_languages_and_programs_are_mapped(header: str, fields: str) -> None:
    columns = header.split(";")

    assert map_columns(columns, []).columns == dict(zip(columns, fields.split(";"), strict=True))


def test_the_parts_of_two_addresses_are_not_mixed() -> None:
    columns = map_columns(["Home City", "Business City", "Business Street"], []).columns

    assert columns == {"Home City": "address.city"}


def test_a_mapping_of_ones_own_replaces_what_was_recognised() -> None:
    mapping = map_columns(["E-mail 1", "E-mail 2"], ["E-mail 1=", "E-mail 2=email_address"])

    assert mapping.columns == {"E-mail 2": "email_address"}
