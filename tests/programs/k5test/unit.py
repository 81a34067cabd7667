"""The decorators by which a test says what it needs: here it is there, or the test is skipped with the reason."""
import importlib.util
import unittest


def gssapi_extension_test(name, text):
    return unittest.skipUnless(importlib.util.find_spec(f"gssapi.raw.ext_{name}"), f"python-gssapi was built without {text}")


def krb_provider_test(providers, text):
    return unittest.skipUnless("mit" in providers, f"not for MIT's library: {text}")


def krb_minversion_test(version, text, provider=None):
    """The oldest of Debian's libraries that this suite runs on is later than any version that is asked for."""
    return lambda test: test


def krb_plugin_test(kind, name):
    return unittest.skip(f"Debian has no {kind} plugin {name}")
