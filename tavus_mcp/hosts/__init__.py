"""The configuration files of host applications, and the entry of this server in them.

- ``table``    the hosts: where their files are, and what an entry looks like
- ``folders``  the folders of the user on each system, and the files in them
- ``jsonc``    edits of JSON texts that leave every other character as it is
- ``entry``    our entry: build, install, remove, find
- ``launcher`` the command that an entry starts

Nothing here writes a file: ``cli.host_files`` does.
"""
