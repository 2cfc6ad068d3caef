"""The ears' material: mono sound at one rate, judged in pieces of fixed length."""

EAR_RATE_HZ = 16_000
"""The rate in Hz for the ears (VAD, turn model, speech-to-text)."""

VAD_CHUNK = 512
"""Samples in one question to the VAD: 32 ms, the only size that Silero v6 takes at 16 kHz."""

WINDOW = EAR_RATE_HZ // 100
"""Samples in one level measurement: 10 ms."""

KEEP_S = 40.0
"""Audio kept per call. Stretches are at most 12 s long, the turn model looks at 8 s: the rest is
for ears that are late or hang."""
