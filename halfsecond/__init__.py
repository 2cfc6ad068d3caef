"""Halfsecond inside a Pipecat bot: one processor that hears, thinks and speaks.

    from halfsecond import Halfsecond, local_services

    async with local_services(llm_base_url="http://127.0.0.1:8000/v1", llm_model="gemma") as models:
        pipeline = Pipeline([transport.input(), Halfsecond(models), transport.output()])

It takes the place of voice activity detection, speech-to-text, aggregators, language model and
voice. `examples/pipecat_bot.py` is a whole bot.
"""

from halfsecond.local import local_services as local_services
from halfsecond.processor import Halfsecond as Halfsecond
from pipelines.cascade import Services as Services
from pipelines.core.announcements import Announcements as Announcements
from pipelines.core.policies import Policies as Policies
from pipelines.core.turn.policy import TurnPolicy as TurnPolicy
