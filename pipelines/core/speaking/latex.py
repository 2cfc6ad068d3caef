"""Formulas in LaTeX as plain text: "\\frac{1}{2}" is "1/2", "\\pi r^2" is "pi r^2"."""

import re

_WORDS = {
    "times": "×", "cdot": "×", "ast": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤",
    "geq": "≥", "ge": "≥",
    "neq": "≠", "ne": "≠", "approx": "≈", "sim": "≈", "to": "→", "rightarrow": "→",
    "Rightarrow": "→",
    "infty": "infinity", "sum": "the sum of", "int": "the integral of", "prod": "the product of",
    "lim": "the limit of", "partial": "partial", "in": "in", "ldots": "and so on",
    "dots": "and so on",
    "cdots": "and so on", "circ": "°", "degree": "°", "percent": "%", "equiv": "=", "lt": "<",
    "gt": ">",
    "quad": " ", "qquad": " ",
}  # fmt: skip
_DROPPED = re.compile(
    r"\\(?:left|right|big|Big|displaystyle|limits|mathrm|mathbf|mathbb|mathit|text|textbf|operatorname|boxed|"
    r"begin\{[^{}]*\}|end\{[^{}]*\})(?![a-zA-Z])|\\[,;:! ]"
)
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s?(?:\[3\])?\{([^{}]*)\}")
_DEPTH = 3
"""Fractions within fractions; deeper ones lose their braces."""


def is_formula(inside: str) -> bool:
    """True if what stands between two dollar signs is one, and no prices or shell variables."""
    if not inside or inside[0].isspace() or inside[-1].isspace():
        return False
    return (
        re.search(r"[\\^_={}+<>]", inside) is not None
        or re.fullmatch(r"[A-Za-z]", inside) is not None
    )


def plain_formula(latex: str) -> str:
    text = _DROPPED.sub(" ", latex)
    for _ in range(_DEPTH):
        text = _FRACTION.sub(_fraction, text)
        text = _ROOT.sub(lambda root: f" √{root[1]} ", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda name: f" {_WORDS.get(name[1], name[1])} ", text)
    text = re.sub(r"\^\s?°", "°", text.replace("^{", "^(").replace("_", " "))
    text = re.sub(r"\^\((\w+)[)}]", r"^\1", text)
    return " ".join(re.sub(r"[{}\\$&]", " ", text).split())


def _fraction(found: re.Match[str]) -> str:
    over, under = found[1].strip(), found[2].strip()
    return f" {over}/{under} " if (over + under).isdecimal() else f" {over} over {under} "
