"""English."""

from pipelines.words.phrases import Phrases

PHRASES = Phrases(
    language="",
    greeting="Hello! How can I help you?",
    apology="Sorry, I can't think of an answer right now. Please try again in a moment.",
    cold="Sorry, I'm still starting up. Please ask me again in a minute.",
    meanwhile="One moment, please.",
    go_on="Go on.",
    unheard="Sorry, I can't hear you right now. Please say that again.",
    are_you_there="Are you still there?",
    nobody_there="I cannot hear anybody, so I will hang up now. Goodbye!",
    time_is_up="I am sorry, this call has lasted as long as it may. Goodbye!",
    not_through="I am sorry, I could not put you through.",
    after_transfer="Thank you for calling. Goodbye.",
    busy="Sorry, all lines are busy. Please call again in a few minutes. Goodbye.",
    away="Sorry, nobody can take your call at the moment. Please call again later. Goodbye.",
    broken="Sorry, something went wrong. Please call again. Goodbye.",
)
