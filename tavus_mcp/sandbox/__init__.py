"""A local Tavus: the HTTP API at ``/v2``, for tests, demos and third-party clients.

``store`` keeps the state, ``app`` assembles the routes, ``http_server`` listens on a port and
``transport`` answers inside a process; ``faults`` makes requests fail on demand. Each resource has
a module in ``routes``. The sandbox imitates what the Tavus docs and live reports say; every
imitated behaviour is a row in ``tests/sandbox/fidelity``. ``simulator`` invents calls, which
imitate nothing.
"""
