"""Spanish."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="es-ES",
    greeting="¡Hola! ¿En qué puedo ayudarle?",
    apology="Lo siento, ahora mismo no encuentro una respuesta. Inténtelo de nuevo en un momento.",
    cold="Lo siento, todavía estoy arrancando. Vuelva a preguntarme en un minuto.",
    meanwhile="Un momento, por favor.",
    go_on="Sí, continúe.",
    unheard="Lo siento, ahora mismo no le oigo. Repítalo, por favor.",
    are_you_there="¿Sigue usted ahí?",
    nobody_there="No oigo a nadie, así que voy a colgar. ¡Adiós!",
    time_is_up="Lo siento, esta llamada ha alcanzado su duración máxima. ¡Adiós!",
    not_through="Lo siento, no he podido pasar su llamada.",
    after_transfer="Gracias por llamar. Adiós.",
    busy="Lo siento, todas las líneas están ocupadas. Vuelva a llamar en unos minutos. Adiós.",
    away=(
        "Lo siento, en este momento nadie puede atender su llamada. "
        "Vuelva a llamar más tarde. Adiós."
    ),
    broken="Lo siento, algo ha fallado. Vuelva a llamar, por favor. Adiós.",
)
