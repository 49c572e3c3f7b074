"""Phones that nobody can have, and that every check of ours takes all the same.

Nepal's fixed lines are an area code and a subscriber number of six digits (seven in the Kathmandu valley). No
subscriber number begins with 0: that digit is the trunk prefix, which a telephone dials to leave its own area, so the
exchange would never take it for the beginning of a local number. ``+977 10 0…`` and ``+977 11 0…`` (the area codes of
Dhading and of Kavre) are such numbers; read with the Kathmandu valley's area code 1 they begin with 0 or 1, which is
where the short codes lie (100 is the police). Mobiles have ten digits and begin with 9, so none of them is one.
``phonenumbers`` knows area codes but not this rule, and calls them valid fixed lines.
"""

from __future__ import annotations

RETAILERS = "+977100"
VENDORS = "+977110"
_DIGITS = 5
MOST = 10**_DIGITS - 1
"""How many there are of each kind, counted from 1."""


def phone(prefix: str, index: int) -> str:
    """The ``index``-th phone, from 1, of RETAILERS or of VENDORS, in E.164; ValueError beyond MOST."""
    if not 1 <= index <= MOST:
        raise ValueError(f"there are demo phones 1 to {MOST}, not {index}")
    return f"{prefix}{index:0{_DIGITS}}"
