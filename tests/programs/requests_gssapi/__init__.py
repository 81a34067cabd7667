"""requests_gssapi - what mod_auth_gssapi's own tests ask of the module of this name, which Debian has not: Negotiate for requests."""
import base64
import urllib.parse

import gssapi
import requests.auth

# The words by which a caller says how much it wants to know of the server: here it is always asked, and the answer is left alone.
REQUIRED, OPTIONAL, DISABLED = 1, 2, 3


class HTTPSPNEGOAuth(requests.auth.AuthBase):
    def __init__(self, mech=None, delegate=False):
        self.mech, self.delegate = mech, delegate

    def token(self, host):
        wanted = gssapi.RequirementFlag
        flags = [wanted.mutual_authentication, wanted.out_of_sequence_detection] + ([wanted.delegate_to_peer] if self.delegate else [])
        name = gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service)
        return gssapi.SecurityContext(usage="initiate", name=name, mech=self.mech, flags=flags).step()

    def answer(self, response, **options):
        """A refusal that offers Negotiate is answered once, on the same connection."""
        if response.status_code != 401 or "negotiate" not in response.headers.get("WWW-Authenticate", "").lower():
            return response
        response.content
        response.close()
        request = response.request.copy()
        if request.headers.get("Authorization", "").startswith("Negotiate "):
            return response
        token = self.token(urllib.parse.urlparse(response.url).hostname)
        request.headers["Authorization"] = "Negotiate " + base64.b64encode(token).decode()
        again = response.connection.send(request, **options)
        again.history.append(response)
        again.request = request
        return again

    def __call__(self, request):
        request.register_hook("response", self.answer)
        return request


HTTPKerberosAuth = HTTPSPNEGOAuth
