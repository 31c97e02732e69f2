"""What the HTML pages share: the template they extend, how numbers are written, how they land."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from f1_rl import __version__
from f1_rl.reporting import wording
from f1_rl.reporting.palette import DARK, LIGHT
from f1_rl.reporting.run_folder import ReportError


def render_page(template: str, **values: Any) -> str:
    """Fill a template of this package, one that extends `base.html.j2`.

    Args:
        template: Its file name.
        values: What it names; the palette, the version and the filters are there already.

    Returns:
        A page that needs no other file for its style.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("f1_rl.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        number=wording.number, duration=wording.duration, svg=Markup, jpeg=_data_uri
    )
    values = {"light": LIGHT, "dark": DARK, "version": __version__, **values}
    return environment.get_template(template).render(values)


def write_page(path: Path, page: str) -> None:
    """Write a page under its name when it is complete: nobody reads half of one.

    Raises:
        ReportError: It cannot be written; nothing of it is left.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ReportError(
            f"{path} cannot be written ({error.strerror or error}): "
            "check the folder's permissions and the free disk space."
        ) from error


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
