"""Recognise the names of companies by their legal forms, and compare them without those.

The legal forms are those of `cleanco` (MIT licence) that are in common use, and those of East Asia.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from . import headers
from .normalize import pc, words

if TYPE_CHECKING:
    import pyarrow as pa

_FORMS = (
    "gmbh|ggmbh|mbh|ag|kg|kgaa|ohg|gbr|ug haftungsbeschrankt|ek|ev|se|inc|incorporated|corp|"
    "corporation|co|company|ltd|limited|llc|llp|lp|plc|pllc|pty|pte|pvt|private|bhd|sdn|sa|sas|"
    "sasu|sarl|sa rl|eurl|snc|sca|scop|srl|srls|spa|sapa|sl|slu|sll|sa de cv|s de rl|de cv|ltda|"
    "lda|eireli|bv|nv|vof|cv|bvba|cvba|sprl|ab|hb|kb|as|a s|asa|ans|oy|oyj|ky|aps|i s|k s|p s|"
    "sp z oo|spzoo|spolka z oo|sp j|sp k|sro|s ro|spol s ro|kft|zrt|nyrt|bt|doo|dd|ad|ood|eood|"
    "sia|uab|ou|ooo|oao|zao|pao|ao|tov|anonim sirketi|ltd sti|sti|pt|tbk|kk|gk|ae|epe|ike|cie|"
    "et cie|und co|and co|and company"
)
_CERTAIN = (
    "gmbh|ggmbh|mbh|ag|kg|kgaa|ohg|gbr|inc|incorporated|corp|corporation|ltd|limited|llc|llp|plc|"
    "pllc|pty|pte|pvt|bhd|sarl|sa rl|eurl|srl|srls|spa|slu|sll|sa de cv|s de rl|ltda|eireli|bv|"
    "nv|vof|bvba|cvba|sprl|asa|oy|oyj|aps|sp z oo|spzoo|spolka z oo|sro|s ro|spol s ro|kft|zrt|"
    "nyrt|doo|eood|uab|anonim sirketi|ltd sti|und co|and co|and company|et cie"
)
"""Forms that do not end the names of people."""
_LEADING = "ooo|oao|zao|pao|tov|pt|ooo firma|s c"
_EASTERN = (
    "株式会社|有限会社|合同会社|合資会社|株式會社|股份有限公司|有限责任公司|有限責任公司|有限公司|公司|"
    "주식회사|유한회사"
)
ENDING, BEGINNING = rf"(?: (?:{_FORMS}))+$", rf"^(?:(?:{_LEADING}) )+"
EASTERN = rf" ?(?:{_EASTERN}) ?"
IS_COMPANY = rf"^.* (?:{_CERTAIN})$|^(?:ooo|oao|zao|pao|tov) |{_EASTERN}"
"""Matches folded names of companies."""
IN_CAPITALS = r"\p{Ll}.* (?:AB|AS|A/S|SA|S\.A\.|SE|SAS|S\.A\.S\.|KK|K\.K\.|A\.S\.|A\.Ş\.|AŞ)$"
"""Matches names of companies whose forms, in small letters, are names of people."""


@cache
def is_company_column(name: str) -> bool:
    """Return whether a column holds companies, judged by its name."""
    return headers.read(name.removeprefix("Attributes.")).noun == "company"


def cores(values: pa.Array) -> pa.Array:
    """Remove the legal forms from folded names of companies."""
    short = values
    for pattern in (ENDING, BEGINNING, EASTERN):
        short = pc.replace_substring_regex(short, pattern, "")
    return pc.if_else(pc.equal(short, ""), values, short)


def are_companies(values: pa.Array) -> pa.BooleanArray:
    """Return which names, as they were read, are those of companies."""
    # A single word in Latin letters has no legal form.
    several = pc.invert(pc.and_(pc.utf8_is_alpha(values), pc.string_is_ascii(values)))
    phrases = values.filter(several)
    found = pc.or_(
        pc.match_substring_regex(words(pc.replace_substring(phrases, "&", " and ")), IS_COMPANY),
        pc.match_substring_regex(phrases, IN_CAPITALS),
    )
    return pc.replace_with_mask(several, several, found)
