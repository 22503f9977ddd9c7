"""The validator of records: it accepts what recoveries give, and sees every broken promise."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import tabrecover
from benchmarks.records import _is_piece, faults
from tabrecover.storage import builtin_library

LIBRARY = builtin_library()
DUMP = "a | b | c\n1 | 2 | 3\n4 | 5 | 6\n"


def drawn(place: int) -> dict[str, Any]:
    """The record of one cell of the dump's table."""
    role, start = ("label" if place < 3 else "value"), 10 * (place // 3) + 4 * (place % 3)
    text = DUMP[start]
    return {
        "row": place // 3, "col": place % 3, "rowspan": 1, "colspan": 1, "role": role,
        "text": text, "observed": text if role == "label" else None, "key": None,
        "confidence": 0.95, "spans": [[start, start + 1]], "alternatives": [],
        "suggestion": None,
    }  # fmt: skip


RECORD: dict[str, Any] = {
    "source": "",
    "dialect": {"name": "bars", "confidence": 0.9},
    "tables": [
        {
            "template": None, "span": [0, 29], "shape": [3, 3], "confidence": 0.95,
            "status": "accepted", "cells": [drawn(place) for place in range(9)], "checks": [],
            "unplaced": [],
        }
    ],
}  # fmt: skip
Path = tuple[str | int, ...]


def found(record: Any, raw: str = DUMP, *, markup: bool = False) -> list[str]:
    return faults(record, raw, LIBRARY, markup=markup)


def changed(path: Path, value: Any) -> Any:
    """A copy of the record with one entry replaced."""
    record = copy.deepcopy(RECORD)
    place = record
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    return record


def test_what_recoveries_give_is_accepted() -> None:
    """A record by hand, that of a page, and that of a text without a table are without fault."""
    page = "<table><tr><th>a<th>b<tr><td>1 &amp; 2<td><p>3<p>4</table>"
    assert found(RECORD) == []
    assert found(tabrecover.recover(page).to_dict(), page, markup=True) == []
    assert found(tabrecover.recover("nothing").to_dict(), "nothing") == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("dialect", "confidence"), 1.5, "dialect's confidence"),
        (("dialect", "name"), "none", "dialect 'none' and tables"),
        (("tables", 0, "confidence"), float("nan"), "no JSON"),
        (("tables", 0, "confidence"), -0.1, "table's confidence"),
        (("tables", 0, "span"), [0, 99], "table's span"),
        (("tables", 0, "template"), "nowhere", "template unknown"),
        (("tables", 0, "shape"), [3, 4], "position not covered"),
        (("tables", 0, "status"), "fine", "status"),
        (("tables", 0, "unplaced"), [[3, 3]], "unplaced spans"),
        (("tables", 0, "unplaced"), [[10, 11]], "characters used by two values"),
        (("tables", 0, "cells", 4, "colspan"), 2, "position covered twice"),
        (("tables", 0, "cells", 4, "row"), 0, "reading order of cells"),
        (("tables", 0, "cells", 4, "rowspan"), 0, "empty span"),
        (("tables", 0, "cells", 4, "text"), "8", "text that is not what the spans say of a value"),
        (("tables", 0, "cells", 4, "text"), "", "spans or text missing of a value"),
        (("tables", 0, "cells", 4, "spans"), [[14, 14]], "spans of a value"),
        (("tables", 0, "cells", 4, "observed"), "2", "observed of a value"),
        (("tables", 0, "cells", 4, "key"), "k", "key of a value"),
        (("tables", 0, "cells", 4, "confidence"), 2, "confidence of a value"),
        (("tables", 0, "cells", 4, "role"), "cell", "role or text of a cell"),
        (("tables", 0, "cells", 4, "suggestion"), "", "suggestion of a value"),
        (("tables", 0, "cells", 4, "alternatives"), [{"text": "9", "confidence": 0}],
         "alternative that is not in the document of a value"),
        (("tables", 0, "cells", 4, "alternatives"), [{"text": "2", "confidence": 0}],
         "alternative twice of a value"),
        (("tables", 0, "cells", 4, "alternatives"), [{"text": "1", "confidence": 0.9}],
         "sum of confidences of a value"),
        (("tables", 0, "cells", 4, "confidence"), 0.1, "status"),
        (("tables", 0, "checks"), [{"rule": "r"}], "fields of a check"),
        (("tables", 0, "checks"), [
            {"rule": "r", "holds": True, "left": 1, "right": 2, "verdict": "source"}
        ], "sums that differ but hold"),
        (("tables", 0, "checks"), [
            {"rule": "r", "holds": True, "left": 1, "right": None, "verdict": "who"}
        ], "verdict"),
        (("tables", 0, "checks"), [
            {"rule": "r", "holds": True, "left": 1, "right": None, "verdict": "source"}
        ], "sums of a check"),
        (("tables", 0, "more"), 1, "fields of a table"),
        (("tables", 0, "cells", 4, "more"), 1, "fields of a cell"),
        (("more",), 1, "fields of the record"),
    ],
)  # fmt: skip
def test_a_broken_promise_is_seen(path: Path, value: Any, fault: str) -> None:
    """Each entry that is made wrong gives its fault."""
    assert any(line.startswith(fault) for line in found(changed(path, value)))


@pytest.mark.parametrize(
    ("pieces", "fits"),
    [
        (["1 2", "1 2"], True),
        (["1 2", "1", "2"], True),
        (["1 2", "1", "3"], False),
        (["1", "2"], 0),
    ],
)
def test_a_text_may_be_repeated_in_pieces(pieces: list[str], fits: int) -> None:
    """Copies of a text may stand in pieces themselves, but each must be the text."""
    assert _is_piece("1 2", pieces, markup=False, exact=True) == fits
