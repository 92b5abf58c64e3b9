"""Addresses of known providers: an error and the right address where nothing can answer."""

from __future__ import annotations

import pytest

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.llm_providers import LlmProvider, find_llm_provider, llm_providers
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding

CATALOG = load_catalog()
BASE = {"persona_name": "A", "system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
ADDRESSES = [
    (provider, host.replace("*", "x"), path)
    for provider in llm_providers()
    for host in provider.hosts
    for path in provider.paths
]


def url_findings(url: str) -> list[RuleFinding]:
    """Return the findings about an address, of a persona that is saved."""
    llm = {"model": "m", "base_url": url, "api_key": "********"}
    document = PersonaDocument({**BASE, "persona_id": "p0123456789a", "layers": {"llm": llm}})
    return [item for item in check(document, CATALOG) if item.path == "/layers/llm/base_url"]


def fixed_url(finding: RuleFinding) -> str:
    assert finding.fix
    return str(finding.fix[0].arguments["base_url"])


@pytest.mark.parametrize(
    ("provider", "host", "path"), ADDRESSES, ids=[f"{host}{path}" for _, host, path in ADDRESSES]
)
@pytest.mark.parametrize("ending", ["", "/"])
def test_an_address_at_which_the_provider_answers_passes(
    provider: LlmProvider, host: str, path: str, ending: str
) -> None:
    assert url_findings(f"https://{host}{path}{ending}") == []
    found = find_llm_provider(host)
    assert found is not None
    assert found.name == provider.name


@pytest.mark.parametrize(
    ("provider", "host", "path"), ADDRESSES, ids=[f"{host}{path}" for _, host, path in ADDRESSES]
)
@pytest.mark.parametrize("wrong", ["/wrong", "/v99/", "/api", "/wrong/chat/completions"])
def test_another_path_is_an_error_with_the_right_address(
    provider: LlmProvider, host: str, path: str, wrong: str
) -> None:
    (finding,) = url_findings(f"https://{host}{wrong}")
    assert finding.severity == "error"
    assert finding.rule in ("llm-url-path", "llm-url-route")
    assert provider.name in finding.message
    assert fixed_url(finding) == f"https://{host}{provider.paths[0]}"
    assert url_findings(fixed_url(finding)) == []


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/chat/completions", "https://api.openai.com/v1"),
        ("http://api.openai.com", "https://api.openai.com/v1"),
        ("https://API.OpenAI.com", "https://API.OpenAI.com/v1"),
        ("https://api.openai.com?x=1", "https://api.openai.com/v1"),
        ("https://platform.openai.com/v1", "https://api.openai.com/v1"),
        ("https://my-res.openai.azure.com/", "https://my-res.openai.azure.com/openai/v1"),
        ("https://my-res.openai.azure.com/openai", "https://my-res.openai.azure.com/openai/v1"),
        ("https://openrouter.ai/v1", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1"),
        ("https://api.groq.com/v1", "https://api.groq.com/openai/v1"),
        ("https://api.anthropic.com", "https://api.anthropic.com/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("https://api.fireworks.ai/v1", "https://api.fireworks.ai/inference/v1"),
        ("https://api.mistral.ai", "https://api.mistral.ai/v1"),
        ("https://api.x.ai", "https://api.x.ai/v1"),
        ("api.openai.com", "https://api.openai.com/v1"),
        ("https://aiplatform.googleapis.com/v1", "<BASE_URL>"),
        ("https://ai.azure.com/resource", "<BASE_URL>"),
    ],
)
def test_one_finding_holds_the_one_right_address(url: str, right: str) -> None:
    (finding,) = url_findings(url)
    assert finding.severity == "error"
    assert fixed_url(finding) == right
    assert right in (finding.hint or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://my-res.openai.azure.com/openai/deployments/gpt4o",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi",
        "https://gateway.ai.cloudflare.com/v1/0123/gw/compat",
        "https://llm.example.com/any/path",
        "https://api.deepseek.com",
    ],
)
def test_paths_that_hold_names_of_an_account_pass(url: str) -> None:
    assert url_findings(url) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://me:x@127.0.0.1/v1/chat/completions?key=1",
        "http://api.openai.com/chat/completions?key=1",
        "https://<account>.example.com/chat/completions?x",
        "https://your-endpoint/chat/completions",
        "ftp://api.openai.com/chat/completions?x#y",
        "https://${HOST}/v1",
        "https://api.groq.com/completions?x=1#y",
    ],
)
def test_an_address_with_many_problems_gets_one_finding(url: str) -> None:
    assert len(url_findings(url)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://<account>.example.com/v1",
        "https://your-runpod-endpoint/v1",
        "https://your-resource.openai.azure.com/openai/v1",
        "https://${HOST}/v1",
        "https://{{host}}/v1",
        "https://YOUR_HOST/v1",
        "https://llm.yourcompany.com/v1",
        "https://api.example.com/v1/accounts/<id>/run",
        "https://REPLACE_ME/v1",
    ],
)
def test_a_placeholder_in_an_address_is_an_error_that_says_what_to_put_there(url: str) -> None:
    (finding,) = url_findings(url)
    assert (finding.rule, finding.severity) == ("llm-url-placeholder", "error")
    assert "the public https address of your endpoint" in (finding.hint or "")


@pytest.mark.parametrize(
    "key", ["Bearer sk-x", "bearer  abc", "Basic abc=", "Authorization: Bearer x"]
)
def test_a_scheme_before_the_key_is_an_error(key: str) -> None:
    llm = {"model": "m", "base_url": "https://api.openai.com/v1", "api_key": key}
    findings = check(PersonaDocument({**BASE, "layers": {"llm": llm}}), CATALOG)
    (finding,) = [item for item in findings if item.path == "/layers/llm/api_key"]
    assert (finding.rule, finding.severity) == ("llm-key-with-scheme", "error")
    assert "sk-x" not in f"{finding.message}{finding.hint}"


@pytest.mark.parametrize("value", [False, "false", "off"])
def test_switched_off_streaming_is_an_error(value: object) -> None:
    llm = {"model": "m", "base_url": "https://api.openai.com/v1", "api_key": "********"}
    document = PersonaDocument(
        {**BASE, "layers": {"llm": {**llm, "extra_body": {"stream": value}}}}
    )
    findings = {item.path: item for item in check(document, CATALOG)}
    assert findings["/layers/llm/extra_body/stream"].severity == "error"
