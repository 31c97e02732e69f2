"""Pieces of SDF that worlds and models are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from f1_rl.gazebo.settings import Engine

SDF_VERSION = "1.9"
"""The newest that the parsers of Debian and Ubuntu know as well as Gazebo Harmonic's."""

_SHININESS = 12.0

Value = str | int | float | bool | Sequence[float]


def element(tag: str, *content: Element | Value, **attributes: str) -> Element:
    """Return an XML element.

    Args:
        tag: Its name.
        *content: Child elements, or one value.
        **attributes: Its attributes.
    """
    made = Element(tag, attributes)
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        else:
            made.text = text_of(part)
    return made


def text_of(value: Value) -> str:
    """Return a value as SDF writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        # The shortest text that is read as the same number: rates must be exact.
        text = repr(float(value)).removesuffix(".0")
        return "0" if text == "-0" else text
    return " ".join(text_of(part) for part in value)


def document(*content: Element) -> str:
    """Return an SDF file."""
    root = element("sdf", *content, version=SDF_VERSION)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0"?>\n{body}\n'


def model_config(name: str, description: str) -> str:
    """Return the file `model.config` that makes a folder a model."""
    root = element(
        "model",
        element("name", name),
        element("version", "1.0"),
        element("sdf", "model.sdf", version=SDF_VERSION),
        element("author", element("name", "f1_rl developers")),
        element("description", description),
    )
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0"?>\n{body}\n'


def box(size_m: Sequence[float]) -> Element:
    """Return the geometry of a box."""
    return element("geometry", element("box", element("size", size_m)))


def cylinder(radius_m: float, length_m: float) -> Element:
    """Return the geometry of a cylinder along z."""
    shape = element("cylinder", element("radius", radius_m), element("length", length_m))
    return element("geometry", shape)


def plugin(system: str, name: str, *content: Element) -> Element:
    """Return one of Gazebo's systems.

    Args:
        system: The library's name without what all have in common.
        name: The class's.
        *content: Its parameters.
    """
    return element(
        "plugin",
        *content,
        filename=f"gz-sim-{system}-system",
        name=f"gz::sim::systems::{name}",
    )


def drawn_colour(rgb: Sequence[int], engine: Engine) -> tuple[float, float, float, float]:
    """Return the colour to ask for so that pixels of these levels are drawn.

    OGRE writes a colour as it is. OGRE 2 takes it for linear light and encodes it by the transfer
    function of sRGB (IEC 61966-2-1), which is undone here.

    Args:
        rgb: Red, green and blue, 0 to 255.
        engine: What draws.

    Returns:
        Red, green, blue and alpha, 0 to 1.
    """
    red, green, blue = (round(intensity(level / 255.0, engine), 5) for level in rgb)
    return (red, green, blue, 1.0)


def intensity(level: float, engine: Engine) -> float:
    """Return the light, or the share of it, that draws this share of white, 0 to 1."""
    if engine == "ogre":
        return level
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def glowing(rgb: Sequence[int], engine: Engine) -> Element:
    """Return a material that has exactly that colour, however the light falls."""
    black = (0.0, 0.0, 0.0, 1.0)
    return element(
        "material",
        element("ambient", black),
        element("diffuse", black),
        element("specular", black),
        element("emissive", drawn_colour(rgb, engine)),
    )


def matt(rgb: Sequence[int], engine: Engine, sheen: float = 0.0) -> Element:
    """Return a material that has that colour in light of strength 1.

    Args:
        rgb: Red, green and blue, 0 to 255.
        engine: What draws.
        sheen: How much of a light it mirrors, 0 to 1.
    """
    colour = drawn_colour(rgb, engine)
    return element(
        "material",
        element("ambient", colour),
        element("diffuse", colour),
        element("specular", (sheen, sheen, sheen, 1.0)),
        element("shininess", _SHININESS),
    )


def painted(rgb: Sequence[int], engine: Engine) -> Element:
    """Return a dull material of that colour in white light."""
    colour = drawn_colour(rgb, engine)
    return element(
        "material",
        element("ambient", colour),
        element("diffuse", colour),
        element("specular", (0.1, 0.1, 0.1, 1.0)),
    )
