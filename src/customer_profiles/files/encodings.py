"""Find the encoding of a text file, and decode it so that damaged bytes stay visible."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from .table import FileError

if TYPE_CHECKING:
    from .source import Source

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FEW = 0.2
_ASCII = bytes(range(128))
DAMAGED = re.compile("[\udc00-\udcff]")
"""Finds bytes that are not in the encoding."""
_HANDLER = "customer_profiles.damaged"
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


class Encoding(NamedTuple):
    """The encoding of a file."""

    name: str
    is_sure: bool
    """Whether the whole file is known to be in the encoding."""


def _keep(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(_HANDLER, _keep)


def open_text(source: Source, encoding: str) -> io.TextIOWrapper:
    """Decode a file; a byte that is not in the encoding becomes a lone surrogate."""
    return io.TextIOWrapper(
        io.BufferedReader(source, 1 << 17), encoding=encoding, errors=_HANDLER, newline=""
    )


def decoded_sample(source: Source, encoding: str) -> str:
    """Decode the sample of a file, without a character that its end cuts in two."""
    decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)
    return decoder.decode(source.sample, final=source.is_whole)


def find(source: Source, declared: str | None) -> Encoding:
    """Return the encoding of a file.

    Raises:
        FileError: there is no such encoding, or the file has another one.
    """
    if declared is not None:
        return _declared(source, declared)
    sample = source.sample
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Encoding(name, is_sure=False)
    if (wide := _utf_16(sample)) is not None:
        return Encoding(wide, is_sure=False)
    return _of_bytes(source)


def _declared(source: Source, name: str) -> Encoding:
    try:
        codecs.lookup(name)
        text = decoded_sample(source, name)
    except (LookupError, UnicodeError) as error:
        # `utf-16` without its mark is an error of the codec, not of a character.
        if isinstance(error, LookupError):
            msg = f"there is no encoding {name!r}; give one such as utf-8 or cp1252"
        else:
            msg = f"the file is not {name}; leave out --encoding to have it found"
        raise FileError(msg) from error
    if len(DAMAGED.findall(text)) > _FEW * max(len(text), 1):
        msg = f"the file is not {name}; leave out --encoding to have it found"
        raise FileError(msg)
    return Encoding(name, is_sure=False)


def _utf_16(sample: bytes) -> str | None:
    """Return UTF-16 without its mark, which shows by a zero in every second byte."""
    head = sample[:4096]
    count = len(head) // 2
    if not count:
        return None
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > count / 2:
            return name
    return None


def _of_bytes(source: Source) -> Encoding:
    """Return UTF-8 if the bytes are, or mostly; else the likeliest of the older encodings."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    special: list[bytes] = []
    is_utf8 = True

    def look(chunk: bytes) -> bool:
        nonlocal is_utf8
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            is_utf8 = False
            special.append(chunk)
        return is_utf8

    source.check(look)
    if is_utf8:
        return Encoding("utf-8-sig", is_sure=source.is_seekable and not source.is_compressed)
    bad = b"".join([source.sample, *special])
    valid = sum(len(match) for match in _MULTIBYTE.findall(bad))
    others = len(bad.translate(None, _ASCII)) - valid
    if valid > 2 * others:
        # A few damaged rows in a file of UTF-8.
        return Encoding("utf-8-sig", is_sure=False)
    return Encoding(_older(bad), is_sure=False)


_ONE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "cp850")
_SEVERAL_BYTES = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_MOST = 1 << 16


def _older(data: bytes) -> str:
    """Return the encoding in which the lines that are not ASCII look most like text."""
    text = b"\n".join(_LINE.findall(data))[:_MOST]
    text = text[: text.rfind(b"\n")] if len(text) == _MOST and b"\n" in text else text
    best, least = "cp1252", float("inf")
    for name in (*_SEVERAL_BYTES, *_ONE_BYTE):
        try:
            cost = _cost(text.decode(name), name)
        except UnicodeDecodeError:
            continue
        if cost < least:
            best, least = name, cost
    return best


# Letters beyond ASCII of languages, by which the encodings of a single byte are told apart.
_WESTERN = (
    "äöüß", "éèêëàâçîïôùûüÿœæ", "áéíóúüñ", "áâãàçéêíóôõúü", "åäöéæø", "àèéìíòùú", "ëïéèöüäáíóú",
)  # fmt: skip
_LANGUAGES: dict[str, tuple[str, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": (
        "ąćęłńóśźż", "áčďéěíňřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţșț", "čćđšž", "äöüß",
    ),
    "cp1254": ("çğıöşüâîûİ",),
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp1251": ("абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"),
    "cp1253": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",),
}  # fmt: skip
_FOREIGN, _UNKNOWN, _CAPITAL_INSIDE, _MIXED = 0.5, 1.0, 1.0, 2.0
_ORDER = {"cp1252": 0.0, "cp1250": 0.05, "cp1254": 0.05, "mac_roman": 0.1, "cp850": 0.1}
_KANA = re.compile("[\u3040-\u30ff]")
_MARKS = (
    "\u2019\u2018\u201c\u201d\xab\xbb\u2013\u2014\xb0\xba\xa0\xaa"
    "\u3001\u3002\u30fc\u30fb\uff08\uff09\u3005\u3012\u3000"
)


def _cost(text: str, name: str) -> float:
    """Return how little a text looks like one of people's names and addresses."""
    languages = _LANGUAGES.get(name)
    cost, count = 0.0, 0
    for line in text.splitlines():
        special = [letter for letter in line if letter >= "\x80"]
        count += len(special)
        letters = [letter for letter in special if letter.isalpha()]
        if languages is not None:
            cost += _cost_of_letters(letters, languages)
            cost += _CAPITAL_INSIDE * len(_CAPITAL.findall(line))
            # The Portuguese letter, which stands where Hungarian has another one.
            cost += _FOREIGN * len(_NO_PORTUGUESE.findall(line))
        else:
            cost += sum(_cost_of_eastern(ord(letter), name) for letter in letters)
        if languages is None or name in {"cp1251", "cp1253"}:
            # Letters of two scripts in one word.
            cost += _MIXED * len(_TWO_SCRIPTS.findall(line))
        for letter in special:
            if not letter.isalpha():
                # Marks of spelling are plausible; controls and boxes never are.
                is_mark = letter in _MARKS or unicodedata.category(letter) == "Mn"
                cost += 0.3 if is_mark else 1.5
    if name == "euc_jp" and not _KANA.search(text):
        cost += 0.2 * count
    return (cost / max(count, 1)) + _ORDER.get(name, 0.08)


_SMALL, _LARGE = "a-zß-öø-ÿąćęłńśźżčďěňřšťůžőűğışα-ωа-я", "À-ÖØ-ÞĄĆĘŁŃŚŹŻČĎĚŇŘŠŤŮŽŐŰĞİŞΑ-ΩА-Я"
_CAPITAL = re.compile(f"[{_SMALL}][{_LARGE}]")
_NO_PORTUGUESE = re.compile("[õÕ](?![eE])")
_TWO_SCRIPTS = re.compile(r"[a-zA-Z][^\x00-\x7f\W\d_]|[^\x00-\x7f\W\d_][a-zA-Z]")


def _cost_of_letters(letters: list[str], languages: tuple[str, ...]) -> float:
    """Return the cost of the letters of a line in the language that fits best."""
    if not letters:
        return 0.0
    # The small form of a Turkish capital is two characters.
    small = [letter if letter == "İ" else letter.lower() for letter in letters]
    known = frozenset("".join(languages))
    unknown = sum(letter not in known for letter in small)
    foreign = min(sum(letter not in language for letter in small) for language in languages)
    return _UNKNOWN * unknown + _FOREIGN * foreign


_KANA_CODES, _HANGUL, _HAN = range(0x3040, 0x3100), range(0xAC00, 0xD7A4), range(0x4E00, 0xA000)


def _cost_of_eastern(code: int, name: str) -> float:
    if code in _KANA_CODES:
        return 0.0 if name in {"cp932", "euc_jp"} else 0.3
    if code in _HANGUL:
        return 0.02 if name == "cp949" and _is_frequent_syllable(chr(code)) else 1.0
    if code in _HAN:
        # Wrong readings of other encodings are rare characters as well.
        return _RARE.get(name, 0.1) if _is_frequent(code) else 0.5
    return 1.0


_RARE = {"cp932": 0.05, "euc_jp": 0.05, "gb18030": 0.1, "big5": 0.1, "cp949": 0.6}


def _is_frequent_syllable(letter: str) -> bool:
    """Return whether a syllable is one of the 2,350 of Korea's first standard."""
    return len(letter.encode("euc_kr")) == 2  # noqa: PLR2004  (others are spelled out)


def _is_frequent(code: int) -> bool:
    """Return whether a character is of the first level of the standards of Japan or China."""
    letter = chr(code)
    for name, last in (("shift_jis", 0x9872), ("gb2312", 0xD7F9)):
        try:
            data = letter.encode(name)
        except UnicodeEncodeError:
            continue
        if int.from_bytes(data, "big") <= last:
            return True
    return False
