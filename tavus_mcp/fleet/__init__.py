"""The personas of a whole account: looked at, changed by one plan, and put back as a whole.

``roll`` says whom it is about, ``audit`` looks, ``planning`` makes one plan of many changes,
``carrying`` carries it out, ``undoing`` takes it back; ``tally`` tells of many in few words.
"""
