"""The HTTP client of the Tavus API; no other module sends requests to it.

- ``client``         one method per operation, in either vocabulary of the API
- ``pagination``     the list endpoints, and how a list is walked
- ``retries``        retrying as a transport below the client
- ``error_mapping``  HTTP responses to errors
"""
