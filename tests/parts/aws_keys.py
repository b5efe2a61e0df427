"""Who lends keys of AWS for a short while, as a machine's metadata (IMDSv2), a container's agent and STS do:
each answer is a new pair of keys that a SecureBroker lets in until they end.

    with KeyLender(broker, life_s=20) as lender:
        lender.environment("machine")    # what a process that is to find its keys there is given
        lender.lent["machine"]           # how many were

`ROLE` is lent to who has KEYS and says what its owner wants to hear, EXTERNAL_ID.
"""

import collections
import datetime
import http.server
import itertools
import json
import pathlib
import threading
import time
import urllib.parse

ROLE = "arn:aws:iam::123456789012:role/weir"
OTHER_ROLE = "arn:aws:iam::123456789012:role/of-the-owner"
EXTERNAL_ID = "ticket 17"
KEYS = ("AKIAMAYONLYASK", "ask/secret")
STS = "https://sts.amazonaws.com/doc/2011-06-15/"


class KeyLender:
    def __init__(self, broker, work: pathlib.Path, life_s: float = 3600):
        self.broker = broker
        self.life_s = life_s
        self.lent = collections.Counter()
        self._living = []  # (end, key id, secret, token)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._identity = work / "identity-token"
        self._identity.write_text("who I am")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "KeyLender":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def environment(self, kind: str) -> dict:
        return {
            "machine": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.endpoint},
            "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.endpoint}/container",
                          "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in"},
            "web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": str(self._identity), "AWS_ROLE_ARN": ROLE,
                             "AWS_ENDPOINT_URL_STS": self.endpoint},
            "role": {"AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1],
                     "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": self.endpoint},
        }[kind]

    def lend(self, kind: str, who: str | None = None) -> dict:
        """New keys, of whom a SecureBroker takes for `who`; those that have ended are let in no more."""
        with self._lock:
            number = next(self._numbers)
            end = time.time() + self.life_s
            keys = (f"ASIALENT{number:06}", f"lent/secret+{number}", f"tok/en+{number}==")
            self._living = [key for key in self._living if key[0] > time.time()] + [(end, *keys, who)]
            self.broker.only_keys([key[1:] for key in self._living])
            self.lent[kind] += 1
        until = datetime.datetime.fromtimestamp(end, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return dict(zip(("AccessKeyId", "SecretAccessKey", "Token"), keys, strict=True), Expiration=until)

    def _handler(self):
        lender = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, text: str, status: int = 200):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self):
                asked = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.answer("session" if asked else "", 200 if asked else 400)

            def do_GET(self):
                if self.path == "/container":
                    let_in = self.headers["Authorization"] == "let me in"
                    self.answer(json.dumps(lender.lend("container")) if let_in else "", 200 if let_in else 403)
                elif self.headers["X-aws-ec2-metadata-token"] != "session":
                    self.answer("", 401)
                elif self.path.rstrip("/") == "/latest/meta-data/iam/security-credentials":
                    self.answer("weir")
                elif self.path == "/latest/meta-data/iam/security-credentials/weir":
                    self.answer(json.dumps({"Code": "Success", "Type": "AWS-HMAC", **lender.lend("machine")}))
                else:
                    self.answer("", 404)

            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                operation = form.get("Action", "")
                lends = {"AssumeRoleWithWebIdentity": self.by_identity, "AssumeRole": self.by_keys}
                keys = lends[operation](form) if operation in lends else None
                if keys is None:
                    self.answer("<ErrorResponse><Error><Code>AccessDenied</Code>"
                                f"<Message>not by {form}</Message></Error></ErrorResponse>", 403)
                    return
                keys["SessionToken"] = keys.pop("Token")
                fields = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
                self.answer(f'<{operation}Response xmlns="{STS}"><{operation}Result>'
                            f"<Credentials>{fields}</Credentials></{operation}Result></{operation}Response>")

            def by_identity(self, form: dict):
                wanted = {"RoleArn": ROLE, "WebIdentityToken": "who I am"}
                return lender.lend("web identity") if wanted.items() <= form.items() else None

            def by_keys(self, form: dict):
                """Of another role's session: the principal has its name in it."""
                wanted = {"RoleArn": OTHER_ROLE, "ExternalId": EXTERNAL_ID}
                signed = f"Credential={KEYS[0]}/" in self.headers.get("Authorization", "")
                if not signed or not wanted.items() <= form.items():
                    return None
                session = form["RoleSessionName"]
                return lender.lend("role", f"arn:aws:sts::123456789012:assumed-role/of-the-owner/{session}")

            def log_message(self, *_):
                pass

        return Handler
