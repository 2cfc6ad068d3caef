"""French."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="fr-FR",
    greeting="Bonjour ! Comment puis-je vous aider ?",
    apology=(
        "Désolé, je ne trouve pas de réponse pour le moment. Veuillez réessayer dans un instant."
    ),
    cold="Désolé, je suis encore en train de démarrer. Reposez-moi la question dans une minute.",
    meanwhile="Un instant, s'il vous plaît.",
    go_on="Oui, je vous écoute.",
    unheard="Désolé, je ne vous entends pas en ce moment. Pouvez-vous répéter ?",
    are_you_there="Êtes-vous toujours là ?",
    nobody_there="Je n'entends personne, je vais donc raccrocher. Au revoir !",
    time_is_up="Je suis désolé, cet appel a atteint sa durée maximale. Au revoir !",
    not_through="Je suis désolé, je n'ai pas pu transférer votre appel.",
    after_transfer="Merci de votre appel. Au revoir.",
    busy=(
        "Désolé, toutes nos lignes sont occupées. "
        "Veuillez rappeler dans quelques minutes. Au revoir."
    ),
    away=(
        "Désolé, personne ne peut prendre votre appel pour le moment. "
        "Veuillez rappeler plus tard. Au revoir."
    ),
    broken="Désolé, un problème est survenu. Veuillez rappeler. Au revoir.",
)
