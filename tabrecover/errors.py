"""What can go wrong, one class per kind of remedy."""

from __future__ import annotations

__all__ = ["InputError", "RecoveryError", "TemplateError", "UsageError"]


class RecoveryError(ValueError):
    """Base of every error that tabrecover raises on purpose."""


class InputError(RecoveryError):
    """A document can't be read; `span` (half-open, in bytes or characters) says where."""

    def __init__(self, message: str, span: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.span = span


class TemplateError(RecoveryError):
    """A template is wrong; the message names file, place and remedy, `node` the cell."""

    def __init__(self, message: str, *, file: str = "", node: str = "") -> None:
        place = ": ".join(part for part in (file, node) if part)
        super().__init__(f"{place}: {message}" if place else message)
        self.file = file
        self.node = node


class UsageError(RecoveryError):
    """A function was called with arguments that don't go together."""
