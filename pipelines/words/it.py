"""Italian."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="it-IT",
    greeting="Salve! Come posso aiutarla?",
    apology="Mi dispiace, al momento non trovo una risposta. Riprovi tra un attimo.",
    cold="Mi dispiace, mi sto ancora avviando. Me lo chieda di nuovo tra un minuto.",
    meanwhile="Un attimo, per favore.",
    go_on="Sì, la ascolto.",
    unheard="Mi dispiace, in questo momento non la sento. Lo ripeta, per favore.",
    are_you_there="È ancora lì?",
    nobody_there="Non sento nessuno, quindi ora riaggancio. Arrivederci!",
    time_is_up="Mi dispiace, questa chiamata ha raggiunto la durata massima. Arrivederci!",
    not_through="Mi dispiace, non sono riuscito a trasferire la chiamata.",
    after_transfer="Grazie per la chiamata. Arrivederci.",
    busy="Mi dispiace, tutte le linee sono occupate. Richiami tra qualche minuto. Arrivederci.",
    away=(
        "Mi dispiace, al momento nessuno può rispondere alla sua chiamata. "
        "Richiami più tardi. Arrivederci."
    ),
    broken="Mi dispiace, qualcosa è andato storto. Richiami, per favore. Arrivederci.",
)
