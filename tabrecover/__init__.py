"""tabrecover: rebuild tables that text extraction has flattened, with a confidence for each cell.

>>> import tabrecover
>>> tabrecover.recover("Nothing but prose.").to_dict()["tables"]
[]

Names are loaded when first used, so that importing the package, or asking the command for its
version, costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tabrecover._version import __version__

if TYPE_CHECKING:
    from tabrecover.api import least_confidence, recover
    from tabrecover.bulk import repair, repaired
    from tabrecover.catalog import Catalog
    from tabrecover.errors import InputError, RecoveryError, TemplateError, UsageError
    from tabrecover.library import Library
    from tabrecover.model import Alternative, Cell, Check, Dialect, Span
    from tabrecover.results import Recovery, Table
    from tabrecover.storage import load_templates, parse_template
    from tabrecover.template import Template

__all__ = [
    "Alternative",
    "Catalog",
    "Cell",
    "Check",
    "Dialect",
    "InputError",
    "Library",
    "Recovery",
    "RecoveryError",
    "Span",
    "Table",
    "Template",
    "TemplateError",
    "UsageError",
    "__version__",
    "least_confidence",
    "load_templates",
    "parse_template",
    "recover",
    "repair",
    "repaired",
]

_HOME = {
    "least_confidence": "api",
    "recover": "api",
    "repair": "bulk",
    "repaired": "bulk",
    "InputError": "errors",
    "RecoveryError": "errors",
    "TemplateError": "errors",
    "UsageError": "errors",
    "Catalog": "catalog",
    "Library": "library",
    "Alternative": "model",
    "Cell": "model",
    "Check": "model",
    "Dialect": "model",
    "Span": "model",
    "Recovery": "results",
    "Table": "results",
    "load_templates": "storage",
    "parse_template": "storage",
    "Template": "template",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
