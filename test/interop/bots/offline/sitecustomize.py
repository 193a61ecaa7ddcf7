"""Python loads this first. What is tested stays on this machine: every other name is unknown at once.

Pipecat asks for api.twilio.com to hang up, and up to 1.2 for a tokenizer's data when it is imported.
"""

import socket

_lookup = socket.getaddrinfo


def _local_only(host, *args, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::", "::1"):
        return _lookup(host, *args, **options)
    raise socket.gaierror(socket.EAI_NONAME, f"{name} is not on this machine")


socket.getaddrinfo = _local_only
