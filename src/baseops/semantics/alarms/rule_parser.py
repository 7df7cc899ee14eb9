"""Reads the rules of composite alarms into their trees; says what is wrong, where, and what to write.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-combining.html
"""

from __future__ import annotations

import re
from typing import cast

from baseops.semantics.alarms.evaluation import State
from baseops.semantics.alarms.rules import And, AtLeast, Constant, InState, Node, Not, Or, Rule, names_in
from baseops.semantics.expressions import ExpressionError, Scanner

MAX_LENGTH = 10_240
MAX_ALARMS = 100
MAX_ELEMENTS = 500
_MAX_DEPTH = 100
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")

_WORD = re.compile(r"[A-Za-z_]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r'[^()",]*[^()",\s]')
_COUNT = re.compile(r'"?(\d{1,3})(%?)"?')


class RuleError(ExpressionError):
    """A rule that CloudWatch would refuse."""

    noun = "alarm rule"


def parse_rule(text: str) -> Rule:
    """Read a rule; raises RuleError.

    AND binds closer than OR here; AWS does not document which does, so mixing them is warned of.
    """
    if len(text) > MAX_LENGTH:
        raise RuleError.at(text, MAX_LENGTH, f"a rule has at most {MAX_LENGTH} characters", "Split it into two alarms")
    reader = _Reader(Scanner(text, RuleError))
    tree = reader.whole()
    return Rule(text, tree, tuple(reader.warnings))


class _Reader:
    """Reads one rule, counting its elements."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.elements = 0
        self.warnings: list[str] = []

    def whole(self) -> Node:
        tree = self._alternatives(0)
        if not self.scanner.is_at_end:
            raise self.scanner.error("the rule should end here", "Join its parts by AND or OR")
        if self.elements > MAX_ELEMENTS:
            why = f"a rule has at most {MAX_ELEMENTS} alarms, constants and parentheses, not {self.elements}"
            raise self.scanner.error(why, "Make a composite alarm of a part of it", 0)
        count = len(set(names_in(tree)))
        if count > MAX_ALARMS:
            why = f"a rule mentions at most {MAX_ALARMS} alarms, not {count}"
            raise self.scanner.error(why, "Make a composite alarm of some of them", 0)
        return tree

    def _alternatives(self, depth: int) -> Node:
        parts = [self._conjunction(depth)]
        while self._takes_word("OR"):
            parts.append(self._conjunction(depth))
        if len(parts) == 1:
            return parts[0][0]
        if any(is_joined for _, is_joined in parts):
            self._warn("AND beside OR without parentheses: which binds closer is not documented; write parentheses")
        return Or(tuple(node for node, _ in parts))

    def _conjunction(self, depth: int) -> tuple[Node, bool]:
        """The node, and whether it was joined by AND without parentheses."""
        parts = [self._factor(depth)]
        while self._takes_word("AND"):
            parts.append(self._factor(depth))
        return (parts[0], False) if len(parts) == 1 else (And(tuple(parts)), True)

    def _factor(self, depth: int) -> Node:
        scanner = self.scanner
        scanner.skip_space()
        if depth >= _MAX_DEPTH:
            raise scanner.error(f"the rule nests deeper than {_MAX_DEPTH}", "Make a composite alarm of a part of it")
        if self._takes_word("NOT"):
            return Not(self._factor(depth + 1))
        if scanner.sees("("):
            return self._group(depth)
        node = self._function()
        scanner.skip_space()
        return node

    def _group(self, depth: int) -> Node:
        opened = self.scanner.position
        self.scanner.takes("(")
        self.elements += 1
        node = self._alternatives(depth + 1)
        if not self.scanner.takes(")"):
            raise self.scanner.error("the parenthesis is never closed", "Add )", opened)
        self.scanner.skip_space()
        return node

    def _function(self) -> Node:
        start = self.scanner.position
        found = self.scanner.take(_WORD)
        word = found[0] if found else ""
        if word.upper() in ("TRUE", "FALSE"):
            self.elements += 1
            return Constant(word.upper() == "TRUE")
        if word in _STATES:
            self._expect("(", f'Write {word}("name of the alarm")')
            alarm = self._alarm()
            self._expect(")", "Add )")
            return InState(cast("State", word), alarm)
        if word == "AT_LEAST":
            return self._at_least()
        raise self.scanner.error(*_instead_of(word), start)

    def _at_least(self) -> AtLeast:
        remedy = 'Write it as in AT_LEAST(2, ALARM, ("a", "b", "c"))'
        self._expect("(", remedy)
        start = self.scanner.position
        count = self.scanner.take(_COUNT)
        if not count:
            raise self.scanner.error("AT_LEAST begins with a number or a percentage", remedy)
        self._expect(",", remedy)
        is_negated = self._takes_word("NOT")
        self.scanner.skip_space()
        state = self.scanner.take(_WORD)
        if not state or state[0] not in _STATES:
            raise self.scanner.error("AT_LEAST takes ALARM, OK or INSUFFICIENT_DATA, or NOT and one of them", remedy)
        self._expect(",", remedy)
        self._expect("(", remedy)
        alarms = [self._alarm()]
        while self.scanner.takes(","):
            alarms.append(self._alarm())
        self._expect(")", remedy)
        self._expect(")", remedy)
        node = AtLeast(int(count[1]), count[2] == "%", cast("State", state[0]), is_negated, tuple(alarms))
        if not 1 <= node.count <= (100 if node.is_percentage else len(alarms)):
            raise self.scanner.error(f"there are {len(alarms)} alarms to count", "Write a number they can reach", start)
        return node

    def _alarm(self) -> str:
        self.scanner.skip_space()
        self.elements += 1
        if found := self.scanner.take(_QUOTED):
            name = re.sub(r"\\(.)", r"\1", found[1])
        else:
            bare = self.scanner.take(_BARE)
            name = bare[0] if bare else ""
        if not name:
            raise self.scanner.error("the name of an alarm is missing", 'Write it as in ALARM("name")')
        self.scanner.skip_space()
        return name

    def _expect(self, text: str, remedy: str) -> None:
        self.scanner.skip_space()
        if not self.scanner.takes(text):
            raise self.scanner.error(f"{text} is missing", remedy)
        self.scanner.skip_space()

    def _takes_word(self, word: str) -> bool:
        self.scanner.skip_space()
        before = self.scanner.position
        found = self.scanner.take(_WORD)
        if found and found[0] == word:
            return True
        self.scanner.position = before
        return False

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _instead_of(word: str) -> tuple[str, str]:
    functions = 'ALARM("…"), OK("…"), INSUFFICIENT_DATA("…"), AT_LEAST(…), TRUE or FALSE'
    if word.upper() in (*_STATES, "AT_LEAST", "AND", "OR", "NOT") and word != word.upper():
        return f"{word} is written in capitals", f"Write {word.upper()}"
    if word:
        return f"{word} is not a function of alarm rules", f"Write {functions}"
    return "a condition is missing", f"Write {functions}"
