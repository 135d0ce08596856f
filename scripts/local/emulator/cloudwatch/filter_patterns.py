"""Which lines of a log a filter pattern of words matches.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForLogEvents.html
"""

import re
from collections.abc import Callable

Matches = Callable[[str], bool]
_TERM = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_OTHER_SYNTAXES = ("{", "[", "%")
"""How patterns over JSON, over columns, and regular expressions begin."""


def by_terms(original: Callable[[str], Matches]) -> Callable[[str], Matches]:
    """Wraps ministack's compiler of patterns, which takes no notice of case and takes a phrase for its words.

    With it, `ERROR` finds each line that names an `error-reader`.
    """

    def compile_pattern(raw: str) -> Matches:
        pattern = raw.strip()
        if not pattern or pattern.startswith(_OTHER_SYNTAXES):
            return original(raw)
        terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
        for sign, phrase, word in _TERM.findall(pattern):
            terms[sign].append(re.sub(r"\\(.)", r"\1", phrase) or word)

        def matches(line: str) -> bool:
            return (
                all(term in line for term in terms[""])
                and not any(term in line for term in terms["-"])
                and (not terms["?"] or any(term in line for term in terms["?"]))
            )

        return matches

    return compile_pattern
