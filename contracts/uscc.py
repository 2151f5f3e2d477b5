"""The unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters, the last a check character modulo 31."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # table 1 of the standard: digits and capitals without I, O, S, V, Z
WEIGHTS = tuple(pow(3, position, 31) for position in range(17))


def check_character(first17: str) -> str:
    """The 18th character for the first 17. Raises ValueError for a character outside the alphabet."""
    total = sum(ALPHABET.index(character) * weight for character, weight in zip(first17, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def uscc_problem(text: str) -> str | None:
    """What is wrong with the code, in the words an enterprise reads; None where it is sound. It never repeats the code."""
    if len(text) != 18:
        return f"统一社会信用代码应为 18 位，得到 {len(text)} 位"
    strange = next((position for position, character in enumerate(text, 1) if character not in ALPHABET), None)
    if strange is not None:
        return f"统一社会信用代码第 {strange} 位不是允许的字符（数字，或除 I、O、S、V、Z 外的大写字母）"
    if not text[2:8].isdigit():
        return "统一社会信用代码第 3 至 8 位应为登记机关行政区划码（数字）"
    if check_character(text[:17]) != text[17]:
        return "统一社会信用代码的校验位不符，请核对是否抄错"
    return None
