"""What stands before a search server where it is somebody else's: TLS, a user with a password, or
signatures of AWS, which botocore makes again and compares. It can be made to fail, too.

    with Front(search, certificates=…, login=("weir", "secret")) as front:
        front.url
        front.fault = lambda method, path, body: (429, {"error": "too much"})   # None: let it through
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import ssl
import threading

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CLOCKS_APART = datetime.timedelta(minutes=5)


class _AsSigned(SigV4Auth):
    """Signs those headers again that the client says it has signed."""

    def __init__(self, names, *arguments):
        super().__init__(*arguments)
        self._names = names

    def headers_to_sign(self, request):
        chosen = http.client.HTTPMessage()
        for name in self._names:
            chosen[name] = request.headers[name]
        return chosen


class Signatures:
    """Judges requests as AWS would: keys are (access key, secret, session token or None)."""

    def __init__(self, service: str, region: str, keys: tuple):
        self.service, self.region, self.keys = service, region, keys

    def fault(self, method: str, url: str, headers, body: bytes) -> str | None:
        """Why the request is not let through; None where it is."""
        word, _, rest = headers.get("Authorization", "").partition(" ")
        if word != "AWS4-HMAC-SHA256":
            return "Missing Authentication Token"
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        key, _, region, service, _ = parts["Credential"].split("/")
        names = parts["SignedHeaders"].split(";")
        access, secret, token = self.keys
        if (region, service) != (self.region, self.service):
            return f"Credential should be scoped to a valid region and service, {self.region}/{self.service}"
        if key != access or headers.get("X-Amz-Security-Token") != token:
            return "The security token included in the request is invalid."
        stamp = headers["X-Amz-Date"]
        signed = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs(datetime.datetime.now(datetime.timezone.utc) - signed) > CLOCKS_APART:
            return "Signature expired"
        if headers.get("X-Amz-Content-Sha256") != hashlib.sha256(body).hexdigest():
            return "The body is not the one that was signed"
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
            return "Headers are missing among those that are signed"
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers.items()))
        request.context["timestamp"] = stamp
        signer = _AsSigned(names, Credentials(access, secret), service, region)
        expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        if not hmac.compare_digest(expected, parts["Signature"]):
            return "The request signature we calculated does not match the signature you provided."
        return None


class Front:
    """A proxy before a Search, on a port of its own."""

    def __init__(self, search, certificate=None, login=None, signatures: Signatures | None = None):
        self.login, self.signatures, self.fault = login, signatures, None
        self.requests = 0
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def refusal(self, body: bytes):
                if front.login is not None:
                    expected = "Basic " + base64.b64encode(":".join(front.login).encode()).decode()
                    if self.headers.get("Authorization") != expected:
                        return 401, {"error": {"type": "security_exception", "reason": "who are you"}}
                if front.signatures is not None:
                    url = f"http://{self.headers['Host']}{self.path}"
                    if fault := front.signatures.fault(self.command, url, self.headers, body):
                        return 403, {"message": fault}
                return front.fault and front.fault(self.command, self.path, body)

            def handle_one(self):
                front.requests += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if refusal := self.refusal(body):
                    status, answer = refusal[0], json.dumps(refusal[1]).encode()
                else:
                    upstream = http.client.HTTPConnection("127.0.0.1", search.port, timeout=60)
                    upstream.request(self.command, self.path, body or None,
                                     {"Content-Type": self.headers.get("Content-Type", "application/json")})
                    got = upstream.getresponse()
                    status, answer = got.status, got.read()
                    upstream.close()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = handle_one

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, certificate))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> "Front":
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
