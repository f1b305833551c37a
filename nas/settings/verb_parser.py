"""A parser of a verb's words, whose errors are of one line as those of settings are."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import NoReturn

from nas.errors import SettingsError


class VerbParser(ArgumentParser):
    """A parser that raises an error of one line, and keeps the lines of its description.

    Args:
        prog: The program and the verb, such as `shufflenas pick`.
        description: What the verb does, with examples; `%(prog)s` stands for the program.
        epilog: What stands below the flags.
    """

    def __init__(self, prog: str, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raises a SettingsError in the place of an exit with usage lines."""
        raise SettingsError(f"{message}; see {self.prog} --help")
