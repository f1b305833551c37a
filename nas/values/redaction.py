"""Removes passwords from URLs of storages, and from texts that contain them, for messages, logs and reports.

In a mistyped URL the password may be anywhere. So the code does not look for what must be hidden: it shows only the parts
where a correct URL has something harmless, and hides everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"
LONGEST = 4_000
"""Most characters of a line in which URLs are looked for; the rest is left out."""
_SERVER = re.compile(
    r"""(?P<scheme>[a-zA-Z][\w+.-]*://|(?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?:/*(?=[\w.~%+-]*:.*@))
        (?:(?P<user>[\w.~%+-]*)(?P<password>:.*)?@)?
        (?P<place>(?:[\w.-]*|\[[0-9a-fA-F:.]+\])(?::\d{0,5})?(?:/[\w./~%+-]*)?)
        (?:\?(?P<parameters>.*))?""",
    re.VERBOSE | re.DOTALL,
)
_FILE = re.compile(r"(?P<scheme>(?:sqlite(?:\+\w+)?:///|journal:))(?P<place>[^?]*)(?:\?(?P<parameters>.*))?", re.DOTALL)
_HARMLESS = (
    *("application_name", "channel_binding", "charset", "client_encoding", "connect_timeout", "driver", "gssencmode"),
    *("host", "hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "mode", "port"),
    *("sslmode", "target_session_attrs", "tcp_user_timeout", "timeout", "uri", "user", "x"),
)
"""Names of URL parameters whose values are shown."""
_IN_TEXT = re.compile(
    r"""(?:(?<![^\s'"(),;])[^\s'"(),;]*:/+|(?:postgres|mysql|mariadb|mssql|oracle)\w*[+:/@]|(?<![^\s'"(),;:])[^\s'"(),;:]*:[^\s'"]*@)
        (?:\S*@)?[^\s'"]*""",
    re.VERBOSE | re.IGNORECASE,
)
_PAGE = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/[^@]*)?")
_WORD = re.compile(r"\S*@\S*")
_PARAMETER = re.compile(r"\b(pass\w*|pwd|secret|token)(\s*=\s*)[^\s&]+", re.IGNORECASE)


def shown_url(url: str, *, opened: bool = False) -> str:
    """A storage's URL without anything that may be its password.

    Args:
        url: The URL as it was given.
        opened: Whether the storage has been opened. If not, a lone name may be a name and a password without the colon
            between them, and is hidden.

    >>> shown_url("postgresql://ann:secret@host:5432/db")
    'postgresql://ann:***@host:5432/db'
    >>> shown_url("postgresql://ann:secret/host:5432/db")
    'postgresql://***'
    """
    if _PAGE.fullmatch(url):
        return url
    file = _FILE.fullmatch(url)
    if file is not None and "@" not in file["place"].partition(":")[2] and not _SERVER.match(file["place"]):
        return file["scheme"] + file["place"] + _parameters(file["parameters"])
    server = _SERVER.fullmatch(url)
    if server is None:
        scheme = re.match(r"(?:postgres(?:ql)?|mysql|mariadb|sqlite|journal)(?:\+\w+)?:(?://)?(?!\w*//)", url)
        return (scheme[0] if scheme else "") + HIDDEN
    if server["password"] is not None:
        who = f"{server['user']}:{HIDDEN}@"
    else:
        who = "" if server["user"] is None else f"{server['user'] if opened else HIDDEN}@"
    return server["scheme"] + who + server["place"] + _parameters(server["parameters"])


def redact(text: str) -> str:
    """A text, such as a message, with every URL in it shown as by `shown_url`.

    >>> redact("cannot reach postgresql://ann:secret@host/db: timeout")
    'cannot reach postgresql://ann:***@host/db: timeout'
    """

    def shown(found: re.Match[str]) -> str:
        url = found[0].rstrip(":.,;)`")
        return shown_url(url) + found[0][len(url) :]

    lines = (line if len(line) <= LONGEST else line[:LONGEST] + "..." for line in text.split("\n"))
    return "\n".join(_PARAMETER.sub(rf"\1\2{HIDDEN}", _IN_TEXT.sub(shown, line)) for line in lines)


def redact_word(word: str) -> str:
    """A word in the place of a setting, hidden if it may be the rest of a URL that was cut at a space."""
    return redact(_WORD.sub(HIDDEN, word))


def hide(text: str, secrets: Iterable[str]) -> str:
    """A text with these secrets removed, in any form that they have in a URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, unquote(secret), quote(secret, safe="")}:
            text = text.replace(form, HIDDEN)
    return text


def secrets_of(url: str) -> list[str]:
    """The passwords in a URL; for a mistyped one, everything that may be part of a password."""
    server = _SERVER.fullmatch(url)
    if server is None and _FILE.fullmatch(url) is None:
        return [part for part in re.split(r"[\s:/@?&=#,;]+", url)[1:] if len(part) > 2]
    found = [server["password"][1:]] if server is not None and server["password"] else []
    for parameter in url.partition("?")[2].split("&"):
        name, _, value = parameter.partition("=")
        if name not in _HARMLESS:
            found.append(value)
    return [secret for secret in found if secret]


def _parameters(text: str | None) -> str:
    """The parameters of a URL, where only those known to be harmless keep their values."""
    if text is None:
        return ""
    shown = []
    for parameter in text.split("&"):
        name, equals, value = parameter.partition("=")
        harmless = name in _HARMLESS and re.fullmatch(r"[\w.,:/~%+-]*", value)
        known = harmless or re.fullmatch(r"\w*(?:password|passwd|pwd)", name)
        shown.append(f"{name}={value if harmless else HIDDEN}" if equals and known else HIDDEN)
    return "?" + "&".join(shown)
