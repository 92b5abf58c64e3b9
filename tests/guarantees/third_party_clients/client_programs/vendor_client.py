"""The calls of the vendor's client (``tavus-cli``) that concern personas and their parts.

``TAVUS_PUBLIC_API_BASE_URL`` and ``TAVUS_API_KEY`` say where to. Prints a JSON object: the failure
of each call by its name, null for a call that succeeded, and the keys of some rows that were read.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any

import httpx
from tavus_mcp.sdk.client.http import TavusClient
from tavus_mcp.sdk.errors import TavusApiError
from tavus_mcp.sdk.recipes import capabilities, knowledge, meetings, options
from tavus_mcp.sdk.recipes.quickstart import quickstart

CHAIN = [{"objective_name": "name", "objective_prompt": "Learn the caller's name"}]
GUARDRAIL = {"guardrail_name": "advice", "guardrail_prompt": "Give no legal advice"}
TOOL = {
    "name": "book_table",
    "description": "Book a table for the caller",
    "parameters": {"type": "object", "properties": {"seats": {"type": "integer"}}},
}
DICTIONARY = {
    "name": "names",
    "rules": [{"text": "Tavus", "pronunciation": "Tah vus", "type": "alias"}],
}


class Session:
    """Makes calls for one PAL, and remembers the failure of each."""

    def __init__(self, client: TavusClient) -> None:
        self.client = client
        self.failures: dict[str, str | None] = {}
        self.pal_id = ""

    async def call(self, name: str, answer: Awaitable[Any]) -> Any:
        """Make a call; return its answer, an empty object if it failed."""
        try:
            result = await answer
        except (TavusApiError, httpx.HTTPError, ValueError) as error:
            body = getattr(error, "body", "")
            self.failures[name] = f"{type(error).__name__}: {error} {body}"
            return {}
        self.failures[name] = None
        return result

    async def try_knowledge(self) -> list[str]:
        """Create a document, add it to the PAL and remove it; return the ids listed between."""
        document = await self.call(
            "document create",
            self.client.documents.create_from_url(
                "https://example.com/menu.pdf",
                tags=["menu"],
                participant_tags=["guests"],
                custom_description="What we serve",
            ),
        )
        arguments = (self.client, self.pal_id)
        ids = [document.get("document_id", "")]
        await self.call("knowledge add", knowledge.add_pal_knowledge(*arguments, document_ids=ids))
        listed = await self.call("knowledge list", knowledge.list_pal_knowledge(*arguments))
        await self.call(
            "knowledge settings",
            knowledge.patch_pal_knowledge_settings(*arguments, rag_n_chunks=4),
        )
        await self.call(
            "knowledge remove", knowledge.remove_pal_knowledge(*arguments, document_ids=ids)
        )
        return list(listed.get("document_ids", []))

    async def try_parts(self) -> None:
        """Create a part of each kind and change it."""
        client = self.client
        sets, rails = client.objectives, client.guardrails
        objectives = await self.call("objectives create", sets.create({"data": CHAIN}))
        await self.call("objectives validate", sets.validate({"data": CHAIN}))
        change = [{"op": "replace", "path": "/data/0/objective_prompt", "value": "Learn it"}]
        set_id = objectives.get("objectives_id", "")
        await self.call("objectives patch", sets.patch(set_id, change))
        guardrail = await self.call("guardrail create", rails.create(GUARDRAIL))
        tags = {"tags": ["law"]}
        await self.call("guardrail patch", rails.patch(guardrail.get("uuid", ""), tags))
        await self.call("guardrail tags", rails.tags())
        dictionaries = client.pronunciation_dictionaries
        dictionary = await self.call("dictionary create", dictionaries.create(DICTIONARY))
        dictionary_id = dictionary.get("pronunciation_dictionary_id", "")
        await self.call("dictionary patch", dictionaries.patch(dictionary_id, {"name": "brands"}))
        tool = await self.call("tool create", client.tools.create(TOOL))
        tool_id = tool.get("tool_id", "")
        await self.call("tool patch", client.tools.patch(tool_id, {"description": "Book it"}))
        await self.call("tool attach", client.pals.attach_tools(self.pal_id, [tool_id]))
        await self.call("tool list", client.pals.list_tools(self.pal_id))
        await self.call("tool detach", client.pals.detach_tool(self.pal_id, tool_id))
        await self.call("tool attach again", client.pals.attach_tools(self.pal_id, [tool_id]))

    async def try_capabilities(self) -> None:
        """Attach each capability, change it, detach it, and attach one for good."""
        client, pal_id = self.client, self.pal_id
        document = await client.documents.create_from_url("https://example.com/slides.pdf")
        arguments: dict[str, dict[str, Any]] = {
            "magic_canvas": {"magic_canvas_components": ["chart"]},
            "slide_presenter": {"document_ids": [document["document_id"]], "prompt": "Walk"},
            "web_search": {},
            "memory": {},
            "perception": {"visual_awareness_queries": ["Who is there?"]},
        }
        for name, settings in arguments.items():
            attach = capabilities.attach_pal_capability(client, pal_id, name, **settings)
            await self.call(f"{name} attach", attach)
            patch = capabilities.patch_pal_capability(client, pal_id, name, **settings)
            await self.call(f"{name} patch", patch)
        await self.call("capabilities", capabilities.list_pal_capabilities(client, pal_id))
        for name in arguments:
            detach = capabilities.detach_pal_capability(client, pal_id, name)
            await self.call(f"{name} detach", detach)
        skills: dict[str, Any] = {"magic_canvas": {"config": {}}}
        await self.call("skills replace", client.pals.replace_skills(pal_id, skills))
        await self.call("skill get", client.pals.get_skill(pal_id, "magic_canvas"))

    async def try_pal(self) -> dict[str, Any]:
        """Change, read and call the PAL; return all that it could refer to."""
        client = self.client
        described = await self.call("options", options.describe_pal_options(client, self.pal_id))
        changes = [{"op": "add", "path": "/greeting", "value": "Hello"}]
        await self.call("pal patch", client.pals.patch(self.pal_id, changes))
        await self.call("pal get", client.pals.get(self.pal_id, include_settings="true"))
        phrases = {"wake_phrase": "hey Ada", "sleep_phrase": "bye Ada"}
        await self.call("meeting", meetings.configure_meeting(client, self.pal_id, **phrases))
        await self.call("pal list", client.pals.list_all())
        conversation = await self.call(
            "conversation create", client.conversations.create({"pal_id": self.pal_id})
        )
        conversation_id = conversation.get("conversation_id", "")
        await self.call("conversation end", client.conversations.end(conversation_id))
        for resource in (client.faces, client.voices, client.skills, client.documents):
            await self.call(f"{resource.name} list", resource.list(limit=10))
        return dict(described.get("available", {}))


async def run() -> dict[str, Any]:
    """Make all calls."""
    async with TavusClient.from_env() as client:
        session = Session(client)
        started = await session.call("quickstart", quickstart(client, system_prompt="You help."))
        session.pal_id = started["pal"]["pal_id"]
        documents = await session.try_knowledge()
        await session.try_parts()
        await session.try_capabilities()
        available = await session.try_pal()
        await session.call("pal delete", client.pals.delete(session.pal_id))
    lists = {name: items for name, items in available.items() if isinstance(items, list) and items}
    return {
        "failures": session.failures,
        "rows": {name: sorted(items[0]) for name, items in lists.items()},
        "documents": documents,
    }


sys.stdout.write(json.dumps(asyncio.run(run())))
