"""An LLM at the pace of `h100-fp8` that is late for every tenth request.

`python -m tests.late_engine` prints its address. The demo engine's own tail falls
on the same words each time; this one on whatever is asked.
"""

import asyncio
import random
from itertools import count

from bench.engine import serve
from bot.engines.demo import DemoEngine
from bot.settings.latency_profile import PROFILES, LatencyProfile

EVERY = 10
LATE_S = 2.0
H100 = PROFILES["h100-fp8"]


class HeavyTail(LatencyProfile):
    """Counts what it is asked, in this process."""

    _asked = count(1)

    def first_token_s(self, rng: random.Random) -> float:
        return LATE_S if next(self._asked) % EVERY == 0 else H100.first_token_s(rng)


if __name__ == "__main__":
    late = HeavyTail(H100.first_token_median_s, H100.first_token_p95_s, H100.between_s)
    asyncio.run(serve(DemoEngine(late).app(), 0))
