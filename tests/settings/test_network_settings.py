"""The proxy and the certificates that the environment names, with a real proxy on loopback."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from forked_processes import ForkServer
from rawclient import Session
from recording_api import (
    RecordingApi,
    RecordingProxy,
    serve_recording_api,
    serve_recording_proxy,
)

KEY = "tvs-0123456789abcdef"
HOST = "tavus.test"
URL = f"https://{HOST}/v2"


@dataclass
class Network:
    """An API over TLS for ``HOST``, reachable only through the proxy, and its certificate."""

    api: RecordingApi
    proxy: RecordingProxy
    certificate: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that name the API, the proxy and the certificate."""
        return {
            "TAVUS_API_KEY": KEY,
            "TAVUS_BASE_URL": URL,
            "HTTPS_PROXY": f"http://127.0.0.1:{self.proxy.port}",
            "NO_PROXY": "",
            "SSL_CERT_FILE": str(self.certificate),
        }


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority made for this run; the host's own is beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(
        str(folder / "host.pem")
    )
    return folder / "authority.pem"


@pytest.fixture
def network(certificate: Path) -> Iterator[Network]:
    """An API over TLS, and a proxy that tunnels to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_name("host.pem"))
    with serve_recording_api(context) as api, serve_recording_proxy(api.port) as proxy:
        yield Network(api, proxy, certificate)


def call_list(fork_server: ForkServer, folder: Path, **environment: str) -> str:
    """Start a server and list personas; return the text of the error, empty without one."""
    with fork_server.start(folder, **environment) as server:
        session = Session(server).initialize()
        result = session.request("tools/call", name="list_personas", arguments={})
        return str(result["content"][0]["text"]) if result.get("isError") else ""


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_https_passes_the_proxy_in_a_tunnel(
    tmp_path: Path, fork_server: ForkServer, network: Network, name: str
) -> None:
    environment = network.environment
    environment[name] = environment.pop("HTTPS_PROXY")
    assert call_list(fork_server, tmp_path, **environment) == ""
    assert network.proxy.request_lines == [f"CONNECT {HOST}:443 HTTP/1.1"]
    assert network.api.received_keys == [KEY]


def test_the_proxy_never_sees_the_key(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    call_list(fork_server, tmp_path, **network.environment)
    assert network.api.received_keys == [KEY]
    assert len(network.proxy.received) > 0
    assert KEY.encode() not in network.proxy.received
    assert b"x-api-key" not in network.proxy.received.lower()


def test_http_on_loopback_is_not_sent_to_a_proxy(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    """A proxy for http would read the key."""
    proxy = network.environment["HTTPS_PROXY"]
    with serve_recording_api() as api:
        environment = {"TAVUS_API_KEY": KEY, "TAVUS_BASE_URL": api.url}
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy)
        assert call_list(fork_server, tmp_path, **environment, **proxies) == ""
    assert api.received_keys == [KEY]
    assert network.proxy.request_lines == []


@pytest.mark.parametrize("hosts", [HOST, ".test", "*.test", "a.example, tavus.test:443", "*"])
def test_a_host_in_no_proxy_is_reached_directly(
    tmp_path: Path, fork_server: ForkServer, network: Network, hosts: str
) -> None:
    environment = {**network.environment, "NO_PROXY": hosts}
    assert "No answer from Tavus" in call_list(fork_server, tmp_path, **environment)
    assert network.proxy.request_lines == []


@pytest.mark.parametrize("hosts", ["a.example", "us.test", "tavus.test:8443", "10.0.0.0/8"])
def test_a_host_that_no_proxy_does_not_name_is_proxied(
    tmp_path: Path, fork_server: ForkServer, network: Network, hosts: str
) -> None:
    assert call_list(fork_server, tmp_path, **{**network.environment, "NO_PROXY": hosts}) == ""
    assert len(network.proxy.request_lines) == 1


def test_a_network_in_no_proxy_names_its_addresses(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    changed = {
        "NO_PROXY": "127.0.0.0/8",
        "TAVUS_BASE_URL": f"https://127.0.0.1:{network.api.port}/v2",
    }
    call_list(fork_server, tmp_path, **{**network.environment, **changed})
    assert network.proxy.request_lines == []


def test_an_unknown_authority_is_refused_before_the_key_is_sent(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    environment = {**network.environment, "SSL_CERT_FILE": ""}
    message = call_list(fork_server, tmp_path, **environment)
    assert "SSL_CERT_FILE" in message
    assert network.api.received_keys == []


def test_a_proxy_that_cannot_be_reached_is_named(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    with socket.socket() as bound:  # never listens
        bound.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{bound.getsockname()[1]}"
        message = call_list(fork_server, tmp_path, **{**network.environment, "HTTPS_PROXY": proxy})
    assert "The proxy in HTTPS_PROXY could not be reached. Nothing was changed." in message
    assert network.api.received_keys == []


def test_a_proxy_that_refuses_is_named_without_its_password(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    with serve_recording_proxy(network.api.port, refuses=True) as proxy:
        url = f"http://ada:pass-word-1@127.0.0.1:{proxy.port}"
        message = call_list(fork_server, tmp_path, **{**network.environment, "HTTPS_PROXY": url})
    assert "HTTPS_PROXY" in message
    assert "Nothing was sent" in message
    assert "pass-word-1" not in message
    assert network.api.received_keys == []


def run_doctor(fork_server: ForkServer, folder: Path, **environment: str) -> dict[str, str]:
    """Return the status of each check of ``tavus-mcp doctor``."""
    done = fork_server.run(
        folder, "doctor", "--json", env={**environment, "HOME": str(folder)}, working_folder=folder
    )
    return {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}


def test_the_doctor_uses_the_proxy_and_the_certificate(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    checks = run_doctor(fork_server, tmp_path, **network.environment)
    names = ("proxy", "ca_file", "reachability", "key_accepted")
    assert {checks[name] for name in names} == {"ok"}, checks
    assert network.api.received_keys == ["", KEY]
    assert b"x-api-key" not in network.proxy.received.lower()


def test_the_doctor_sends_no_key_to_an_unknown_authority(
    tmp_path: Path, fork_server: ForkServer, network: Network
) -> None:
    checks = run_doctor(fork_server, tmp_path, **{**network.environment, "SSL_CERT_FILE": ""})
    assert (checks["reachability"], checks["key_accepted"]) == ("error", "skipped")
    assert network.api.received_keys == []
