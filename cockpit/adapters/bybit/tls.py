"""How the streams trust: the same roots as REST, and nothing that a variable of the environment says."""

from __future__ import annotations

import ssl

from requests.utils import DEFAULT_CA_BUNDLE_PATH


def client_context() -> ssl.SSLContext:
    """Checks certificate and host name against the shipped roots; TLS 1.2 at least.

    Made from its parts: ``ssl.create_default_context`` and the library's own choice read SSL_CERT_FILE and
    SSLKEYLOGFILE.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
