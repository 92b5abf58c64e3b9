"""The only way to disk: what was done to personas, kept so that it can be told and taken back.

``store`` appends and reads, ``migrations`` make and bring up to date the tables, and
``verifying`` proves that nothing was altered.
"""
