"""The wired things that one call may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tavus_mcp.catalog import Catalog
from tavus_mcp.client.api import TavusApi
from tavus_mcp.errors import InvalidArgument, did_you_mean
from tavus_mcp.models.secrets import Masker
from tavus_mcp.settings import SECRET_PREFIX


@dataclass(frozen=True)
class App:
    """One world: an API to talk to, what is known about Tavus, and what must stay hidden."""

    api: TavusApi
    catalog: Catalog
    masker: Masker = field(default_factory=Masker)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    world: str = "tavus"

    def secret(self, reference: str, *, where: str) -> str:
        """Return the secret that ``api_key_ref`` names; ``where`` is that argument's path."""
        value = self.secrets.get(reference.lower().removeprefix(SECRET_PREFIX.lower()))
        if value is None:
            there = ", ".join(sorted(self.secrets)) or "none"
            raise InvalidArgument(
                [
                    f"{where}: this server's environment has no {SECRET_PREFIX}<NAME> of that name"
                    f"{did_you_mean(reference, self.secrets)} Set: {there}. The person who runs "
                    "the server sets it and restarts the server."
                ]
            )
        return value
