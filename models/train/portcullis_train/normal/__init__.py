"""Harmless traffic of made-up services.

Recorded benign traffic is the scarce good, and most of it comes from browsers. What no record has (query languages,
code and markup as content, tokens, base64 of all kinds, prose that looks like an attack) is made here.
"""

from portcullis_train.normal.api import Service, requests

__all__ = ["Service", "requests"]
