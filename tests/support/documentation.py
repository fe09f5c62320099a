"""Reading the documentation: fenced blocks, and which of them cannot be run here and why."""

import re
import shlex
from dataclasses import dataclass

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]*?) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    flags=re.DOTALL | re.MULTILINE,
)
PROGRAM = "surrobust"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page.

    Args:
        language: What stands behind the fence.
        text: Its lines.
        line: Line of the page on which the text begins, from 1.
        reason: Why it is not run; empty where it is.
    """

    language: str
    text: str
    line: int
    reason: str

    @property
    def commands(self) -> list[list[str]]:
        """The command lines, comments left out, without the program's name."""
        joined = self.text.replace("\\\n", " ")
        split = (shlex.split(line, comments=True) for line in joined.splitlines())
        found = [words for words in split if words]
        assert all(words[0] == PROGRAM for words in found), f"not ours: {found}"
        return [words[1:] for words in found]


def blocks(page: str, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of a page in order, those of one language if it is given."""
    found = [
        Block(
            match["language"],
            match["text"],
            page.count("\n", 0, match.start("text")) + 1,
            match["reason"] or "",
        )
        for match in _BLOCK.finditer(page)
    ]
    return [block for block in found if language is None or block.language == language]
