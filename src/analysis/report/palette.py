"""The colours of every page and chart: one accent, greys, and three signal colours that never speak alone.

Safe for the common kinds of colour blindness and in greyscale print; text colours reach 4.5:1 on their background.
"""

INK = "#15191d"
MUTED = "#586068"
RULE = "#d5dade"
WASH = "#f3f5f6"
PAPER = "#ffffff"
ACCENT = "#0b5a8c"
CONTROL = "#7b858d"
SECOND = "#b4521b"
STOP = "#a6261d"
CAUTION = "#865400"
NOTE = "#44505a"

TREATED = ACCENT
INTERVAL_ALPHA = 0.18

LIGHT = {
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    "wash": WASH,
    "paper": PAPER,
    "accent": ACCENT,
    "stop": STOP,
    "caution": CAUTION,
    "note": NOTE,
}
DARK = {
    "ink": "#e9ecee",
    "muted": "#a5afb7",
    "rule": "#3a434b",
    "wash": "#20262c",
    "paper": "#14181c",
    "accent": "#86c0ea",
    "stop": "#ff9d92",
    "caution": "#f0c266",
    "note": "#b4bfc8",
}


def css() -> str:
    """The palette as CSS custom properties: light, and dark for screens that ask for it."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in tones.items()) for tones in (LIGHT, DARK))
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
