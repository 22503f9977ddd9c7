"""`python -m tabrecover`."""

from __future__ import annotations

from tabrecover.cli import main

if __name__ == "__main__":
    main()
