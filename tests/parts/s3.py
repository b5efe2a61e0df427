"""A real S3 server for tests and `./dev parts up s3`: versitygw over a local directory. It checks
signatures, keeps to If-None-Match and knows multipart uploads.

    with S3(directory) as s3:
        s3.make_bucket("weir")
        s3.config("weir")        # checkpoint_store for a weir.yaml

Objects are files under `s3.data / BUCKET`, so that tests can look at them, and damage them. Every
connection of a client given `s3.proxied_endpoint` goes through a proxy that can cut or swallow it.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

from parts import go_program, process
from parts.proxy import Proxy

VERSION = "1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
TOOLCHAIN = "go1.25.0"

ACCESS_KEY, SECRET_KEY = "AKIAWEIRTEST", "weir-secret-of-the-tests"
REGION = "us-east-1"


def install() -> pathlib.Path:
    """Builds the server into the cache, once; safe to call from several processes."""
    return go_program.build(MODULE, VERSION, TOOLCHAIN)


class S3:
    """One server. It keeps its port and its data over restarts."""

    def __init__(self, directory: pathlib.Path, outlive: bool = False):
        self.directory = directory
        self.data = directory / "data"
        self.port = process.free_port()
        self.proxy = None
        self._outlive = outlive
        self._process = None
        self.data.mkdir(parents=True, exist_ok=True)
        (directory / "iam").mkdir(exist_ok=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def proxied_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    def start(self) -> "S3":
        environment = {**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
        self._process = process.start(
            [install(), "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--quiet",
             "--iam-dir", self.directory / "iam", "posix", self.data],
            self.directory / "log", outlive=self._outlive, env=environment)
        (self.directory / "pid").write_text(str(self._process.pid))

        def up():
            if self._process.poll() is not None:
                raise RuntimeError(f"the S3 server ended:\n{process.tail(self.directory / 'log')}")
            return process.answers(self.port)

        process.wait_until(up, 30, "the S3 server listens")
        if self.proxy is None and not self._outlive:
            self.proxy = Proxy(self.port).start()
        return self

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)

    def __enter__(self) -> "S3":
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self.proxy is not None:
            self.proxy.stop()

    def client(self):
        """boto3's, which shares no code with weir."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}))

    def make_bucket(self, bucket: str) -> pathlib.Path:
        """The folder that its objects lie in."""
        self.client().create_bucket(Bucket=bucket)
        return self.data / bucket

    def config(self, bucket: str, endpoint: str = "", **more) -> str:
        """A weir.yaml; keys come from WEIR_S3_KEY and WEIR_S3_SECRET."""
        keys = {"url": f"s3://{bucket}/weir", "endpoint": endpoint or self.endpoint,
                "region": REGION, "timeout": "2s", "access_key": "{ env: WEIR_S3_KEY }",
                "secret_key": "{ env: WEIR_S3_SECRET }", **more}
        return "checkpoint_store:\n" + "".join(
            f"  {name}: {value}\n" for name, value in keys.items() if value is not None)


# The environment of a weir that reads such a file.
KEYS = {"WEIR_S3_KEY": ACCESS_KEY, "WEIR_S3_SECRET": SECRET_KEY}


def main():
    """`./dev parts up|down s3`: a server that stays when the command ends."""
    parser = argparse.ArgumentParser(prog="parts.s3")
    parser.add_argument("action", choices=["install", "up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, default=process.PARTS_CACHE / "run" / "s3")
    arguments = parser.parse_args()
    if arguments.action == "install":
        print(install())
        return
    process.end_earlier(arguments.dir, b"versitygw")
    if arguments.action == "down":
        return
    server = S3(arguments.dir, outlive=True).start()
    server.make_bucket("weir")
    config = arguments.dir / "weir.yaml"
    config.write_text(server.config("weir"))
    for name, value in KEYS.items():
        print(f"export {name}={value}")
    print(f"export WEIR_S3_CONFIG={config}")


if __name__ == "__main__":
    sys.exit(main())
