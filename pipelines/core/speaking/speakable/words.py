"""The words for abbreviations, units and signs when they are said in English."""

import re
from collections.abc import Iterable


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of them, the longest that fits."""
    return "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))


MONTHS = (
    "January February March April May June July August September October November December".split()
)
MONTH_OF = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

ABBREVIATIONS = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor",
    "Jr": "Junior", "Sr": "Senior", "Ltd": "Limited", "Corp": "Corporation",
    "Bros": "Brothers", "Dept": "Department", "dept": "department", "Univ": "University",
    "vs": "versus", "etc": "et cetera", "approx": "approximately", "incl": "including",
    "excl": "excluding", "avg": "average", "Apt": "Apartment", "apt": "apartment",
    "ext": "extension", "Ext": "Extension", "Tel": "Telephone", "govt": "government",
    "Ave": "Avenue", "Blvd": "Boulevard", "Hwy": "Highway", "Pkwy": "Parkway",
    "e.g": "for example", "i.e": "that is", "E.g": "for example", "I.e": "that is",
    "a.k.a": "also known as", "Ph.D": "P H D", "P.S": "P S",
    "U.S": "U S", "U.K": "U K", "E.U": "E U", "U.N": "U N", "D.C": "D C", "U.S.A": "U S A",
}  # fmt: skip
"""Each stands before a full stop, and is no word; the stop is kept where it ends the text."""

TITLES = {
    "Dr": "Doctor", "Rev": "Reverend", "Gen": "General", "Col": "Colonel", "Capt": "Captain",
    "Lt": "Lieutenant", "Sgt": "Sergeant", "Gov": "Governor", "Sen": "Senator", "Pres": "President",
    "Rep": "Representative", "Hon": "Honorable", "Mt": "Mount", "Ft": "Fort", "Fr": "Father",
}  # fmt: skip
"""The same, before a name: "Gen. Lee"; a "Gen." that ends a sentence is somebody's name."""

NUMBERED = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "Nr": "number",
    "nr": "number",
    "Fig": "figure", "fig": "figure", "Figs": "figures", "Vol": "volume", "vol": "volume",
    "Ch": "chapter", "ch": "chapter", "Sec": "section", "sec": "section", "Eq": "equation",
    "Art": "article", "p": "page", "pp": "pages", "pg": "page", "Pt": "part", "pt": "part",
    "Ste": "suite",
    "ca": "about", "c": "about", "Rm": "room", "rm": "room", "Bldg": "building",
    "Apt": "Apartment", "apt": "apartment",
    "ext": "extension", "Ext": "extension", "tel": "telephone", "max": "maximum", "min": "minimum",
    "est": "estimated", "Ver": "version", "ver": "version", "Bd": "volume",
}  # fmt: skip
"""The same, before a figure: "No. 5", "fig. 2"; elsewhere they may be words."""

IN_A_SENTENCE = {
    "max": "maximum", "min": "minimum", "est": "estimated", "Inc": "Incorporated", "Co": "Company",
    "co": "company", "cf": "compare", "viz": "namely", "ca": "about", "tel": "telephone",
    "dept": "department", "Rd": "Road", "Ln": "Lane", "Mfg": "Manufacturing",
    "misc": "miscellaneous",
}  # fmt: skip
"""The same, before a small letter: the sentence goes on behind the full stop."""

PERIODS = {
    "d": "day", "day": "day", "days": "day", "w": "week", "wk": "week", "wks": "week",
    "week": "week", "mo": "month", "mos": "month", "month": "month", "yr": "year", "yrs": "year",
    "y": "year", "year": "year", "h": "hour", "hr": "hour", "hrs": "hour", "hour": "hour",
    "hours": "hour", "m": "minute", "min": "minute", "mins": "minute", "minute": "minute",
    "minutes": "minute", "s": "second", "sec": "second", "secs": "second", "second": "second",
    "seconds": "second", "ms": "millisecond", "night": "night", "q": "quarter",
}  # fmt: skip

ZONES = frozenset(
    "UTC GMT EST EDT CST CDT MST MDT PST PDT BST CET CEST IST JST AEST AEDT ET PT CT".split()
)

UNITS = {
    "%": "percent", "‰": "permille", "°C": "celsius", "℃": "celsius", "°F": "fahrenheit",
    "℉": "fahrenheit",
    "° C": "celsius", "° F": "fahrenheit", "ºC": "celsius", "ºF": "fahrenheit", "°": "degree",
    "km": "kilometer", "m": "meter", "cm": "centimeter", "dm": "decimeter", "mm": "millimeter",
    "µm": "micrometer", "μm": "micrometer", "nm": "nanometer", "mi": "mile", "ft": "foot",
    "yd": "yard",
    "yds": "yard", "kg": "kilogram", "kgs": "kilogram", "g": "gram", "mg": "milligram",
    "µg": "microgram",
    "μg": "microgram", "mcg": "microgram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "fl oz": "fluid-ounce",
    "L": "liter", "l": "liter", "ml": "milliliter", "mL": "milliliter", "dL": "deciliter",
    "dl": "deciliter",
    "cl": "centiliter", "cL": "centiliter", "gal": "gallon", "qt": "quart", "tsp": "teaspoon",
    "tbsp": "tablespoon", "km/h": "kilometer-per-hour", "kmh": "kilometer-per-hour",
    "kph": "kilometer-per-hour",
    "mph": "mile-per-hour", "m/s": "meter-per-second", "mpg": "mile-per-gallon",
    "m/s²": "meter-per-square-second",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "kB": "kilobyte",
    "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
    "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kWh": "kilowatt-hour",
    "V": "volt",
    "mA": "milliampere", "kJ": "kilojoule", "Pa": "pascal",
    "hPa": "hectopascal",
    "kPa": "kilopascal", "MPa": "megapascal", "bar": "bar", "mbar": "millibar",
    "atm": "atmosphere", "Ω": "ohm",
    "kcal": "kilocalorie", "cal": "calorie", "px": "pixel", "MP": "megapixel", "lm": "lumen",
    "lx": "lux",
    "m²": "square-meter", "km²": "square-kilometer", "cm²": "square-centimeter",
    "m2": "square-meter",
    "km2": "square-kilometer", "m³": "cubic-meter", "cm³": "cubic-centimeter", "m3": "cubic-meter",
    "ft²": "square-foot", "sq ft": "square-foot", "sqft": "square-foot", "sq. ft.": "square-foot",
    "sq mi": "square-mile", "sq m": "square-meter", "sq km": "square-kilometer", "ha": "hectare",
    "hp": "horsepower",
    "ms": "millisecond", "µs": "microsecond", "μs": "microsecond", "ns": "nanosecond",
    "s": "second",
    "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour",
    "hr": "hour", "hrs": "hour",
    "wk": "week", "wks": "week", "mo": "month", "mos": "month", "yr": "year", "yrs": "year",
    "ly": "light-year",
    "mmol": "millimole", "mol": "mole", "ct": "carat", "kn": "knot",
}  # fmt: skip
"""The Unicode CLDR's name for each; its words are the CLDR's too."""

OTHER_UNITS = {
    "bpm": "beat per minute", "rpm": "revolution per minute", "fps": "frame per second",
    "dpi": "dot per inch", "ppi": "pixel per inch", "kbps": "kilobit per second",
    "Kbps": "kilobit per second",
    "Mbps": "megabit per second", "Mbit/s": "megabit per second", "MB/s": "megabyte per second",
    "GB/s": "gigabyte per second", "Gbps": "gigabit per second",
    "mAh": "milliamp hour", "Ah": "amp hour", "dB": "decibel", "Wh": "watt hour",
    "MWh": "megawatt hour",
    "psi": "pound per square inch", "mmHg": "millimeter of mercury", "ppm": "part per million",
    "ppb": "part per billion", "IU": "international unit", "mEq": "milliequivalent", "kt": "knot",
    "cc": "C C", "kΩ": "kiloohm", "nmi": "nautical mile", "mol/L": "mole per liter",
}  # fmt: skip
"""Units that the CLDR has no words for."""

SIGNS = {
    "&": "and", "&&": "and", "||": "or", "+": "plus", "=": "equals", "==": "equals", "@": "at",
    "±": "plus or minus", "≈": "about", "~": "about", "<": "less than", ">": "more than",
    "≤": "at most", "<=": "at most", "≥": "at least", ">=": "at least", "×": "times",
    "÷": "divided by", "€": "euros", "$": "dollars", "£": "pounds", "%": "percent", "§": "section",
    "©": "copyright", "→": "to", "⇒": "to", "->": "to", "=>": "to", "w/o": "without", "w/": "with",
    "≠": "is not", "!=": "is not", "°": "degrees", "*": "times", "·": "times", "−": "minus",
    "^": "to the power of", "∞": "infinity", "<3": "love", "№": "number", "↔": "and",
    "/": "divided by",
}  # fmt: skip
"""Standing alone, or before a figure."""

COMPARED = {
    "<": "is less than", ">": "is greater than", "≤": "is less than or equal to",
    "<=": "is less than or equal to", "≥": "is greater than or equal to",
    ">=": "is greater than or equal to", "≠": "is not equal to", "!=": "is not equal to",
    "=": "equals", "==": "equals", "≈": "is about", "+": "plus", "×": "times", "÷": "divided by",
    "*": "times",
}  # fmt: skip
"""Between two sides."""

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψωΔΣΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
        "sigma "
        "tau upsilon phi chi psi omega delta sigma omega".split(),
        strict=True,
    )
)

FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8),
}  # fmt: skip

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))

STREETS = {
    "St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane",
    "Ct": "Court", "Pl": "Place", "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway",
}  # fmt: skip
"""Words that follow a house's number and a name."""
POINTS = {"N": "North", "S": "South", "E": "East", "W": "West"}

SPOKEN_LABELS = frozenset(
    "com org net info app dev gov edu co me biz travel health museum shop".split()
)
"""Ends of an address that are said as a word, beside those of four letters and more."""

STATES = dict(
    pair.split(":")
    for pair in (
        "AL:Alabama,AK:Alaska,AZ:Arizona,AR:Arkansas,CA:California,CO:Colorado,CT:Connecticut,"
        "DE:Delaware,FL:Florida,GA:Georgia,HI:Hawaii,ID:Idaho,IL:Illinois,IN:Indiana,IA:Iowa,"
        "KS:Kansas,KY:Kentucky,LA:Louisiana,ME:Maine,MD:Maryland,MA:Massachusetts,MI:Michigan,"
        "MN:Minnesota,MS:Mississippi,MO:Missouri,MT:Montana,NE:Nebraska,NV:Nevada,"
        "NH:New Hampshire,NJ:New Jersey,NM:New Mexico,NY:New York,NC:North Carolina,"
        "ND:North Dakota,OH:Ohio,OK:Oklahoma,OR:Oregon,PA:Pennsylvania,RI:Rhode Island,"
        "SC:South Carolina,SD:South Dakota,TN:Tennessee,TX:Texas,UT:Utah,VT:Vermont,VA:Virginia,"
        "WA:Washington,WV:West Virginia,WI:Wisconsin,WY:Wyoming,DC:D C"
    ).split(",")
)

RULERS = frozenset(
    "Louis Henry Elizabeth Charles George James William Edward Richard Philip Pius Benedict Leo "
    "Paul "
    "Gregory Alexander Catherine Nicholas Peter Frederick Napoleon Ramses Otto Mary Ivan Leopold "
    "Innocent Clement John Robert Christian Gustav Carl Haakon Harald Felipe Carlos Juan Joseph "
    "Francis Ferdinand Franz Wilhelm Friedrich Margrethe Albert Urban Sixtus".split()
)
"""A Roman numeral after one of these is said as an ordinal."""
PARTS = frozenset(
    "War Chapter Part Volume Act Scene Type Class Phase Section Book Level Stage Title Article "
    "Bowl Rocky Fantasy Appendix Figure Table Schedule Annex Category Grade Tier Episode Godfather "
    "Division Group Olympiad Symphony Psalm Canto chapter part type phase section stage".split()
)
"""One after these is said as a number."""
