"""When did the person speak? Onsets and the last sample of speech, from VAD and level.

The VAD knows speech from noise but answers late: its probability falls some 60 to 100 ms
after the last sample. The level knows the last sample to 10 ms but not what made it. So the
VAD opens a stretch of speech; the level's fall below the speaker's own, or the VAD's, ends it;
and the last loud window is where the speech ended.
"""

import enum
from collections import deque
from dataclasses import dataclass

from pipelines.core.events import SpeechPaused, SpeechStarted

WINDOW_S = 0.01
"""One level measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicingPolicy:
    onset: float = 0.5
    """Probability at which a chunk is speech (Silero's own recommendation)."""
    offset: float = 0.35
    """Probability at which it no longer is (Silero's: 0.15 below the onset)."""
    lull_s: float = 0.02
    """Quiet that counts as a pause before the VAD says so, where there is little noise, ..."""
    noisy_lull_s: float = 0.1
    """... and where there is much: what is quiet may be a weak moment of the voice."""
    clear_db: float = 30.0
    """The speaker's level over the noise floor where there is little noise, ..."""
    drowned_db: float = 18.0
    """... and where there is much."""
    depth_db: float = 30.0
    """How far under the speaker's level a window counts as quiet."""
    over_floor_db: float = 7.0
    """A window this close to the noise floor counts as quiet."""
    floor_window_s: float = 3.0
    near_db: float = 18.0
    """In noise, what is further under the speaker's level is somebody or something else."""
    far_db: float = 22.0
    """Speech so far under the speaker's level begins no stretch: others talk in the background."""
    background_db: float = 6.8
    """A voice that is no louder than this over the noise floor does not talk to us. A stretch of a
    dozen people who talk to each other is 6.4 dB over it at most, measured; one person who speaks
    in noise of 10 dB, 7.3 at least.
    """
    sinks_db_s: float = 5.0
    """How fast the speaker's level follows a voice that grows softer."""
    fades_db_s: float = 0.5
    """How fast the speaker's level is forgotten while nothing of it is heard."""
    hiss_s: float = 0.2
    """A final "s" is loud and no voice: the VAD falls before it, and the level tells its end."""
    vad_lag_s: float = 0.08
    """How long after the last sample the VAD falls: it dates the end where noise hides it."""


class VoicingState(enum.Enum):
    QUIET = enum.auto()
    SPEECH = enum.auto()
    LULL = enum.auto()
    """Paused by the level, or on purpose: the VAD has not yet fallen."""


class Voicing:
    """Feed `level` and `probability` in order; they, and `stop`, return what began or paused."""

    def __init__(self, policy: VoicingPolicy) -> None:
        self._policy = policy
        self._state = VoicingState.QUIET
        self._levels: deque[float] = deque(maxlen=round(policy.floor_window_s / WINDOW_S))
        self._speech_db = -120.0
        self._floor_db = -120.0
        self._windows = 0
        self._loud_end_s = 0.0
        self._quiet_s = 0.0
        self._voiced_s = 0.0

    def level(self, dbfs: float, end_s: float) -> list[SpeechStarted | SpeechPaused]:
        """One 10 ms window that ends at media time `end_s`."""
        self._levels.append(dbfs)
        if self._windows % 10 == 0:
            self._floor_db = sorted(self._levels)[len(self._levels) // 10]
        self._windows += 1
        loud = dbfs >= self._threshold()
        if loud:
            self._loud_end_s, self._quiet_s = end_s, 0.0
        else:
            self._quiet_s += WINDOW_S
        policy = self._policy
        if self._state is not VoicingState.SPEECH and not loud:
            self._speech_db -= policy.fades_db_s * WINDOW_S
        if self._state is VoicingState.QUIET:
            return []
        if self._state is VoicingState.SPEECH or loud:
            self._speech_db = max(dbfs, self._speech_db - policy.sinks_db_s * WINDOW_S)
        if self._state is VoicingState.SPEECH and self._quiet_s >= self._lull_s() - 1e-6:
            self._state = VoicingState.LULL
            return [SpeechPaused(self._loud_end_s)]
        if self._state is VoicingState.LULL and loud:
            self._state = VoicingState.SPEECH
            return [SpeechStarted(end_s - WINDOW_S)]
        return []

    def probability(
        self, probability: float, start_s: float, end_s: float
    ) -> list[SpeechStarted | SpeechPaused]:
        """The VAD's answer for the chunk between two media times."""
        before, policy = self._state, self._policy
        if probability >= policy.offset:
            self._voiced_s = end_s
        elif self._hisses(end_s):
            return []
        if before is VoicingState.QUIET and probability >= policy.onset:
            level_db = max(list(self._levels)[-4:], default=-60.0)
            if level_db < self._speech_db - policy.far_db:
                return []
            self._state = VoicingState.SPEECH
            self._speech_db = max(level_db, self._speech_db)
            self._loud_end_s, self._quiet_s = end_s, 0.0
            return [SpeechStarted(start_s)]
        if before is not VoicingState.QUIET and probability < policy.offset:
            self._state = VoicingState.QUIET
            if before is VoicingState.SPEECH:
                hidden_s = end_s - policy.vad_lag_s if self._is_noisy else 0.0
                return [SpeechPaused(min(max(self._loud_end_s, hidden_s), end_s))]
        return []

    def _hisses(self, end_s: float) -> bool:
        """Not voiced, and not yet long enough for an end."""
        if self._is_noisy or end_s - self._voiced_s >= self._policy.hiss_s:
            return False
        return self._state is VoicingState.LULL or (
            self._state is VoicingState.SPEECH and self._quiet_s == 0.0
        )

    def stop(self) -> list[SpeechStarted | SpeechPaused]:
        """The microphone is closed: there is nothing to wait for."""
        if self._state is not VoicingState.SPEECH:
            return []
        self._state = VoicingState.LULL
        return [SpeechPaused(self._loud_end_s)]

    @property
    def background_dbfs(self) -> float:
        """A whole stretch softer than this is no more than what is always there."""
        return self._floor_db + self._policy.background_db

    @property
    def _clearance_db(self) -> float:
        """The speaker's level over the noise floor."""
        return self._speech_db - self._floor_db

    @property
    def _is_noisy(self) -> bool:
        """The weak end of a word would be under the noise."""
        return self._clearance_db < self._policy.clear_db

    def _lull_s(self) -> float:
        policy = self._policy
        noise = (policy.clear_db - self._clearance_db) / (policy.clear_db - policy.drowned_db)
        return policy.lull_s + min(max(noise, 0.0), 1.0) * (policy.noisy_lull_s - policy.lull_s)

    def _threshold(self) -> float:
        policy = self._policy
        depth_db = policy.near_db if self._is_noisy else policy.depth_db
        return max(self._speech_db - depth_db, self._floor_db + policy.over_floor_db)
