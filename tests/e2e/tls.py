"""Certificates for the tests: by `weir certs`, and by openssl, which weir has no part in; and what a
stranger does with them at a port."""

import pathlib
import socket
import ssl
import subprocess

from e2e.weir import call

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def openssl(*words: str | pathlib.Path) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Files:
    """A certificate's three files, as `tls:` names them."""

    def __init__(self, ca: pathlib.Path, stem: pathlib.Path):
        self.ca = ca
        self.certificate = stem.with_suffix(".pem")
        self.key = stem.with_suffix(".key")

    def yaml(self) -> str:
        return f"{{ ca: {self.ca}, certificate: {self.certificate}, key: {self.key} }}"

    def serial(self) -> str:
        return openssl("x509", "-in", self.certificate, "-noout", "-serial").strip().split("=")[1].lower()


class Authority:
    """One made by `weir certs init`."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        done = call("certs", "init", folder)
        assert done.code == 0, done.show()

    def issue(self, name: str, role: str, *words: str, out: str = "certificates") -> Files:
        place = self.folder / out
        done = call("certs", "issue", name, "--role", role, "--ca", self.folder, "--out", place, *words)
        assert done.code == 0, done.show()
        files = Files(place / "ca.pem", place / name)
        assert f"tls: {files.yaml()}" in done.out
        return files

    def sign(self, name: str, names: str, days: int = 2) -> Files:
        """By openssl with the authority's key: a certificate from elsewhere."""
        return sign(self.folder, name, names, days)

    def make_self_signed(self, name: str, names: str) -> Files:
        stem = self.folder / name
        openssl("req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}",
                "-keyout", stem.with_suffix(".key"), "-out", stem.with_suffix(".pem"))
        return Files(self.folder / "ca.pem", stem)


def sign(authority: pathlib.Path, name: str, names: str, days: int) -> Files:
    stem = authority / name
    (authority / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl("req", *CURVE, "-subj", f"/CN={name}", "-keyout", stem.with_suffix(".key"),
            "-out", stem.with_suffix(".csr"))
    openssl("x509", "-req", "-in", stem.with_suffix(".csr"), "-CA", authority / "ca.pem",
            "-CAkey", authority / "ca.key", "-CAcreateserial", "-days", str(days),
            "-extfile", authority / f"{name}.ext", "-out", stem.with_suffix(".pem"))
    return Files(authority / "ca.pem", stem)


def foreign(folder: pathlib.Path, name: str, names: str) -> Files:
    """One of an authority that openssl made and nobody believes."""
    folder.mkdir()
    openssl("req", "-x509", *CURVE, "-days", "2", "-subj", "/CN=weir",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    return sign(folder, name, names, 2)


def context_of(files: Files | None) -> ssl.SSLContext:
    """A client that believes anybody and shows that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if files:
        context.load_cert_chain(files.certificate, files.key)
    return context


def is_let_in(port: int, files: Files | None) -> bool:
    """Whether a process of the cluster takes somebody with that certificate: says hello in HTTP/2."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, \
                context_of(files).wrap_socket(plain) as secure:
            secure.sendall(HTTP2_HELLO)
            return len(secure.recv(9)) > 0
    except (ssl.SSLError, ConnectionError):
        return False


def serial_shown(port: int, files: Files | None = None) -> str:
    """Of the certificate that a port shows now."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, \
            context_of(files).wrap_socket(plain) as secure:
        shown = secure.getpeercert(binary_form=True)
    pem = ssl.DER_cert_to_PEM_cert(shown)
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True,
                          text=True, check=True, timeout=60)
    return done.stdout.strip().split("=")[1].lower()
