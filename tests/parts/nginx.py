"""A real proxy with TLS and basic authentication for tests, of Debian's package (debian.unpack("nginx") first):
what stands before a server that has neither.

    with Nginx(directory, "http://127.0.0.1:8080", certificate, key, {"user": "password"}) as proxy:
        proxy.url                  # https://localhost:…
        proxy.asked                # Lines of its log: user and request.
"""

import pathlib
import subprocess

from parts import debian, process

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  log_format who '$remote_user $status $request';
  access_log {folder}/access.log who;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    auth_basic "schemas";
    auth_basic_user_file {folder}/users;
    location / {{ proxy_pass {behind}; }}
  }}
}}
"""


def hashed(password: str) -> str:
    done = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


class Nginx:
    def __init__(self, folder: pathlib.Path, behind: str, certificate: pathlib.Path, key: pathlib.Path,
                 users: dict):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = process.free_port()
        self.set_users(users)
        (folder / "nginx.conf").write_text(CONFIG.format(
            folder=folder, port=self.port, certificate=certificate, key=key, behind=behind))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def set_users(self, users: dict) -> None:
        (self.folder / "users").write_text("".join(f"{name}:{hashed(word)}\n" for name, word in users.items()))

    def asked(self) -> list[str]:
        return (self.folder / "access.log").read_text().splitlines()

    def __enter__(self) -> "Nginx":
        binary = debian.unpack("nginx") / "usr" / "sbin" / "nginx"
        self.server = process.start([binary, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e",
                                     self.folder / "error.log"], self.folder / "log")
        process.wait_until(self.listens, 30, "nginx listens")
        return self

    def __exit__(self, *_) -> None:
        self.server.terminate()
        self.server.wait(30)

    def listens(self) -> bool:
        assert self.server.poll() is None, (self.folder / "log").read_text()[-2000:]
        return process.answers(self.port)
