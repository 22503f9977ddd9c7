"""The picture in the README: a piece of a real dump, and the table that comes out of it.

Write the page with `python -m benchmarks.picture > picture.html` and take its screenshot, 1180 by
640, with a browser: `chromium --headless --screenshot=docs/before-and-after.png
--hide-scrollbars --window-size=1180,640 picture.html`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import tabrecover

DUMP = Path(__file__).parent.parent / "corpus" / "in_the_wild" / "macheng-2019" / "dump.txt"
LINES = 46
STYLE = """
body { margin: 14px; display: flex; gap: 24px; font: 13px/1.3 "Noto Sans CJK SC", sans-serif; }
pre { width: 250px; height: 590px; overflow: hidden; margin: 0; padding: 8px; background: #f4f4f4;
      font: 10px/1.25 "Noto Sans Mono CJK SC", monospace; }
div { height: 606px; overflow: hidden; }
table { border-collapse: collapse; } th, td { border: 1px solid #999; padding: 2px 5px; }
th { background: #eef2f7; font-weight: normal; text-align: left; max-width: 13em; }
td { text-align: right; min-width: 2em; }
"""


def main() -> None:
    """Write the page to standard output."""
    dump = DUMP.read_text(encoding="utf-8")
    table = tabrecover.recover(dump).tables[1]
    start = table.span.start
    before = "\n".join(dump[start:].splitlines()[:LINES])
    print(
        f'<!DOCTYPE html><meta charset="utf-8"><style>{STYLE}</style>'
        f"<pre>{escape(before)}</pre><div>{table.to_html()}</div>"
    )


if __name__ == "__main__":
    main()
