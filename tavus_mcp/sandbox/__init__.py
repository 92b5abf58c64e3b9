"""A local Tavus: the HTTP API at ``/v2``, for tests, demos and strangers' clients.

``store`` keeps the state, ``app`` puts the routes together, ``serve`` listens; ``faults`` makes it
fail on request. Each resource has a file of its own. It imitates what the Tavus docs and live
reports say; every imitated behaviour is a row in ``tests/sandbox/fidelity``.
``made_up`` stores calls that nobody held, invented by ``talking``; they imitate nothing.
"""
