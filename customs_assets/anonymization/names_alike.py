"""Names made alike: all spellings of a firm's name become one, before importers are counted and tokens are made.

Unicode form, case, accents, blanks, punctuation and symbols make no difference. Neither do ``&``, ``+`` and ``and``, or a
company's legal form at the beginning or the end of a name. Everything else does: nothing is translated, transcribed or
guessed.

Two parties whose names become the same count as one. That can only lower the number of importers behind a value, which is safe. A
firm with two different names still counts as two.
"""

from __future__ import annotations

import re
import unicodedata

# Legal forms at the end of a name. Blanks and points do not matter: "S. A." is "SA".
_AT_THE_END = """
    co | company | and co | and company | ltd | limited | co ltd | company limited | corp | corpn | corporation | inc |
    incorporated | comp ltd |
    llc | limited liability company | limited liability co | llp | lllp | limited partnership | limited liability partnership |
    plc | public limited company | public company limited | pcl | pllc | ulc | ltee | limitee | pvt | pvt ltd | private limited |
    private ltd | p ltd | pte | pte ltd | pty | pty ltd | proprietary limited | sdn bhd | sdn | bhd | berhad | sendirian berhad |
    gmbh | ggmbh | mbh | ges mbh | gesellschaft mit beschränkter haftung | gmbh and co kg | gmbh and co kgaa | and co kg |
    and co kgaa | and co ohg | ag | aktiengesellschaft | ag and co kg | kg | kommanditgesellschaft | kgaa | ohg | ug |
    ug haftungsbeschränkt | haftungsbeschränkt | gbr | e k | e kfm | e kfr | e g | e v | se |
    sa | s a de c v | de c v | s a b de c v | s a s | s a u | s a r l | sociedad anonima | sociedad anonima de capital variable |
    societe anonyme | société à responsabilité limitée | sasu | eurl | snc | sci | sca | scrl | sprl | bvba | s de r l |
    s de r l de c v | sociedad de responsabilidad limitada | s l | s l u | s l n e | sociedad limitada |
    spa | società per azioni |
    s r l | s r l s | società a responsabilità limitata | s n c | ltda | limitada | lda | e i r e l i | s a c | s a c i |
    b v | n v | besloten vennootschap | naamloze vennootschap | v o f | c v |
    a s | a p s | aps | a b | aktiebolag | a s a | o y | o y j | osakeyhtiö | i v s | k b | h b | o ü | osaühing |
    u a b | s i a | m b | s p z o o | spolka z o o | spółka z ograniczoną odpowiedzialnością | spółka akcyjna | s r o |
    spol s r o | s k a | k f t | z r t | n y r t | r t | d o o | d d | e o o d | o o d | a d | e a d |
    anonim şirketi | limited şirketi | ltd şti | şti | şirketi |
    k k | kabushiki kaisha | kabushiki gaisha | kabushikikaisha | y k | yugen kaisha | g k | godo kaisha | jusik hoesa |
    chusik hoesa | yuhan hoesa | tbk | persero | persero tbk | pt | pt tbk | jsc | o j s c | c j s c | p j s c |
    joint stock company | open joint stock company | public joint stock company | closed joint stock company | tnhh | tnhh mtv |
    mtv | ctcp | dntn | o o o | o a o | z a o | p a o |
    w l l | f z e | f z c | f z c o | f z l l c | d m c c | s a l | s a e | s a o g | k s c |
    ооо | оао | зао | пао | ао | нао | одо | ип | тоо | тов | прат | пат | фоп | чп | чуп | ад | еад | оод | еоод | доо |
    общество с ограниченной ответственностью | акционерное общество | публичное акционерное общество |
    открытое акционерное общество | закрытое акционерное общество | товариство з обмеженою відповідальністю |
    α ε | ε π ε | ο ε | ε ε | ι κ ε | ανώνυμη εταιρεία | בע מ | ذ م م | ش م م | ش م ل | ش م ع
"""

# Legal forms at the beginning of a name. Short ones that more often begin a real name ("Co", "Company", "AG") are left out.
_AT_THE_BEGINNING = """
    the | messrs |
    pt | p t | c v | u d | o y | o y j | a b | a s | s a | n v | b v | bvba | sprl | s r l | s a r l | s a s | sasu | eurl | snc |
    sci | u a b | s i a | o ü | o o o | o a o | z a o | p a o | a o | t o v | llc | l l c | jsc | o j s c | c j s c | p j s c |
    ltd | co ltd | gmbh | k k | kabushiki kaisha | kabushiki gaisha | kabushikikaisha | y k | yugen kaisha | g k | godo kaisha |
    jusik hoesa | chusik hoesa | yuhan hoesa | công ty | công ty tnhh | công ty tnhh mtv | công ty tnhh một thành viên |
    công ty trách nhiệm hữu hạn | công ty trách nhiệm hữu hạn một thành viên | công ty cổ phần | công ty cp | cty | cty tnhh |
    cty tnhh mtv | cty cp | cty cổ phần | ctcp | tnhh | tnhh mtv | dntn | doanh nghiệp tư nhân | societe anonyme |
    ооо | оао | зао | пао | ао | нао | одо | ип | тоо | тов | прат | пат | фоп | чп | чуп |
    общество с ограниченной ответственностью | акционерное общество | публичное акционерное общество |
    открытое акционерное общество | закрытое акционерное общество | товариство з обмеженою відповідальністю | شركة
"""

# Legal forms in scripts that need no blank between a form and a name.
_GLUED = """
    주식회사 | 유한회사 | 유한책임회사 | 합자회사 | 합명회사 | 사단법인 | 재단법인 |
    株式会社 | 株式會社 | 有限会社 | 有限會社 | 合同会社 | 合同會社 | 合資会社 | 合名会社
"""
_GLUED_AT_THE_END = """
    股份有限公司 | 有限责任公司 | 有限責任公司 | 集团有限公司 | 集團有限公司 | 有限公司 | จำกัดมหาชน | จำกัด | มหาชน
"""
_GLUED_AT_THE_BEGINNING = "บริษัท | ห้างหุ้นส่วนจำกัด | หจก | บจก | บมจ"

# Legal forms of one character in brackets, and their full text. Unicode turns ㈜ into (주).
_IN_BRACKETS = {
    "주": "주식회사", "유": "유한회사", "합": "합자회사", "사": "사단법인", "재": "재단법인",
    "株": "株式会社", "有": "有限会社", "同": "合同会社", "资": "合資会社", "資": "合資会社", "名": "合名会社",
}  # fmt: skip

# Letters that look accented but that Unicode does not split into a letter and an accent.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ə": "e"}
)
_ACCENTS = re.compile("[\u0300-\u036f]+")
_TRADE_MARKS = re.compile("[™℠®©]")

# Invisible characters that Unicode counts as letters or marks.
_FILLERS = {0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


class _WordCharacters(dict[int, str | None]):
    """The replacement of each character: letters, marks and digits stay, punctuation and symbols become a blank."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf" or code in _FILLERS:
            self[code] = None
        elif category == "Nd":
            self[code] = str(unicodedata.decimal(character))
        else:
            self[code] = character if category[0] in "LMN" or category in ("Co", "Cn", "Cs") else " "
        return self[code]


_WORD_CHARACTERS = _WordCharacters({ord("&"): " and ", ord("+"): " and "})


# What has no accents and one Unicode form: ASCII, Korean syllables and Chinese characters.
_OF_ONE_FORM = re.compile("[\x00-\x7f가-힣一-鿿]*")
_WORDS_OF_ONE_FORM = re.compile("[a-z0-9가-힣一-鿿]+")


def _folded(name: str) -> str:
    """A name in one Unicode form (NFKC), in small letters, without accents. Blanks and punctuation stay."""
    if _OF_ONE_FORM.fullmatch(name):
        return name.lower()
    text = unicodedata.normalize("NFKC", _TRADE_MARKS.sub(" ", name)).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFD", text)).translate(_PLAIN)
    return unicodedata.normalize("NFKC", text)


def _words(folded: str) -> list[str]:
    if _OF_ONE_FORM.fullmatch(folded):
        return _WORDS_OF_ONE_FORM.findall(folded.replace("&", " and ").replace("+", " and "))
    return folded.translate(_WORD_CHARACTERS).split()


def _forms(listed: str) -> frozenset[str]:
    return frozenset("".join(_words(_folded(form))) for form in listed.split("|"))


_GLUED_FORMS = _forms(_GLUED)
_LAST = _forms(_AT_THE_END) | _forms(_GLUED_AT_THE_END) | _GLUED_FORMS
_FIRST = _forms(_AT_THE_BEGINNING) | _forms(_GLUED_AT_THE_BEGINNING) | _GLUED_FORMS
_ENDS = frozenset(form[start:] for form in _LAST for start in range(len(form)))
_BEGINNINGS = frozenset(form[: end + 1] for form in _FIRST for end in range(len(form)))
_MOST_WORDS = max(len(_words(_folded(form))) for form in f"{_AT_THE_END}|{_AT_THE_BEGINNING}".split("|"))


def _either(forms: frozenset[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))


_BEFORE = re.compile(f"^(?:{_either(_GLUED_FORMS | _forms(_GLUED_AT_THE_BEGINNING))})(?=.)")
# A branch (分公司) is not its company.
_BEHIND = re.compile(f"(?<=.)(?:{_either(_GLUED_FORMS | _forms(_GLUED_AT_THE_END))}|(?<![分总總子母])公司)$")
_FIRST_CHARACTERS = frozenset(form[0] for form in _GLUED_FORMS | _forms(_GLUED_AT_THE_BEGINNING))
_LAST_CHARACTERS = frozenset(form[-1] for form in [*_GLUED_FORMS, *_forms(_GLUED_AT_THE_END), "公司"])
_SHORT = "|".join(_IN_BRACKETS)
_BRACKETED = re.compile(
    rf"[(\[{{<〔【「『]\s*(?P<both>{_SHORT})\s*[)\]}}>〕】」』]|^\s*(?P<first>주|株)\s*\)|\(\s*(?P<last>주|株)\s*$"
)
_BRACKET = re.compile(r"[(\[{<〔【「『)]")
_SMALL_LETTER = re.compile("[a-z]")
# One word of one script that is the last one left: nothing can be taken from it.
_FINAL = re.compile("[a-z0-9]+|[0-9가-힣一-鿿]+")
_BETWEEN_SCRIPTS = re.compile("(?<=[a-z])(?=[가-힣぀-ヿ㐀-鿿])|(?<=[가-힣぀-ヿ㐀-鿿])(?=[a-z])")


def _without_forms(words: list[str]) -> list[str]:
    """Words without the legal forms at both ends. The last remaining word stays, whatever it is."""
    if words[-1] not in _ENDS and words[0] not in _BEGINNINGS:
        return words
    for count in range(min(_MOST_WORDS, len(words) - 1), 0, -1):
        if "".join(words[-count:]) in _LAST:
            return _without_forms(words[:-count])
        if "".join(words[:count]) in _FIRST:
            return _without_forms(words[count:])
    return words


def _without_glued_forms(text: str) -> str:
    if text[0] not in _FIRST_CHARACTERS and text[-1] not in _LAST_CHARACTERS:
        return text
    shorter = _BEHIND.sub("", _BEFORE.sub("", text))
    return shorter if shorter == text else _without_glued_forms(shorter)


def _reduced(name: str) -> str:
    folded = _folded(name)
    if not folded.isascii():
        if _BRACKET.search(folded):
            folded = _BRACKETED.sub(lambda found: f" {_IN_BRACKETS[found[found.lastgroup or 0]]} ", folded)
        if _SMALL_LETTER.search(folded):
            folded = _BETWEEN_SCRIPTS.sub(" ", folded)
    words = _words(folded)
    if not words:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())
    text = "".join(_without_forms(words))
    return text if text.isascii() else _without_glued_forms(text)


def name_alike(name: str) -> str:
    """The common form of all spellings of a name, in any script: small letters and digits without blanks.

    The common form of a common form is itself. A name of legal forms alone keeps one of them. A name of punctuation alone
    stays as it is. So only a blank name becomes the empty text.
    """
    common = _reduced(name)
    # One word of plain letters is final, and so is one without them. In other scripts another form may follow the removed one.
    while not _FINAL.fullmatch(common) and (shorter := _reduced(common)) != common:
        common = shorter
    return common


def number_alike(number: str | None) -> str:
    """The common form of all spellings of a business number: its digits and small letters (NFKC).

    It is empty where there is no digit but zeros, as in ``000-00-00000`` and ``none``. A number from a column of fractions
    (``2148610472.0``) is the whole number.
    """
    text = unicodedata.normalize("NFKC", number or "").casefold().strip()
    text = re.sub(r"(?<=\d)\.0+$", "", text) if text.count(".") == 1 else text
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text if c.isalnum())
    return digits if any(c in "123456789" for c in digits) else ""
