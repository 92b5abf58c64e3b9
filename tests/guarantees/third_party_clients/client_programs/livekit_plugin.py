"""The calls of LiveKit's Tavus plugin, against the base URL that the first argument names."""

import asyncio
import json
import sys

import aiohttp
from livekit.plugins.tavus.api import DEFAULT_FACE_ID, DEFAULT_PAL_ID, TavusAPI


async def run(url: str) -> dict[str, str]:
    """Start the calls that the plugin starts, and create both kinds of persona."""
    transport = {"livekit_ws_url": "wss://room.example.com", "livekit_room_token": "token-1234"}
    async with aiohttp.ClientSession() as session:
        api = TavusAPI("key-12345678", url, session=session)
        pal_id = await api.create_pal("Ada", default_face_id=DEFAULT_FACE_ID)
        persona_id = await api.create_persona("Eva")
        older_names = {"replica_id": DEFAULT_FACE_ID, "persona_id": persona_id}
        extra = {"pal_id": pal_id, "custom_greeting": "Hello", "conversational_context": "A visit"}
        return {
            "stock_call": await api.create_conversation(properties=transport),
            "pal_id": pal_id,
            "pal_call": await api.create_conversation(pal_id=pal_id, properties=transport),
            "persona_id": persona_id,
            "persona_call": await api.create_conversation(**older_names, properties=transport),
            "greeted_call": await api.create_conversation(extra_payload=extra),
            "stock_pal": DEFAULT_PAL_ID,
        }


sys.stdout.write(json.dumps(asyncio.run(run(sys.argv[1]))))
