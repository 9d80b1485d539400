"""Fill in the template of a status line. A bar does it every few seconds, so this module loads little."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from claudemeter_tui.model.sanitize import replace_unprintable

DEFAULT_TEMPLATE = "{alarm} {windows} {credits} · {org} {age}"
"""The template if none is given."""
SEPARATOR = " · "
"""Separator, left out if one of its sides is empty."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_template(template: str, known: Collection[str]) -> None:
    """Check that every placeholder is known.

    Raises:
        ValueError: a placeholder is unknown; the text lists the known ones.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in known:
            raise ValueError(f"unknown placeholder {{{name}}}; known: {', '.join(known)}")


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Fill in the template; an empty placeholder disappears with the blanks around it."""
    filled = (
        _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], part)
        for part in template.split(SEPARATOR)
    )
    # A name may contain line breaks or escape sequences, which would break a status bar.
    parts = (" ".join(replace_unprintable(part).split()) for part in filled)
    return SEPARATOR.join(filter(None, parts))
