import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.services.tts.voice_messages import HEADER, VoiceMessageKind, message, take_messages

MESSAGES = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.sampled_from(VoiceMessageKind), st.binary(max_size=50))
)


@given(MESSAGES, st.integers(1, 17))
def test_messages_come_out_as_they_went_in_however_they_are_torn(
    messages: list[tuple[int, VoiceMessageKind, bytes]], step: int
) -> None:
    data = b"".join(message(*each) for each in messages)
    buffer = bytearray()
    taken = []
    for at in range(0, len(data), step):
        buffer += data[at : at + step]
        taken += list(take_messages(buffer))

    assert taken == messages
    assert not buffer


def test_a_strange_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="99"):
        list(take_messages(bytearray(HEADER.pack(1, 99, 0))))
