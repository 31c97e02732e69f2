"""Who would draw without a window: asks EGL for each of its devices, as Gazebo does.

Run as a program, since a driver that is broken may crash; prints a JSON list of names.
"""

import ctypes
import json

_PLATFORM_DEVICE = 0x313F
_PLATFORM_SURFACELESS = 0x31DD
_OPENGL_API = 0x30A2
_OPENGL_BIT = 0x0008
_RENDERABLE_TYPE = 0x3040
_NONE = 0x3038
_GL_RENDERER = 0x1F01
_MOST_DEVICES = 16

_Pointer = ctypes.c_void_p


def renderers() -> list[str]:
    """Return the renderer of each EGL device that can draw, and of the one without a device.

    Raises:
        OSError: There is no EGL library.
    """
    egl = ctypes.CDLL("libEGL.so.1")
    for name in ("eglGetProcAddress", "eglCreateContext"):
        getattr(egl, name).restype = _Pointer
    places = [(_PLATFORM_DEVICE, device) for device in _devices(egl)]
    names = [_renderer(egl, *place) for place in (*places, (_PLATFORM_SURFACELESS, None))]
    return list(dict.fromkeys(name for name in names if name))


def _devices(egl: ctypes.CDLL) -> list[int]:
    query = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    if not query:
        return []
    query_devices = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, _Pointer, _Pointer)(query)
    devices, count = (_Pointer * _MOST_DEVICES)(), ctypes.c_int()
    query_devices(_MOST_DEVICES, ctypes.cast(devices, _Pointer), ctypes.addressof(count))
    return [device for device in devices[: count.value] if device]


def _renderer(egl: ctypes.CDLL, platform: int, device: int | None) -> str:
    """Return who draws on a device, or nothing where nobody can."""
    found = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not found:
        return ""
    get_display = ctypes.CFUNCTYPE(_Pointer, ctypes.c_uint, _Pointer, _Pointer)(found)
    display = _Pointer(get_display(platform, device, None))
    if display.value is None or not egl.eglInitialize(display, None, None):
        return ""
    try:
        return _renderer_of(egl, display)
    finally:
        egl.eglTerminate(display)


def _renderer_of(egl: ctypes.CDLL, display: ctypes.c_void_p) -> str:
    wanted = (ctypes.c_int * 3)(_RENDERABLE_TYPE, _OPENGL_BIT, _NONE)
    config, count = _Pointer(), ctypes.c_int()
    egl.eglBindAPI(_OPENGL_API)
    egl.eglChooseConfig(display, wanted, ctypes.byref(config), 1, ctypes.byref(count))
    context = _Pointer(egl.eglCreateContext(display, config, None, None))
    if context.value is None or not egl.eglMakeCurrent(display, None, None, context):
        return ""
    get_string = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_uint)(
        egl.eglGetProcAddress(b"glGetString")
    )
    return (get_string(_GL_RENDERER) or b"").decode(errors="replace")


if __name__ == "__main__":
    print(json.dumps(renderers()))
