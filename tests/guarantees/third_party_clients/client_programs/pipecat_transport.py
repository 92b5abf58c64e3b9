"""The calls of Pipecat's Tavus transport, against the base URL that the first argument names."""

import asyncio
import inspect
import json
import sys

import aiohttp
from pipecat.transports.tavus.transport import TavusApi, TavusTransportClient


async def run(url: str) -> dict[str, str]:
    """Start and end a call with the default persona of the transport."""
    defaults = inspect.signature(TavusTransportClient.__init__).parameters
    persona_id = defaults["persona_id"].default
    async with aiohttp.ClientSession() as session:
        TavusApi.BASE_URL = url
        api = TavusApi("key-12345678", session)
        name = await api.get_persona_name(persona_id)
        call = await api.create_conversation("r79e1c033f", persona_id)
        await api.end_conversation(call["conversation_id"])
    return {"persona_name": name, **{key: str(value) for key, value in call.items()}}


sys.stdout.write(json.dumps(asyncio.run(run(sys.argv[1]))))
