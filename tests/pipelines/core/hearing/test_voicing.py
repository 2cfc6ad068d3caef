from pipelines.core.events import SpeechPaused, SpeechStarted
from pipelines.core.hearing.voicing import Voicing, VoicingPolicy

CHUNK_S = 0.03


def listen(levels: list[float], probabilities: list[float]) -> list[SpeechStarted | SpeechPaused]:
    """10 ms levels; a probability after every third of them."""
    voicing, facts = Voicing(VoicingPolicy()), []
    for index, dbfs in enumerate(levels):
        end_s = round((index + 1) * 0.01, 3)
        facts += voicing.level(dbfs, end_s)
        if (index + 1) % 3 == 0:
            start_s = round(end_s - CHUNK_S, 3)
            facts += voicing.probability(probabilities[index // 3], start_s, end_s)
    return facts


QUIET = [-70.0] * 30
LOUD = [-20.0] * 60


def test_noise_that_the_vad_does_not_take_for_speech_is_nothing() -> None:
    assert listen(LOUD, [0.1] * 20) == []


def test_the_end_is_where_the_last_loud_window_ended() -> None:
    facts = listen(QUIET + LOUD + QUIET, [0.0] * 10 + [0.9] * 22 + [0.1] * 8)

    assert facts[0] == SpeechStarted(0.3)
    assert facts[1] == SpeechPaused(0.9)
    assert len(facts) == 2


def test_the_level_tells_of_the_pause_before_the_vad_does() -> None:
    voicing = Voicing(VoicingPolicy())
    for index, dbfs in enumerate([*QUIET, *LOUD]):
        voicing.level(dbfs, (index + 1) * 0.01)
        if index == 32:
            voicing.probability(0.9, 0.3, 0.33)

    told = [voicing.level(-70.0, 0.9 + 0.01 * (step + 1)) for step in range(5)]

    assert told[0] == []
    assert told[1] == [SpeechPaused(0.9)]


def test_a_final_s_is_speech_although_it_is_no_voice() -> None:
    hiss = [-38.0] * 12
    facts = listen(QUIET + LOUD + hiss + QUIET, [0.0] * 10 + [0.9] * 20 + [0.1] * 14)

    assert facts == [SpeechStarted(0.3), SpeechPaused(1.02)]


def test_a_hum_that_follows_speech_is_its_end_for_no_longer_than_an_s() -> None:
    facts = listen(QUIET + LOUD + [-38.0] * 60, [0.0] * 10 + [0.9] * 20 + [0.1] * 20)

    assert [type(fact) for fact in facts] == [SpeechStarted, SpeechPaused]
    assert facts[-1].media_s < 0.9 + VoicingPolicy().hiss_s + 0.03


def test_speech_that_comes_back_in_a_lull_goes_on() -> None:
    facts = listen(QUIET + LOUD + [-70.0] * 6 + LOUD, [0.0] * 10 + [0.9] * 42)

    assert [type(fact) for fact in facts] == [SpeechStarted, SpeechPaused, SpeechStarted]


def test_in_steady_noise_the_end_is_where_the_voice_left_it() -> None:
    noise = [-35.0] * 90
    facts = listen(noise + LOUD + noise, [0.0] * 30 + [0.9] * 22 + [0.1] * 28)

    assert isinstance(facts[-1], SpeechPaused)
    assert abs(facts[-1].media_s - 1.5) < 0.04


def test_in_noise_a_weak_moment_of_the_voice_is_no_pause() -> None:
    noise, weak = [-35.0] * 90, [-35.0] * 6
    facts = listen(noise + LOUD + weak + LOUD, [0.0] * 30 + [0.9] * 42)

    assert [type(fact) for fact in facts] == [SpeechStarted]


def test_a_voice_in_the_background_keeps_no_turn_open() -> None:
    babble = [-40.0, -48.0, -44.0] * 40
    facts = listen(babble + LOUD + babble, [0.0] * 40 + [0.95] * 20 + [0.9] * 40)

    assert [type(fact) for fact in facts] == [SpeechStarted, SpeechPaused]
    assert abs(facts[-1].media_s - 1.8) < 0.05


def test_a_closed_microphone_ends_speech_where_it_was_heard_last() -> None:
    voicing = Voicing(VoicingPolicy())
    for index, dbfs in enumerate([*QUIET, *LOUD]):
        voicing.level(dbfs, (index + 1) * 0.01)
        if index == 32:
            voicing.probability(0.9, 0.3, 0.33)

    assert voicing.stop() == [SpeechPaused(0.9)]
    assert voicing.stop() == []
