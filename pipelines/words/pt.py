"""Portuguese, as Brazil speaks it."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="pt-BR",
    greeting="Olá! Como posso ajudar?",
    apology="Desculpe, não consigo encontrar uma resposta agora. Tente novamente daqui a pouco.",
    cold="Desculpe, ainda estou iniciando. Pergunte de novo em um minuto.",
    meanwhile="Um momento, por favor.",
    go_on="Sim, pode continuar.",
    unheard="Desculpe, não consigo ouvir você agora. Repita, por favor.",
    are_you_there="Você ainda está aí?",
    nobody_there="Não ouço ninguém, então vou desligar agora. Até logo!",
    time_is_up="Desculpe, esta ligação chegou à duração máxima. Até logo!",
    not_through="Desculpe, não consegui transferir a ligação.",
    after_transfer="Obrigado por ligar. Até logo.",
    busy="Desculpe, todas as linhas estão ocupadas. Ligue novamente em alguns minutos. Até logo.",
    away="Desculpe, ninguém pode atender sua ligação no momento. Ligue mais tarde. Até logo.",
    broken="Desculpe, algo deu errado. Ligue novamente, por favor. Até logo.",
)
