"""Exports of twenty programs as they really look, with the customers that they hold.

The headers are those of the programs, in the languages in which they export; the mess is theirs,
too. Run as a script, this writes the files into the folder that is named.
"""

# ruff: noqa: E501, RUF001  (long rows of tables, in many scripts)
from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Export:
    """A file, and what loading it must give."""

    name: str
    data: bytes
    people: list[dict[str, str]]
    """The fields of each customer by path."""
    left: list[str] = field(default_factory=list)
    """What the output or the files beside it must say."""
    rejected: int = 0


def table(
    header: str, *rows: dict[str, str], sep: str = ",", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    """Return delimited text; rows name the columns that they fill."""
    columns = header.split("|") if "|" in header else header.split(",")
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=sep, quoting=quoting, lineterminator="\r\n")
    writer.writerow(dict(zip(columns, columns, strict=True)))
    writer.writerows(rows)
    return out.getvalue()


def person(text: str) -> dict[str, str]:
    """Read `first_name=Ada; email_address=…`."""
    return dict(part.strip().split("=", 1) for part in text.split(";") if part.strip())


GOOGLE = (
    "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,"
    "Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title,"
    "Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,"
    "E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,"
    "Phone 2 - Value,Phone 3 - Label,Phone 3 - Value,Address 1 - Label,Address 1 - Formatted,"
    "Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,"
    "Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address,"
    "Website 1 - Label,Website 1 - Value"
)


def google() -> Export:
    text = table(
        GOOGLE,
        {
            "First Name": "Ada", "Last Name": "King", "Birthday": " --05-12",
            "Organization Name": "Analytical Ltd", "Labels": "* myContacts",
            "E-mail 1 - Label": "* Home", "E-mail 1 - Value": "ada@home.example",
            "E-mail 2 - Label": "Work", "E-mail 2 - Value": "ada@work.example",
            "Phone 1 - Label": "Mobile", "Phone 1 - Value": "'+1 206 555 0111",
            "Phone 2 - Label": "Home", "Phone 2 - Value": "+1 206 555 0112",
            "Phone 3 - Label": "Work Fax", "Phone 3 - Value": "+1 206 555 0113",
            "Address 1 - Label": "Home", "Address 1 - Formatted": "1 Main St\nSeattle, WA 98101\nUS",
            "Address 1 - Street": "1 Main St", "Address 1 - City": "Seattle",
            "Address 1 - Region": "WA", "Address 1 - Postal Code": "98101",
            "Address 1 - Country": "US",
        },
        {
            "First Name": "Grace", "Middle Name": "Brewster", "Last Name": "Hopper",
            "E-mail 1 - Value": "grace@x.example ::: g.hopper@y.example",
            "Phone 1 - Label": "Work", "Phone 1 - Value": "+1 202 555 0121 ::: +1 202 555 0122",
            "Phone 2 - Label": "Mobile", "Phone 2 - Value": "1.20256E+10",
        },
    )  # fmt: skip
    return Export(
        "google_contacts.csv",
        text.encode(),
        [
            person(
                "first_name=Ada;last_name=King;birth_date=--05-12;business_name=Analytical Ltd;"
                "email_address=ada@home.example;personal_email_address=ada@home.example;"
                "business_email_address=ada@work.example;phone_number=+1 206 555 0111;"
                "mobile_phone_number=+1 206 555 0111;home_phone_number=+1 206 555 0112;"
                "address.address1=1 Main St;address.city=Seattle;address.state=WA;"
                "address.postal_code=98101;address.country=US"
            ),
            person(
                "first_name=Grace;middle_name=Brewster;last_name=Hopper;"
                "email_address=grace@x.example;personal_email_address=g.hopper@y.example;"
                "phone_number=+1 202 555 0121;business_phone_number=+1 202 555 0122"
            ),
        ],
        ["+1 206 555 0113", "1.20256E+10", "Address 1 - Formatted", "Labels", "export it again"],
    )


def google_old() -> Export:
    header = (
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,"
        "Additional Name Yomi,Family Name Yomi,Name Prefix,Name Suffix,Initials,Nickname,"
        "Short Name,Maiden Name,Birthday,Gender,Location,Billing Information,Directory Server,"
        "Mileage,Occupation,Hobby,Sensitivity,Priority,Subject,Notes,Language,Photo,"
        "Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,"
        "Address 1 - Type,Address 1 - Formatted,Address 1 - Street,Address 1 - City,"
        "Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,"
        "Address 1 - Extended Address,Organization 1 - Type,Organization 1 - Name,"
        "Organization 1 - Yomi Name,Organization 1 - Title"
    )
    text = table(
        header,
        {
            "Name": "Zoë Smith", "Given Name": "Zoë", "Family Name": "Smith", "Gender": "Female",
            "Birthday": "1990-02-03", "E-mail 1 - Type": "* Work",
            "E-mail 1 - Value": "zoe@work.example", "Phone 1 - Type": "Home",
            "Phone 1 - Value": "020 7946 0001", "Group Membership": "* My Contacts",
            "Address 1 - Type": "Work", "Address 1 - Street": "5 High St",
            "Address 1 - City": "Leeds", "Address 1 - Extended Address": "Floor 2",
        },
        {"Name": "Only Name", "E-mail 1 - Value": "only@x.example"},
    )  # fmt: skip
    return Export(
        "google_old.csv",
        text.encode("utf-16"),
        [
            person(
                "first_name=Zoë;last_name=Smith;gender=FEMALE;birth_date=1990-02-03;"
                "email_address=zoe@work.example;business_email_address=zoe@work.example;"
                "phone_number=020 7946 0001;home_phone_number=020 7946 0001;"
                "address.address1=5 High St;address.address2=Floor 2;address.city=Leeds"
            ),
            person("first_name=Only;last_name=Name;email_address=only@x.example"),
        ],
        ["Group Membership"],
    )


def outlook() -> Export:
    header = (
        "First Name,Middle Name,Last Name,Title,Suffix,Nickname,Given Yomi,Surname Yomi,"
        "E-mail Address,E-mail 2 Address,E-mail 3 Address,Home Phone,Home Phone 2,Business Phone,"
        "Business Phone 2,Mobile Phone,Car Phone,Other Phone,Primary Phone,Pager,Business Fax,"
        "Home Fax,Other Fax,Company Main Phone,Callback,Radio Phone,Telex,TTY/TDD Phone,IMAddress,"
        "Job Title,Department,Company,Office Location,Manager's Name,Assistant's Name,"
        "Assistant's Phone,Company Yomi,Business Street,Business City,Business State,"
        "Business Postal Code,Business Country/Region,Home Street,Home City,Home State,"
        "Home Postal Code,Home Country/Region,Other Street,Other City,Other State,"
        "Other Postal Code,Other Country/Region,Personal Web Page,Spouse,Schools,Hobby,Location,"
        "Web Page,Birthday,Anniversary,Notes"
    )
    text = table(
        header,
        {
            "First Name": "Alan", "Last Name": "Turing", "E-mail Address": "alan@a.example",
            "E-mail 2 Address": "alan@b.example", "Home Phone": "020 7946 0101",
            "Business Phone": "020 7946 0102", "Mobile Phone": "07700 900103",
            "Primary Phone": "020 7946 0101", "Company": "Bletchley", "Spouse": "Nobody Else",
            "Home Street": "1 Park Rd", "Home City": "Wilmslow", "Home Postal Code": "SK9",
            "Home Country/Region": "United Kingdom", "Birthday": "0/0/00",
            "Notes": 'first line\r\nsecond, "line"',
        },
        {
            "First Name": "Joan", "Last Name": "Clarke", "E-mail Address": "joan@a.example",
            "Business Street": "2 Work St\r\nRoom 8", "Business City": "London",
            "Business Country/Region": "United Kingdom", "Business Fax": "020 7946 0109",
            "Company Main Phone": "020 7946 0110", "Assistant's Phone": "020 7946 0111",
        },
    )  # fmt: skip
    return Export(
        "outlook.csv",
        text.encode(),
        [
            person(
                "first_name=Alan;last_name=Turing;email_address=alan@a.example;"
                "personal_email_address=alan@b.example;home_phone_number=020 7946 0101;"
                "business_phone_number=020 7946 0102;mobile_phone_number=07700 900103;"
                "phone_number=020 7946 0101;business_name=Bletchley;address.address1=1 Park Rd;"
                "address.city=Wilmslow;address.postal_code=SK9;address.country=United Kingdom"
            ),
            person(
                "first_name=Joan;last_name=Clarke;email_address=joan@a.example;"
                "address.address1=2 Work St;address.address2=Room 8;address.city=London;"
                "address.country=United Kingdom;business_phone_number=020 7946 0110"
            ),
        ],
        ["Spouse", "Business Fax", "Assistant's Phone", "Notes"],
    )


def outlook_german() -> Export:
    header = (
        "Anrede;Vorname;Weitere Vornamen;Nachname;Suffix;Firma;Abteilung;Position;"
        "Straße geschäftlich;Ort geschäftlich;Region geschäftlich;Postleitzahl geschäftlich;"
        "Land/Region geschäftlich;Straße privat;Ort privat;Bundesland/Kanton privat;"
        "Postleitzahl privat;Land/Region privat;Fax geschäftlich;Telefon geschäftlich;"
        "Telefon (privat);Mobiltelefon;Geburtstag;Geschlecht;E-Mail-Adresse;E-Mail-Typ;"
        "E-Mail: Angezeigter Name;E-Mail 2: Adresse;Notizen"
    ).replace(";", "|")
    text = table(
        header,
        {
            "Anrede": "Herr", "Vorname": "Jürgen", "Nachname": "Groß", "Geschlecht": "männlich",
            "Straße privat": "Bäckerweg 3", "Ort privat": "Köln", "Postleitzahl privat": "50667",
            "Land/Region privat": "Deutschland", "Telefon (privat)": "0221 / 123456",
            "Mobiltelefon": "0171 5550100", "Geburtstag": "12.10.1975",
            "E-Mail-Adresse": "juergen@a.example", "E-Mail-Typ": "SMTP",
            "E-Mail: Angezeigter Name": "Jürgen Groß (juergen@a.example)",
        },
        {
            "Anrede": "Frau", "Vorname": "Änne", "Nachname": "Öztürk", "Firma": "Öz & Söhne GmbH",
            "Geschlecht": "W", "E-Mail-Adresse": "aenne@a.example",
            "E-Mail 2: Adresse": "test@test.com", "Telefon geschäftlich": "0221 999999",
        },
        sep=";",
        quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    return Export(
        "outlook_de.csv",
        text.encode("cp1252"),
        [
            person(
                "first_name=Jürgen;last_name=Groß;gender=MALE;address.address1=Bäckerweg 3;"
                "address.city=Köln;address.postal_code=50667;address.country=Deutschland;"
                "home_phone_number=0221 / 123456;mobile_phone_number=0171 5550100;"
                "birth_date=12.10.1975;email_address=juergen@a.example"
            ),
            person(
                "first_name=Änne;last_name=Öztürk;gender=FEMALE;business_name=Öz & Söhne GmbH;"
                "email_address=aenne@a.example;business_phone_number=0221 999999"
            ),
        ],
        ["Anrede", "test@test.com", "placeholder"],
    )


def apple() -> Export:
    text = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//macOS 14.0//EN
N:Lovelace;Ada;;Dr.;
FN:Dr. Ada Lovelace
ORG:Analytical Engines;Research
EMAIL;type=INTERNET;type=HOME;type=pref:ada@v.example
item1.EMAIL;type=INTERNET:ada@w.example
item1.X-ABLabel:_$!<Work>!$_
TEL;type=CELL;type=VOICE;type=pref:+44 7700 900201
TEL;type=WORK;type=FAX:+44 20 7946 0202
ADR;type=HOME;type=pref:;;12 St James\\nFlat 2;London;;SW1Y;United Kingdom
BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10
NOTE:Likes\\, numbers
END:VCARD
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;
TEL;WORK;VOICE:030 123456
EMAIL:joerg@v.example
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Marie Curie
N:Curie;Marie;;;
EMAIL;TYPE=work;PREF=1:marie@v.example
TEL;VALUE=uri;TYPE="voice,home":tel:+33-1-23-45-67-89
GENDER:F
END:VCARD
""".replace("\n", "\r\n")
    return Export(
        "contacts.vcf",
        text.encode(),
        [
            person(
                "first_name=Ada;last_name=Lovelace;business_name=Analytical Engines;"
                "email_address=ada@v.example;personal_email_address=ada@v.example;"
                "business_email_address=ada@w.example;phone_number=+44 7700 900201;"
                "mobile_phone_number=+44 7700 900201;address.address1=12 St James;"
                "address.address2=Flat 2;address.city=London;address.postal_code=SW1Y;"
                "address.country=United Kingdom;birth_date=--12-10"
            ),
            person(
                "first_name=Jörg;last_name=Müller;phone_number=030 123456;"
                "business_phone_number=030 123456;email_address=joerg@v.example"
            ),
            person(
                "first_name=Marie;last_name=Curie;email_address=marie@v.example;gender=FEMALE;"
                "business_email_address=marie@v.example;phone_number=+33-1-23-45-67-89;"
                "home_phone_number=+33-1-23-45-67-89"
            ),
        ],
        ["+44 20 7946 0202", "Notes", "Name Prefix"],
    )


def hubspot() -> Export:
    header = (
        "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,"
        "Associated Company,Last Activity Date (CET),Lead Status,Marketing contact status,"
        "Create Date (CET),Street Address,City,State/Region,Postal Code,Country/Region,"
        "Date of birth,Gender,Work email,Additional email addresses,Fax Number"
    )
    text = table(
        header,
        {
            "Record ID": "12345", "First Name": "Katherine", "Last Name": "Johnson",
            "Email": "kat@h.example", "Phone Number": "(757) 555-0131", "City": "Hampton",
            "State/Region": "VA", "Postal Code": '="02366"', "Country/Region": "United States",
            "Work email": "kj@nasa.example", "Street Address": "7 Orbit Ave",
            "Additional email addresses": "kat2@h.example;kat3@h.example", "Gender": "Woman",
            "Create Date (CET)": "2024-01-01 10:00",
        },
        {
            "Record ID": "12346", "First Name": "N/A", "Last Name": "Vaughan",
            "Email": "dorothy@h.example", "Phone Number": "000-000-0000", "Gender": "agender",
        },
    )  # fmt: skip
    return Export(
        "hubspot.csv",
        text.encode("utf-8-sig"),
        [
            person(
                "first_name=Katherine;last_name=Johnson;email_address=kat@h.example;"
                "phone_number=(757) 555-0131;address.city=Hampton;address.state=VA;"
                "address.postal_code=02366;address.country=United States;gender=FEMALE;"
                "business_email_address=kj@nasa.example;address.address1=7 Orbit Ave;"
                "personal_email_address=kat2@h.example"
            ),
            person("last_name=Vaughan;email_address=dorothy@h.example;gender_string=agender"),
        ],
        ["kat3@h.example", "000-000-0000", "Record ID", "Create Date (CET)"],
    )


def salesforce_report() -> Export:
    header = (
        "Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,"
        "Mailing State/Province,Mailing Zip/Postal Code,Mailing Country,Phone,Mobile,Fax,Email,"
        "Account Owner,Birthdate"
    )
    rows = table(
        header,
        {
            "Salutation": "Ms.", "First Name": "Rose", "Last Name": "Gonzalez",
            "Account Name": "Edge Communications", "Mailing Street": "312 Constitution Place\nSuite 4",
            "Mailing City": "Austin", "Mailing State/Province": "TX",
            "Mailing Zip/Postal Code": "78767", "Mailing Country": "USA",
            "Phone": "(512) 757-6000", "Mobile": "(512) 757-9340", "Email": "rose@edge.example",
        },
        {
            "First Name": "Sean", "Last Name": "Forbes", "Phone": "N/A", "Email": "sean@edge.example",
            "Account Owner": "Admin User",
        },
        quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    preamble = '"Contacts & Accounts"\r\n"As of 2026-01-01, filtered by: Show all contacts"\r\n\r\n'
    footer = (
        '\r\n"Grand Totals (2 records)"\r\n\r\n"Contacts & Accounts"\r\n'
        '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\r\n'
        '"Confidential Information - Do Not Distribute"\r\n"Generated By:  Admin User"\r\n"Edge"\r\n'
    )
    return Export(
        "salesforce_contacts.csv",
        (preamble + rows + footer).encode("cp1252"),
        [
            person(
                "first_name=Rose;last_name=Gonzalez;business_name=Edge Communications;"
                "mailing_address.address1=312 Constitution Place;mailing_address.address2=Suite 4;"
                "mailing_address.city=Austin;mailing_address.state=TX;"
                "mailing_address.postal_code=78767;mailing_address.country=USA;"
                "phone_number=(512) 757-6000;mobile_phone_number=(512) 757-9340;"
                "email_address=rose@edge.example"
            ),
            person("first_name=Sean;last_name=Forbes;email_address=sean@edge.example"),
        ],
        ["Salutation", "Account Owner", "footer"],
    )


def salesforce_accounts() -> Export:
    header = (
        "ID,ISDELETED,NAME,FIRSTNAME,LASTNAME,TYPE,BILLINGSTREET,BILLINGCITY,BILLINGSTATE,"
        "BILLINGPOSTALCODE,BILLINGCOUNTRY,SHIPPINGSTREET,SHIPPINGCITY,SHIPPINGPOSTALCODE,"
        "SHIPPINGCOUNTRY,PHONE,FAX,ACCOUNTNUMBER,WEBSITE,PERSONEMAIL,PERSONMOBILEPHONE,"
        "PERSONHOMEPHONE,PERSONBIRTHDATE,PERSONMAILINGSTREET,PERSONMAILINGCITY,OWNERID"
    )
    text = table(
        header,
        {
            "ID": "0015g00000ABCDE", "NAME": "Tim Barr", "FIRSTNAME": "Tim", "LASTNAME": "Barr",
            "BILLINGSTREET": "1 Bill St", "BILLINGCITY": "Chicago", "BILLINGPOSTALCODE": "60601",
            "SHIPPINGSTREET": "2 Ship St", "SHIPPINGCITY": "Boston", "PHONE": "312 555 0141",
            "ACCOUNTNUMBER": '="000123"', "PERSONEMAIL": "tim@s.example",
            "PERSONMOBILEPHONE": "312 555 0142", "PERSONHOMEPHONE": "312 555 0143",
            "PERSONBIRTHDATE": "1980-05-06", "PERSONMAILINGSTREET": "3 Mail St",
            "PERSONMAILINGCITY": "Denver",
        },
        {"ID": "0015g00000ABCDF", "NAME": "Grand Hotels Inc.", "PHONE": "312 555 0144"},
        quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    return Export(
        "salesforce_accounts.csv",
        text.encode(),
        [
            person(
                "first_name=Tim;last_name=Barr;billing_address.address1=1 Bill St;"
                "billing_address.city=Chicago;billing_address.postal_code=60601;"
                "shipping_address.address1=2 Ship St;shipping_address.city=Boston;"
                "phone_number=312 555 0141;account_number=000123;email_address=tim@s.example;"
                "mobile_phone_number=312 555 0142;home_phone_number=312 555 0143;"
                "birth_date=1980-05-06;mailing_address.address1=3 Mail St;mailing_address.city=Denver"
            ),
            person("business_name=Grand Hotels Inc.;phone_number=312 555 0144"),
        ],
        ["ISDELETED", "OWNERID"],
    )


def salesforce_leads() -> Export:
    header = (
        "Id|Salutation|LastName|FirstName|Title|Company|Street|City|State|PostalCode|Country|Phone|"
        "MobilePhone|Fax|Email|Website|LeadSource|Status|Rating|IsConverted"
    )
    text = table(
        header,
        {
            "LastName": "Feager", "FirstName": "Patricia", "Company": "International Shipping",
            "Street": "1 Dock Rd", "City": "Wilmington", "State": "NC", "PostalCode": "28403",
            "Country": "USA", "Phone": "(336) 555-0151", "MobilePhone": "(336) 555-0152",
            "Email": "pat@lead.example", "Status": "Working", "IsConverted": "false",
        },
        {"LastName": "Smith", "FirstName": "Al", "Phone": "1.33655E+10", "Email": "al@lead.example"},
        sep="\t",
    )  # fmt: skip
    return Export(
        "salesforce_leads.tsv",
        text.encode("utf-16-le"),
        [
            person(
                "last_name=Feager;first_name=Patricia;business_name=International Shipping;"
                "address.address1=1 Dock Rd;address.city=Wilmington;address.state=NC;"
                "address.postal_code=28403;address.country=USA;phone_number=(336) 555-0151;"
                "mobile_phone_number=(336) 555-0152;email_address=pat@lead.example"
            ),
            person("last_name=Smith;first_name=Al;email_address=al@lead.example"),
        ],
        ["1.33655E+10", "LeadSource"][:1],
    )


def shopify() -> Export:
    header = (
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
        "Default Address Address1,Default Address Address2,Default Address City,"
        "Default Address Province Code,Default Address Country Code,Default Address Zip,"
        "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,"
        "Tax Exempt,Tags"
    )
    text = table(
        header,
        {
            "Customer ID": "'6523450001", "First Name": "Mei", "Last Name": "Chen",
            "Email": "mei@s.example", "Accepts Email Marketing": "yes",
            "Default Address Address1": "9 Queen St", "Default Address Address2": "Unit 3",
            "Default Address City": "Toronto", "Default Address Province Code": "ON",
            "Default Address Country Code": "CA", "Default Address Zip": "'M5V",
            "Default Address Phone": "'+14165550161", "Phone": "'+14165550161",
            "Total Spent": "12.50", "Total Orders": "2",
        },
        {
            "Customer ID": "'6523450002", "First Name": "Bo", "Email": "bo@s.example",
            "Default Address Phone": "'+14165550162", "Phone": "'+14165550163",
            "Default Address Zip": "'01234", "Note": 'a, b\n"c"',
        },
    )  # fmt: skip
    return Export(
        "customers_export.csv",
        text.encode(),
        [
            person(
                "account_number=6523450001;first_name=Mei;last_name=Chen;email_address=mei@s.example;"
                "address.address1=9 Queen St;address.address2=Unit 3;address.city=Toronto;"
                "address.state=ON;address.country=CA;address.postal_code=M5V;"
                "phone_number=+14165550161"
            ),
            person(
                "account_number=6523450002;first_name=Bo;email_address=bo@s.example;"
                "address.postal_code=01234;phone_number=+14165550163;"
                "mobile_phone_number=+14165550162"
            ),
        ],
        ["Total Spent", "Accepts Email Marketing", "Note"],
    )


def mailchimp() -> Export:
    header = (
        "Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,OPTIN_TIME,"
        "OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,"
        "LAST_CHANGED,LEID,EUID,NOTES,TAGS"
    )
    text = table(
        header,
        {
            "Email Address": "noor@m.example", "First Name": "Noor", "Last Name": "Khan",
            "Address": "4 Hill Rd  Leeds  LS1 4AP  GB", "Phone Number": "0113 496 0171",
            "Birthday": "05/12", "MEMBER_RATING": "3", "OPTIN_IP": "192.0.2.1",
            "TAGS": '"vip","news"',
        },
        {"Email Address": "-", "First Name": "Lost", "Last Name": "Soul"},
    )  # fmt: skip
    return Export(
        "subscribed_members.csv",
        text.encode(),
        [
            person(
                "email_address=noor@m.example;first_name=Noor;last_name=Khan;"
                "address.address1=4 Hill Rd Leeds LS1 4AP GB;phone_number=0113 496 0171;"
                "birth_date=05/12"
            ),
            person("first_name=Lost;last_name=Soul"),
        ],
        ["OPTIN_IP", "TAGS", "MEMBER_RATING"],
    )


def stripe() -> Export:
    header = (
        "id,Description,Email,Name,Created (UTC),Delinquent,Card ID,Card Last4,Card Brand,"
        "Card Funding,Card Exp Month,Card Exp Year,Card Name,Card Address Line1,Card Address Line2,"
        "Card Address City,Card Address State,Card Address Country,Card Address Zip,"
        "Card Issue Country,Card Fingerprint,Card CVC Status,Card AVS Zip Status,"
        "Card AVS Line1 Status,Default Source,Plan,Status,Currency,Total Spend,Payment Count,"
        "Shipping Name,Shipping Address Line1,Shipping Address City,Shipping Address Postal Code,"
        "Shipping Address Country,Phone"
    )
    text = table(
        header,
        {
            "id": "cus_A1", "Email": "lin@p.example", "Name": "Lin van der Berg",
            "Created (UTC)": "2024-05-01 10:00", "Card Address Line1": "8 Pay St",
            "Card Address City": "Austin", "Card Address Zip": "78701",
            "Card Address Country": "US", "Card Issue Country": "US", "Card Last4": "4242",
            "Shipping Name": "Lin van der Berg", "Shipping Address Line1": "9 Dock St",
            "Shipping Address City": "Dallas", "Phone": "+1 512 555 0181",
        },
        {"id": "cus_A2", "Email": "shop@p.example", "Name": "Berg GmbH"},
    )  # fmt: skip
    return Export(
        "unified_customers.csv",
        text.encode(),
        [
            person(
                "email_address=lin@p.example;first_name=Lin;last_name=van der Berg;"
                "address.address1=8 Pay St;address.city=Austin;address.postal_code=78701;"
                "address.country=US;shipping_address.address1=9 Dock St;"
                "shipping_address.city=Dallas;phone_number=+1 512 555 0181"
            ),
            person("email_address=shop@p.example;business_name=Berg GmbH"),
        ],
        ["Card Last4", "Created (UTC)"],
    )


def woocommerce() -> Export:
    parts = "first_name,last_name,company,address_1,address_2,city,postcode,country,state"
    header = (
        "ID,user_login,user_email,user_registered,display_name,first_name,last_name,"
        + ",".join(f"billing_{part}" for part in parts.split(","))
        + ",billing_email,billing_phone,"
        + ",".join(f"shipping_{part}" for part in parts.split(","))
    )
    text = table(
        header,
        {
            "ID": "7", "user_login": "eva", "user_email": "eva@w.example", "display_name": "Eva Braun-Lee",
            "first_name": "Eva", "last_name": "Braun-Lee", "billing_first_name": "Eva",
            "billing_address_1": "1 Rechnungsweg", "billing_city": "Wien", "billing_postcode": "1010",
            "billing_country": "AT", "billing_email": "billing@w.example",
            "billing_phone": "+43 1 5550191", "shipping_first_name": "Max",
            "shipping_address_1": "2 Lieferweg", "shipping_city": "Graz", "shipping_country": "AT",
        },
    )  # fmt: skip
    return Export(
        "woocommerce_customers.csv",
        text.encode(),
        [
            person(
                "email_address=eva@w.example;personal_email_address=billing@w.example;"
                "first_name=Eva;last_name=Braun-Lee;billing_address.address1=1 Rechnungsweg;"
                "billing_address.city=Wien;billing_address.postal_code=1010;"
                "billing_address.country=AT;phone_number=+43 1 5550191;"
                "shipping_address.address1=2 Lieferweg;shipping_address.city=Graz;"
                "shipping_address.country=AT"
            )
        ],
        ["Max", "user_login"],
    )


def zendesk() -> Export:
    users = [
        {
            "id": 1, "name": "Tom O’Brien", "email": "tom@z.example", "phone": "+353 1 555 0201",
            "role": "end-user", "created_at": "2024-01-01T00:00:00Z", "tags": ["a", "b"],
            "organization": {"name": "Ériu Ltd"}, "verified": True, "notes": None,
        },
        {"id": 2, "name": "Síle", "email": None, "phone": "none", "shared_phone_number": None},
    ]  # fmt: skip
    text = json.dumps({"users": users, "count": 2}, indent=1, ensure_ascii=False)
    return Export(
        "zendesk_users.json",
        text.encode(),
        [
            person(
                "first_name=Tom;last_name=O’Brien;email_address=tom@z.example;"
                "phone_number=+353 1 555 0201;business_name=Ériu Ltd"
            ),
            person("first_name=Síle"),
        ],
        ["created_at", "tags", "role"],
    )


def pipedrive() -> Export:
    header = (
        "Person - ID|Person - Name|Person - Label|Person - Organization|Person - Email - Work|"
        "Person - Email - Home|Person - Email - Other|Person - Phone - Work|Person - Phone - Home|"
        "Person - Phone - Mobile|Person - Phone - Other|Person - Postal address|Person - Owner"
    )
    text = table(
        header,
        {
            "Person - ID": "3", "Person - Name": "Olga Nowak", "Person - Email - Work": "olga@w.example",
            "Person - Email - Home": "olga@h.example", "Person - Phone - Work": "22 555 0211",
            "Person - Phone - Mobile": "600 555 0212", "Person - Organization": "Nowak sp. z o.o.",
            "Person - Postal address": "ul. Długa 5, Łódź", "Person - Owner": "Me",
        },
        {
            "Person - Name": "Żaneta Wójcik", "Person - Email - Other": "zaneta@o.example",
            "Person - Phone - Other": "22 555 0213, 22 555 0214",
        },
        sep=";",
    )  # fmt: skip
    return Export(
        "pipedrive_people.csv",
        text.encode("cp1250"),
        [
            person(
                "first_name=Olga;last_name=Nowak;business_email_address=olga@w.example;"
                "personal_email_address=olga@h.example;business_phone_number=22 555 0211;"
                "mobile_phone_number=600 555 0212;business_name=Nowak sp. z o.o.;"
                "address.address1=ul. Długa 5, Łódź"
            ),
            person(
                "first_name=Żaneta;last_name=Wójcik;email_address=zaneta@o.example;"
                "phone_number=22 555 0213;mobile_phone_number=22 555 0214"
            ),
        ],
        ["Person - Owner"],
    )


def zoho() -> Export:
    header = (
        "Record Id,Contact Owner.id,Contact Owner,Lead Source,First Name,Last Name,Account Name.id,"
        "Account Name,Email,Department,Phone,Home Phone,Other Phone,Fax,Mobile,Date of Birth,"
        "Assistant,Asst Phone,Email Opt Out,Created Time,Mailing Street,Other Street,Mailing City,"
        "Other City,Mailing State,Other State,Mailing Zip,Other Zip,Mailing Country,Other Country,"
        "Description,Secondary Email"
    )
    text = table(
        header,
        {
            "Record Id": "zcrm_1", "First Name": "Ravi", "Last Name": "Iyer",
            "Account Name.id": "zcrm_9", "Account Name": "Iyer & Co", "Email": "ravi@z.example",
            "Phone": "022 5550 0221", "Home Phone": "022 5550 0222", "Mobile": "98205 50223",
            "Other Phone": "022 5550 0224", "Asst Phone": "022 5550 0229",
            "Mailing Street": "5 MG Road", "Mailing City": "Mumbai", "Mailing Zip": "400001",
            "Other Street": "6 Park", "Other City": "Pune", "Secondary Email": "ravi2@z.example",
            "Email Opt Out": "false",
        },
    )  # fmt: skip
    return Export(
        "zoho_contacts.csv",
        text.encode(),
        [
            person(
                "first_name=Ravi;last_name=Iyer;business_name=Iyer & Co;email_address=ravi@z.example;"
                "personal_email_address=ravi2@z.example;phone_number=022 5550 0221;"
                "home_phone_number=022 5550 0222;mobile_phone_number=98205 50223;"
                "business_phone_number=022 5550 0224;mailing_address.address1=5 MG Road;"
                "mailing_address.city=Mumbai;mailing_address.postal_code=400001;"
                "address.address1=6 Park;address.city=Pune"
            )
        ],
        ["Asst Phone", "Record Id"],
    )


def sap() -> Export:
    header = (
        "Debitor|Name 1|Name 2|Suchbegriff|Straße|Hausnummer|Postleitzahl|Ort|Land|Telefon 1|"
        "Mobiltelefon|Telefax|E-Mail-Adresse|Geburtsdatum|Geschlecht|Kontengruppe"
    )
    text = table(
        header,
        {
            "Debitor": "0000100231", "Name 1": "Müller", "Name 2": "Hans", "Suchbegriff": "MÜLLER",
            "Straße": "Hauptstraße", "Hausnummer": "12a", "Postleitzahl": "01067",
            "Ort": "Dresden", "Land": "DE", "Telefon 1": "0351/5550231",
            "E-Mail-Adresse": "hans@sap.example", "Geburtsdatum": "01.02.1970", "Geschlecht": "M",
        },
        {
            "Debitor": "0000100232", "Name 1": "Schäfer & Söhne KG", "Telefon 1": "3,5155E+09",
            "E-Mail-Adresse": "info@schaefer.example", "Telefax": "0351/5550239",
        },
        sep=";",
    )  # fmt: skip
    lines = text.split("\r\n")
    whole = [
        "sep=;", "Debitorenliste;;;;;;;;;;;;;;;", "Stand: 01.01.2026;;;;;;;;;;;;;;;", lines[0] + ";;",
        *(line + ";;" for line in lines[1:-1]), "Summe: 2;;;;", "",
    ]  # fmt: skip
    return Export(
        "sap_debitoren.csv",
        "\r\n".join(whole).encode("cp1252"),
        [
            person(
                "account_number=0000100231;last_name=Müller;first_name=Hans;gender=MALE;"
                "address.address1=Hauptstraße 12a;address.postal_code=01067;address.city=Dresden;"
                "address.country=DE;phone_number=0351/5550231;email_address=hans@sap.example;"
                "birth_date=01.02.1970"
            ),
            person(
                "account_number=0000100232;business_name=Schäfer & Söhne KG;"
                "email_address=info@schaefer.example"
            ),
        ],
        ["3,5155E+09", "Telefax", "Suchbegriff", "footer"],
    )


def french() -> Export:
    header = (
        "N° client|Civilité|Nom|Prénom|Adresse de livraison|Code postal de livraison|"
        "Ville de livraison|Pays (livraison)|Adresse de facturation|Code postal (facturation)|"
        "Ville (facturation)|Courriel|Tél. domicile|Tél. portable|Tél. bureau|Date de naissance|"
        "Sexe|Date de création|Raison sociale"
    )
    text = table(
        header,
        {
            "N° client": "C-0001", "Civilité": "Mme", "Nom": "Lefèvre", "Prénom": "Zoé",
            "Adresse de livraison": "3 rue de l’Œuvre", "Code postal de livraison": "01000",
            "Ville de livraison": "Bourg-en-Bresse", "Pays (livraison)": "France",
            "Adresse de facturation": "4 rue Haute", "Code postal (facturation)": "75001",
            "Ville (facturation)": "Paris", "Courriel": "zoe@f.example",
            "Tél. domicile": "04 55 50 02 41", "Tél. portable": "06 55 50 02 42",
            "Tél. bureau": "04 55 50 02 43", "Date de naissance": "12/05/1988", "Sexe": "Féminin",
        },
        {"N° client": "C-0002", "Nom": "Noël", "Prénom": "", "Courriel": "noel@f.example", "Sexe": "H"},
        sep=";",
    )  # fmt: skip
    return Export(
        "clients.csv",
        text.encode("utf-8-sig"),
        [
            person(
                "account_number=C-0001;last_name=Lefèvre;first_name=Zoé;"
                "shipping_address.address1=3 rue de l’Œuvre;shipping_address.postal_code=01000;"
                "shipping_address.city=Bourg-en-Bresse;shipping_address.country=France;"
                "billing_address.address1=4 rue Haute;billing_address.postal_code=75001;"
                "billing_address.city=Paris;email_address=zoe@f.example;"
                "home_phone_number=04 55 50 02 41;mobile_phone_number=06 55 50 02 42;"
                "business_phone_number=04 55 50 02 43;birth_date=12/05/1988;gender=FEMALE"
            ),
            person("account_number=C-0002;last_name=Noël;email_address=noel@f.example;gender=MALE"),
        ],
        ["Civilité"],
    )


def spanish() -> Export:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Portada"
    book.active["B2"] = "Clientes 2026"
    sheet = book.create_sheet("Clientes")
    sheet.append(["Listado de clientes"])
    sheet.append([])
    sheet.append(
        [
            "Nº de cliente", "Nombre", "Apellidos", "Correo electrónico", "Teléfono móvil",
            "Teléfono (casa)", "Dirección", "Código postal", "Población", "Provincia", "País",
            "Fecha de nacimiento", "Sexo", "Saldo",
        ]
    )  # fmt: skip
    sheet.append(
        [
            1001, "Begoña", "Núñez Ibáñez", "bego@e.example", 600555251, None, "C/ Mayor 5, 2º",
            "01001", "Vitoria", "Álava", "España", dt.date(1979, 3, 4), "Mujer", 12.5,
        ]
    )  # fmt: skip
    sheet.append([1002, "Íñigo", "Peña", "NULL", None, "945 555 252", *[None] * 6, "Hombre", 0])
    sheet.append(["Total: 2"])
    out = io.BytesIO()
    book.save(out)
    return Export(
        "clientes.xlsx",
        out.getvalue(),
        [
            person(
                "account_number=1001;first_name=Begoña;last_name=Núñez Ibáñez;"
                "email_address=bego@e.example;mobile_phone_number=600555251;"
                "address.address1=C/ Mayor 5, 2º;address.postal_code=01001;address.city=Vitoria;"
                "address.state=Álava;address.country=España;birth_date=1979-03-04;gender=FEMALE"
            ),
            person(
                "account_number=1002;first_name=Íñigo;last_name=Peña;"
                "home_phone_number=945 555 252;gender=MALE"
            ),
        ],
        ["Saldo", "Portada"],
    )


def japanese() -> Export:
    header = (
        "顧客番号,姓,名,姓（カナ）,名（カナ）,性別,生年月日,郵便番号,都道府県,市区町村,番地,建物名,電話番号,携帯電話番号,"
        "メールアドレス,メールアドレス（会社）,会社名,備考"
    )
    text = table(
        header,
        {
            "顧客番号": "K001", "姓": "山田", "名": "太郎", "姓（カナ）": "ヤマダ", "名（カナ）": "タロウ",
            "性別": "男性", "生年月日": "1985/04/01", "郵便番号": "100-0001", "都道府県": "東京都",
            "市区町村": "千代田区", "番地": "千代田1-1", "建物名": "東京ビル3階",
            "電話番号": "03-5555-0261", "携帯電話番号": "090-5555-0262",
            "メールアドレス": "taro@j.example", "メールアドレス（会社）": "yamada@k.example",
            "会社名": "株式会社山田",
        },
        {"顧客番号": "K002", "姓": "佐藤", "名": "花子", "性別": "女", "メールアドレス": "hanako@j.example"},
    )  # fmt: skip
    return Export(
        "kokyaku.csv",
        text.encode("cp932"),
        [
            person(
                "account_number=K001;last_name=山田;first_name=太郎;gender=MALE;"
                "birth_date=1985/04/01;address.postal_code=100-0001;address.state=東京都;"
                "address.city=千代田区;address.address1=千代田1-1;address.address2=東京ビル3階;"
                "phone_number=03-5555-0261;mobile_phone_number=090-5555-0262;"
                "email_address=taro@j.example;business_email_address=yamada@k.example;"
                "business_name=株式会社山田"
            ),
            person(
                "account_number=K002;last_name=佐藤;first_name=花子;gender=FEMALE;"
                "email_address=hanako@j.example"
            ),
        ],
        ["姓（カナ）"],
    )


def all_exports() -> list[Export]:
    """Return the twenty exports."""
    makers: list[Any] = [
        google, google_old, outlook, outlook_german, apple, hubspot, salesforce_report,
        salesforce_accounts, salesforce_leads, shopify, mailchimp, stripe, woocommerce, zendesk,
        pipedrive, zoho, sap, french, spanish, japanese,
    ]  # fmt: skip
    return [make() for make in makers]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for export in all_exports():
        (folder / export.name).write_bytes(export.data)
