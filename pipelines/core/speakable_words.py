"""What abbreviations, units and signs stand for when they are said in English."""

MONTHS = (
    "January February March April May June July August September October November December".split()
)
MONTH_OF = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
DAY_OF = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

ABBREVIATIONS = {
    "Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor",
    "Rev": "Reverend", "Gen": "General", "Col": "Colonel", "Capt": "Captain", "Lt": "Lieutenant",
    "Sgt": "Sergeant", "Gov": "Governor", "Sen": "Senator", "Rep": "Representative",
    "Pres": "President", "Hon": "Honorable", "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated",
    "Ltd": "Limited", "Corp": "Corporation", "Co": "Company", "Bros": "Brothers",
    "Dept": "Department", "dept": "department", "Univ": "University",
    "vs": "versus", "etc": "et cetera",
    "approx": "approximately", "ca": "about", "cf": "compare", "viz": "namely", "est": "estimated",
    "incl": "including", "excl": "excluding", "max": "maximum", "min": "minimum", "avg": "average",
    "Apt": "Apartment", "Ste": "Suite",
    "Mt": "Mount", "Ft": "Fort", "Fig": "Figure", "fig": "figure", "Vol": "Volume", "vol": "volume",
    "Ch": "Chapter", "Sec": "Section", "Eq": "Equation", "pp": "pages",
    "ext": "extension", "Ext": "Extension", "tel": "telephone", "Tel": "Telephone",
    "e.g": "for example", "i.e": "that is", "E.g": "for example", "I.e": "that is",
    "a.k.a": "also known as", "Ph.D": "P H D",
    "U.S": "U S", "U.K": "U K", "E.U": "E U", "U.N": "U N", "D.C": "D C", "U.S.A": "U S A",
}  # fmt: skip
"""Each stands before a full stop; the stop is kept only where it ends the text."""

UNITS = {
    "%": "percent", "°C": "degree Celsius", "°F": "degree Fahrenheit", "°": "degree",
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer",
    "mi": "mile", "ft": "foot", "yd": "yard", "kg": "kilogram", "g": "gram", "mg": "milligram",
    "lb": "pound", "lbs": "pound", "oz": "ounce", "L": "liter", "l": "liter", "ml": "milliliter",
    "mL": "milliliter", "gal": "gallon", "km/h": "kilometer per hour", "kph": "kilometer per hour",
    "mph": "mile per hour", "m/s": "meter per second", "mpg": "mile per gallon",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "Kbps": "kilobit per second", "kbps": "kilobit per second", "Mbps": "megabit per second",
    "Gbps": "gigabit per second", "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour",
    "mAh": "milliamp hour", "dB": "decibel", "ms": "millisecond", "s": "second", "sec": "second",
    "secs": "second", "mins": "minute", "hr": "hour", "hrs": "hour", "h": "hour", "min": "minute",
    "kcal": "calorie", "cal": "calorie", "px": "pixel", "m²": "square meter",
    "km²": "square kilometer", "m³": "cubic meter", "sq ft": "square foot",
    "psi": "P S I", "rpm": "R P M", "dpi": "D P I",
}  # fmt: skip

PERIODS = {"day": "day", "wk": "week", "mo": "month", "yr": "year"}

PLURALS = {"foot": "feet", "percent": "percent", "hertz": "hertz", "square foot": "square feet"}
PLURALS |= {unit: unit for unit in UNITS.values() if unit.endswith("hertz") or unit.isupper()}

SIGNS = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "±": "plus or minus", "≈": "about",
    "~": "about", "<": "less than", ">": "more than", "≤": "at most", "≥": "at least", "×": "times",
    "÷": "divided by", "€": "euros", "$": "dollars", "£": "pounds", "%": "percent", "§": "section",
    "©": "copyright", "→": "to", "w/o": "without", "w/": "with",
}  # fmt: skip
"""Standing alone, or before a figure."""

FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅛": (1, 8)}

STREETS = {
    "St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane",
    "Ct": "Court", "Pl": "Place", "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway",
}  # fmt: skip
"""What follows a house's number and a name."""
POINTS = {"N": "North", "S": "South", "E": "East", "W": "West"}
ABBREVIATIONS |= {short: STREETS[short] for short in ("Ave", "Blvd", "Rd", "Ln", "Hwy", "Pkwy")}

SPOKEN_LABELS = frozenset("com org net app dev gov co me biz".split())
"""The rest of the short ends of an address is spelled: "dot D E"."""
TLDS = (
    "com|org|net|info|app|dev|gov|edu|co|me|io|ai|uk|de|fr|eu|us|ca|tv|biz|page|cloud|shop|site"
    "|online"
)

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


def unit(name: str, *, one: bool) -> str:
    """ "kilometers per hour" of "km/h"; Raises KeyError."""
    said = UNITS[name]
    if one:
        return said
    if said in PLURALS:
        return PLURALS[said]
    head, per, rest = said.partition(" per ")
    first, space, last = head.partition(" ")
    plural = f"{first}s{space}{last}" if first == "degree" else f"{head}s"
    return plural + per + rest
