"""German."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="de-DE",
    greeting="Hallo! Wie kann ich Ihnen helfen?",
    apology=(
        "Entschuldigung, mir fällt gerade keine Antwort ein. "
        "Bitte versuchen Sie es gleich noch einmal."
    ),
    cold="Entschuldigung, ich starte noch. Bitte fragen Sie mich in einer Minute noch einmal.",
    meanwhile="Einen Moment, bitte.",
    go_on="Ja, ich höre.",
    unheard="Entschuldigung, ich kann Sie gerade nicht hören. Bitte sagen Sie das noch einmal.",
    are_you_there="Sind Sie noch da?",
    nobody_there="Ich höre niemanden, deshalb lege ich jetzt auf. Auf Wiederhören!",
    time_is_up="Es tut mir leid, die Höchstdauer dieses Gesprächs ist erreicht. Auf Wiederhören!",
    not_through="Es tut mir leid, ich konnte Sie nicht verbinden.",
    after_transfer="Vielen Dank für Ihren Anruf. Auf Wiederhören.",
    busy=(
        "Entschuldigung, alle Leitungen sind belegt. "
        "Bitte rufen Sie in ein paar Minuten wieder an. Auf Wiederhören."
    ),
    away=(
        "Entschuldigung, im Moment kann niemand Ihren Anruf annehmen. "
        "Bitte rufen Sie später wieder an. Auf Wiederhören."
    ),
    broken=(
        "Entschuldigung, etwas ist schiefgegangen. Bitte rufen Sie noch einmal an. Auf Wiederhören."
    ),
)
