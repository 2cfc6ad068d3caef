"""Dutch."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="nl-NL",
    greeting="Hallo! Waarmee kan ik u helpen?",
    apology="Sorry, ik weet op dit moment geen antwoord. Probeer het zo meteen nog eens.",
    cold="Sorry, ik ben nog aan het opstarten. Vraag het me over een minuut nog eens.",
    meanwhile="Een ogenblik, alstublieft.",
    go_on="Ja, ik luister.",
    unheard="Sorry, ik kan u nu niet horen. Kunt u dat herhalen?",
    are_you_there="Bent u er nog?",
    nobody_there="Ik hoor niemand, dus ik hang nu op. Tot ziens!",
    time_is_up="Het spijt me, dit gesprek heeft zijn maximale duur bereikt. Tot ziens!",
    not_through="Het spijt me, ik kon u niet doorverbinden.",
    after_transfer="Bedankt voor uw telefoontje. Tot ziens.",
    busy="Sorry, alle lijnen zijn bezet. Bel over een paar minuten terug. Tot ziens.",
    away="Sorry, op dit moment kan niemand uw oproep aannemen. Bel later terug. Tot ziens.",
    broken="Sorry, er is iets misgegaan. Bel alstublieft nog eens. Tot ziens.",
)
