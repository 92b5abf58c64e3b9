"""Measuring calls: how the turns were taken, by revision, and what of it is more than chance.

- ``figures``    what is measured of one call; pure
- ``revisions``  which revision of a persona a call was held with, as far as the journal can tell
- ``evidence``   intervals and tests over calls; the only place that imports scipy, so it is itself
  imported only in a worker thread, by a call that measures
- ``reports``    the figures of groups of calls as they are shown
- ``measure``    fetches the calls and puts it all together
"""
