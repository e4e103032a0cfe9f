"""Classify columns: what each one holds, from its name or its values."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal[
    "given_name",
    "middle_name",
    "family_name",
    "full_name",
    "birth_date",
    "gender",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "identifier",
    "text",
    "ignored",
]
"""What a column holds; `text` is compared as it is, `ignored` is not compared at all."""

# The attributes that are compared; models store these names.
GIVEN_NAME, FAMILY_NAME, MIDDLE_NAME = "given name", "family name", "middle name"
SUFFIX, BIRTH_DATE, GENDER = "suffix", "birth date", "gender"
EMAIL, PHONE, STREET, LOCALITY = "email", "phone", "street", "place"

KINDS: tuple[Kind, ...] = get_args(Kind)
KINDS_OF: dict[str, tuple[Kind, ...]] = {
    GIVEN_NAME: ("given_name", "full_name"),
    MIDDLE_NAME: ("middle_name", "full_name"),
    FAMILY_NAME: ("family_name", "full_name"),
    SUFFIX: ("family_name", "full_name"),
    BIRTH_DATE: ("birth_date",),
    GENDER: ("gender",),
    EMAIL: ("email",),
    PHONE: ("phone",),
    STREET: ("street",),
    LOCALITY: ("postal_code", "city"),
}
"""The kinds of the columns that each of these attributes is read from."""

# The first pattern that matches a column's name wins. Names are in lower case and contain letters
# and digits only, without accents. The words are English, German, French, Spanish, Portuguese,
# Italian, Dutch, Polish, Czech, Swedish, Turkish, Russian, Chinese and Japanese.
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("ignored", r"(profileid|recid|recordid|rowid|uuid|guid|id|index)"),
    (
        "text",
        r".*(place|country|city|town|state|region)(of)?birth|birth(place|country|city|town|state|region|name).*",
    ),
    (
        "email",
        r".*e?mail(address|adresse)?\d?|correo(electronico)?|courriel|epost(a|adresse)?|почта",
    ),
    (
        "phone",
        (
            r".*(phone|mobile|cell|fax|telefon|telephone|telefono|telefone|telefoon)(number|nummer)?\d?"
            r"|tel|handy(nummer)?|mobil(nummer|telefon)?|movil|celular|portable|gsm|komorka"
            r"|телефон|电话|手机|電話(番号)?"
        ),
    ),
    (
        "birth_date",
        (
            r".*birth.*|dob|b(irth)?day|geb(urts)?(datum|tag)?|.*naissance|.*nacimiento|.*nascimento"
            r"|.*nascita|.*urodzenia|datumnarozeni|geboortedatum|fodelsedatum|dogumtarihi"
            r"|дата?рождения|датарождения|出生(日期)?|生年月日"
        ),
    ),
    ("gender", r"gender(string)?|sex[eo]?|sesso|geschlecht|geslacht|plec|cinsiyet|пол|性别|性別"),
    ("middle_name", r"middle.*|отчество|patronymic"),
    (
        "family_name",
        (
            r"(last|family|sur|second)names?|surname|lname|nachname|familienname|zuname|nomdefamille"
            r"|(primer|segundo)?apellidos?(\d|paterno|materno)?|sobrenome|apelido|cognome|achternaam"
            r"|nazwisko|prijmeni|efternamn|soyadi?|фамилия|姓"
        ),
    ),
    (
        "given_name",
        (
            r"(first|given|fore|christian)names?|fname|vornamen?|prenoms?|primeironome|voornaam|imie"
            r"|jmeno|fornamn|имя|名"
        ),
    ),
    (
        "full_name",
        r"(full|person|customer|contact|display)?name|nombres?|nome|nom|naam|isim|姓名|名前|氏名|фио",
    ),
    (
        "postal_code",
        (
            r".*(postal|postcode|zip)(code)?|plz|postleitzahl|codepostal|codigopostal|cp|cep|cap"
            r"|kodpocztowy|psc|postnummer|postakodu|индекс|邮编|郵便番号"
        ),
    ),
    (
        "city",
        (
            r".*(city|town|suburb|locality)|(wohn)?ort|stadt|ville|ciudad|localidad|municipio|cidade"
            r"|citta|comune|(woon)?plaats|miasto|mesto|stad|sehir|город|城市"
        ),
    ),
    ("state", r".*(state|province|region|county)(code)?|bundesland|provincia|estado|wojewodztwo"),
    ("country", r".*country(code)?|land|pays|pais|paese|kraj|ulke|страна"),
    (
        "street",
        (
            r".*(address|street|addressline)\d?|addr\d?|strasse|anschrift|adresse|rue|calle|direccion"
            r"|domicilio|endereco|rua|indirizzo|straat|adres|ulica|gata|улица|адрес|地址|住所"
            r"|(house|street|haus|huis)(number|nummer|no|nr)"
        ),
    ),
    (
        "identifier",
        (
            r".*(account|customer|member|loyalty|passport|license|licence|tax|social|national"
            r"|ssn|insurance|document|card|kunden|client|konto|pass|ausweis)"
            r"(security|insurance)?(number|nummer|no|nr|id|code)?|socsecid"
            r"|dni|nif|nie|cpf|curp|rfc|pesel|codicefiscale|nino|nhsnumber|snils|pasaporte|passeport"
        ),
    ),
)
_LINE = re.compile(r"(?:address|street|line)[_ ]?(\d)$", re.IGNORECASE)


def kind_of(name: str) -> Kind:
    """Return what a column holds, judged by its name, such as `FirstName` or `Billing.City`."""
    if is_free_form(name):
        return "text"
    plain = _plain(name.rpartition(".")[2])
    for kind, pattern in _PATTERNS:
        if re.fullmatch(pattern, plain):
            return kind
    return "text"


def is_free_form(name: str) -> bool:
    """Return whether a column is one of the nested `Attributes`, whose names mean nothing."""
    return name.startswith("Attributes.")


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower().translate(_FOLDED))
    return "".join(letter for letter in letters if letter.isalnum())


_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "\u0131": "i"})
_HOUSE = re.compile(r"(house|street|haus|huis)[_ ]?(number|nummer|no|nr)$", re.IGNORECASE)


def address_of(name: str) -> str:
    """Return which of a record's addresses a column belongs to: its name before the last dot."""
    return name.rpartition(".")[0]


def line_of(name: str) -> int:
    """Return the number of an address line: 0 for a house number, 1 if the name has no number."""
    if _HOUSE.search(name):
        return 0
    match = _LINE.search(name)
    return int(match[1]) if match else 1


_SAMPLE, _FEWEST_VALUES = 2_000, 20
_MOST, _SEVERAL = 0.8, 0.2
_FEWEST_YEARS = 30
_FOUR_DIGITS = r"(?:1[89]|20)\d\d"
_YEAR = re.compile(_FOUR_DIGITS)
_DATE = re.compile(
    rf"{_FOUR_DIGITS}[-/.]?\d\d?[-/.]?\d\d?(?:[T ].*)?"
    rf"|\d\d?[-/. ]\d\d?[-/. ](?:\d\d|{_FOUR_DIGITS})"
)
_PHONE = re.compile(r"(?=.*\d)[+(]?[\d()/. \-]{7,20}(?: ?(?:x|ext).*)?")
_DIALLED_PHONE = re.compile(r"(?=(?:.*?\d){7})(?:\+|\(|00).*")


def kind_of_values(values: list[str], known: set[Kind]) -> Kind:
    """Return what a column holds, judged by its values; for names that match no pattern.

    Args:
        values: a sample of the column's distinct values.
        known: the kinds of the other columns.
    """
    texts = [text.strip() for text in values[:_SAMPLE]]
    if len(texts) < _FEWEST_VALUES:
        return "text"
    if _share(texts, lambda text: "@" in text and " " not in text) >= _MOST:
        return "email"
    if _share(texts, _DATE.fullmatch) >= _MOST:
        years = {match[0] for text in texts if (match := _YEAR.search(text))}
        # Birth dates span many years, dates of orders and visits only a few.
        is_birth = len(years) >= _FEWEST_YEARS and "birth_date" not in known
        return "birth_date" if is_birth else "text"
    are_phones = _share(texts, _PHONE.fullmatch) >= _MOST
    # Plain numbers look like phones, too: several have to begin as a dialled number does.
    is_dialled = are_phones and _share(texts, _DIALLED_PHONE.fullmatch) >= _SEVERAL
    return "phone" if is_dialled else "text"


def _share(texts: list[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(text)) for text in texts) / len(texts)
