"""Reading conversations and measuring turn-taking by persona revision.

- ``read``               pages of conversations, and the transcript of one
- ``metrics``            the metrics of turn-taking; pure
- ``revision_timeline``  which revision a persona had when a conversation began (from the journal)
- ``statistics``         intervals and tests; the only importer of scipy, needs the extra
  ``statistics``, and is itself imported only in a worker thread, by a call that measures
- ``report``             metrics of groups of conversations as result rows
- ``measure``            fetches the conversations and combines the above
"""
