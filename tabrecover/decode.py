"""Bytes to text: decoded right, or refused with a reason; never with replacement characters.

In order: a byte order mark; what the caller or the document declares (HTML `meta`, XML); strict
UTF-8, which random bytes of another encoding practically never are; UTF-16 without a mark, by
where its zero bytes lie; at last the double-byte encodings of Chinese, GB18030 and Big5, both
decoded strictly and told apart by how common the characters are that come out.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from tabrecover.errors import InputError

__all__ = ["decode_bytes"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x7f]")
MAX_CONTROL_SHARE = 0.001
