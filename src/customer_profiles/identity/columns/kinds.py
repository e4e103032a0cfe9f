"""What a column of the records holds, told by its name."""

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

# What attributes are called that are made of one or more columns.
GIVEN_NAME, FAMILY_NAME, MIDDLE_NAME = "given name", "family name", "middle name"
SUFFIX, BIRTH_DATE, GENDER = "suffix", "birth date", "gender"
EMAIL, PHONE, STREET, PLACE = "email", "phone", "street", "place"

KINDS: tuple[Kind, ...] = get_args(Kind)

# The first that matches counts. Names are compared in lower case, without accents and without what
# is not a letter or digit. Words are English, German, French, Spanish, Portuguese, Italian, Dutch,
# Polish, Czech, Swedish, Turkish, Russian, Chinese and Japanese.
_BY_NAME: tuple[tuple[Kind, str], ...] = (
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
_COMPILED: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern)) for kind, pattern in _BY_NAME
)
_LINE = re.compile(r"(?:address|street|line)[_ ]?(\d)$", re.IGNORECASE)


def kind_of(name: str) -> Kind:
    """Tell what a column holds from its name, as `FirstName` or `ShippingAddress.City`."""
    plain = _plain(name.rpartition(".")[2])
    if name.startswith("Attributes."):
        return "text"
    for kind, pattern in _COMPILED:
        if pattern.fullmatch(plain):
            return kind
    return "text"


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower().translate(_FOLDED))
    return "".join(letter for letter in letters if letter.isalnum())


_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "\u0131": "i"})
_HOUSE = re.compile(r"(house|street|haus|huis)[_ ]?(number|nummer|no|nr)$", re.IGNORECASE)


def place_of(name: str) -> str:
    """Tell which of a record's addresses a column belongs to: what is before the last dot."""
    return name.rpartition(".")[0]


def line_of(name: str) -> int:
    """Give the number of an address line: 1 if its name has none, 0 of a house number alone."""
    if _HOUSE.search(name):
        return 0
    found = _LINE.search(name)
    return int(found[1]) if found else 1


_SAMPLE, _FEWEST_VALUES = 2_000, 20
_MOSTLY, _SOME = 0.8, 0.2
_FEWEST_YEARS = 30
_A_YEAR = r"(?:1[89]|20)\d\d"
_YEAR = re.compile(_A_YEAR)
_DATE = re.compile(
    rf"{_A_YEAR}[-/.]?\d\d?[-/.]?\d\d?(?:[T ].*)?|\d\d?[-/. ]\d\d?[-/. ](?:\d\d|{_A_YEAR})"
)
_PHONE = re.compile(r"(?=.*\d)[+(]?[\d()/. \-]{7,20}(?: ?(?:x|ext).*)?")
_WHOLE_PHONE = re.compile(r"(?=(?:.*?\d){7})(?:\+|\(|00).*")


def kind_of_values(values: list[str], known: set[Kind]) -> Kind:
    """Tell what a column holds from its distinct values, where its name does not tell.

    Args:
        values: some of them.
        known: what other columns hold.
    """
    texts = [text.strip() for text in values[:_SAMPLE]]
    if len(texts) < _FEWEST_VALUES:
        return "text"
    if _share(texts, lambda text: "@" in text and " " not in text) >= _MOSTLY:
        return "email"
    if _share(texts, _DATE.fullmatch) >= _MOSTLY:
        years = {found[0] for text in texts if (found := _YEAR.search(text))}
        # Births are of many years; orders and visits of few.
        is_birth = len(years) >= _FEWEST_YEARS and "birth_date" not in known
        return "birth_date" if is_birth else "text"
    are_phones = _share(texts, _PHONE.fullmatch) >= _MOSTLY
    return "phone" if are_phones and _share(texts, _WHOLE_PHONE.fullmatch) >= _SOME else "text"


def _share(texts: list[str], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(text)) for text in texts) / len(texts)
