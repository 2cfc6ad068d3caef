"""The telephone, and what the bot says of its own accord, as the settings have them."""

from bot.phone.line import TelephoneConfig
from bot.settings import Settings
from pipelines.core.announcements import Announcements
from pipelines.words import phrases_for


def phone_for(settings: Settings) -> TelephoneConfig:
    token = settings.twilio_auth_token
    phrases = phrases_for(settings.tts_language)
    return TelephoneConfig(
        auth_token=token.get_secret_value() if token else "",
        account_sid=settings.twilio_account_sid or "",
        public=settings.public_base_url or "",
        api_base_url=settings.twilio_api_base_url,
        transfers=dict(one.split("=") for one in settings.phone_transfers),
        announcements=Announcements(
            greeting=settings.phone_greeting.strip(),
            greeting_must_be_heard=settings.greeting_must_be_heard,
            silence_s=settings.phone_silence_s,
            call_s=settings.phone_call_s,
            are_you_there=phrases.are_you_there,
            nobody_there=phrases.nobody_there,
            time_is_up=phrases.time_is_up,
        ),
        phrases=phrases,
    )


def announcements_for(settings: Settings) -> Announcements:
    """Announcements of the page."""
    return Announcements(
        greeting=settings.greeting.strip(),
        greeting_must_be_heard=settings.greeting_must_be_heard,
    )
