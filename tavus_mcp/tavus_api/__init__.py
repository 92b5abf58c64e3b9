"""The only way out over HTTP.

``api`` says what can be asked of Tavus, ``paging`` how a list is walked, ``dialect`` in which
names, ``transport`` retries below all of them, and ``failures`` is the one place where a status
becomes an error.
"""
