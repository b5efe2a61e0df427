"""An imitation of AWS for tests and `./dev parts up moto`: Glue, STS, Secrets Manager and IAM, which check
signatures and rights as AWS does, and the metadata of a machine.

    with Moto(directory) as moto:
        keys = moto.user("glue:*")             # a user's keys, with a right
        moto.client("glue", keys)              # boto3's
        moto.metadata_endpoint                 # for AWS_EC2_METADATA_SERVICE_ENDPOINT
"""

import argparse
import http.server
import json
import os
import pathlib
import signal
import sys
import threading
import urllib.request
import uuid

from parts import process

REGION = "us-east-1"
ACCOUNT = "123456789012"


class _Metadata(http.server.BaseHTTPRequestHandler):
    """moto answers for the machine where Host is the address that machines ask at."""

    def _pass_on(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(self.server.moto + self.path, method=self.command,
                                         headers={**headers, "Host": "169.254.169.254"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = _pass_on

    def log_message(self, *_):
        pass


class Moto:
    """One server. What it holds is gone when it stops."""

    def __init__(self, directory: pathlib.Path, outlive: bool = False):
        self.directory = directory
        self.port = process.free_port()
        self._outlive = outlive
        self._process = None
        self._metadata = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def metadata_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._metadata.server_port}"

    def start(self) -> "Moto":
        self._process = process.start(
            [pathlib.Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(self.port)],
            self.directory / "log", outlive=self._outlive)
        (self.directory / "pid").write_text(str(self._process.pid))

        def up():
            if self._process.poll() is not None:
                raise RuntimeError(f"moto ended:\n{process.tail(self.directory / 'log')}")
            return process.answers(self.port)

        process.wait_until(up, 60, "moto listens")
        if not self._outlive:
            self._metadata = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
            self._metadata.moto = self.endpoint
            threading.Thread(target=self._metadata.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
        if self._metadata is not None:
            self._metadata.shutdown()
            self._metadata.server_close()

    def __enter__(self) -> "Moto":
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def unchecked_requests(self, count: int):
        """How many requests from now on are let through without a look at signature and rights."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset-auth", data=str(count).encode(),
                                         headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(request, timeout=10).close()

    def client(self, service: str, keys: dict | None = None):
        """boto3's, which shares no code with weir."""
        import boto3

        keys = keys or {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION,
                            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                            aws_session_token=keys.get("AWS_SESSION_TOKEN"))

    def _rights(self, actions) -> str:
        return json.dumps({"Version": "2012-10-17",
                           "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})

    def user(self, *actions: str) -> dict:
        """A new user that may do so much; its keys as the environment holds them. Rights are checked from
        now on."""
        self.unchecked_requests(1_000_000)
        name = f"user-{uuid.uuid4().hex[:8]}"
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=self._rights(actions))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.unchecked_requests(0)
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def role(self, *actions: str) -> str:
        """The ARN of a new role that anybody may take on. Rights are checked from now on."""
        self.unchecked_requests(1_000_000)
        name = f"role-{uuid.uuid4().hex[:8]}"
        iam = self.client("iam")
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=self._rights(actions))
        self.unchecked_requests(0)
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def environment(self, **more) -> dict:
        """That of a process that knows no AWS but this one, and nobody's keys."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**others, "HOME": str(self.directory), "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true", **more}


def main():
    """`./dev parts up|down moto`: a server that stays when the command ends, and takes any keys."""
    parser = argparse.ArgumentParser(prog="parts.moto")
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, default=process.PARTS_CACHE / "run" / "moto")
    arguments = parser.parse_args()
    process.end_earlier(arguments.dir, b"moto_server")
    if arguments.action == "down":
        return
    server = Moto(arguments.dir, outlive=True).start()
    print(f"export AWS_ENDPOINT_URL={server.endpoint} AWS_REGION={REGION}")
    print("export AWS_ACCESS_KEY_ID=anybody AWS_SECRET_ACCESS_KEY=anything")


if __name__ == "__main__":
    sys.exit(main())
