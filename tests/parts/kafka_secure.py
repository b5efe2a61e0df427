"""A real Kafka broker with every way in that Amazon MSK has, all at once: plaintext, TLS, mutual TLS,
SASL/SCRAM and IAM (OAUTHBEARER, its tokens judged by Amazon's own signer; see kafka_jars/iam), with an
authorizer that asks for rights.

    with SecureBroker(directory) as kafka:
        kafka.bootstrap_of("mtls")                    # localhost:port
        kafka.allow("User:alice", "topic", "clicks", "READ", "DESCRIBE")

`plaintext` (which is also `bootstrap`) may do everything, so that tests can set the stage.
"""

import contextlib
import fcntl
import json
import pathlib
import subprocess

from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialUpsertion)

from parts import kafka, process

HERE = kafka.HERE / "iam"
WAYS = {"tls": "SSL", "mtls": "SSL", "scram": "SASL_SSL", "iam": "SASL_SSL"}
USER = "weir"
PASSWORD = "weir's \"secret\", with = and ;"
KEYS = ("AKIAWEIRTEST", "weir+test/secret", None)
PRINCIPALS = {"mtls": "User:CN=weir-client", "scram": f"User:{USER}",
              "iam": "User:arn:aws:sts::123456789012:assumed-role/weir/weir"}


def install() -> list:
    """The signer's jars and the compiled judge of tokens; once."""
    place = process.PARTS_CACHE / "kafka-iam-2.57.8"
    place.mkdir(parents=True, exist_ok=True)
    source = HERE / "IamTokens.java"
    libs, classes = place / "libs", place / "classes"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libs.is_dir():
            kafka.fetch_jars(HERE / "pom.xml", libs)
        built = place / "built.java"
        if not built.exists() or built.read_bytes() != source.read_bytes():
            done = subprocess.run(["javac", "-cp", f"{libs}/*:{kafka.install()}/*", "-d", classes, source],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"compiling {source} failed:\n{done.stderr}")
            built.write_bytes(source.read_bytes())
    return [classes, f"{libs}/*"]


def openssl(*words, folder: pathlib.Path):
    done = subprocess.run(["openssl", *map(str, words)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, words))}: {done.stderr}")


class Certificates:
    """An authority with the broker's certificate and one for clients, made by openssl."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.client = folder / "client.pem"
        self.client_key = folder / "client.key"
        if self.ca.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.authority("ca", "weir test CA")
        self.authority("other", "somebody else's CA")
        self.issue("server", "weir-server", "serverAuth", names="DNS:localhost")
        self.issue("client", "weir-client", "clientAuth")
        pem = [(folder / f"server.{end}").read_text() for end in ("key", "pem")]
        (folder / "server.all").write_text("".join(pem) + self.ca.read_text())

    def authority(self, name: str, subject: str):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", f"{name}.key",
                "-out", f"{name}.pem", "-subj", f"/CN={subject}", folder=self.folder)

    def issue(self, name: str, subject: str, usage: str, names: str = "", by: str = "ca", days: int = 30,
              ended: bool = False) -> pathlib.Path:
        """`name`.pem and `name`.key (PKCS#8); `ended`: its time was over a day ago."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={subject}", folder=self.folder)
        if ended:
            issued = self._ended(name, by, extensions)
        else:
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key",
                    "-CAcreateserial", "-days", days, "-extfile", extensions.name, "-out", f"{name}.pem",
                    folder=self.folder)
            issued = self.folder / f"{name}.pem"
        return issued

    def _ended(self, name: str, by: str, extensions: pathlib.Path) -> pathlib.Path:
        """`openssl ca` alone takes dates of its own."""
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial.txt").write_text("1000\n")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=one\n[one]\ndatabase=index.txt\nserial=serial.txt\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", "ca.cnf", "-cert", f"{by}.pem", "-keyfile", f"{by}.key",
                "-startdate", "20240101000000Z", "-enddate", "20240102000000Z", "-extfile", extensions.name,
                "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", folder=self.folder)
        return self.folder / f"{name}.pem"


class SecureBroker(kafka.Cluster):
    """`reauth_ms`: how long a login by IAM may live. `region`: tokens for another are refused.
    `trusted`: who comes by mutual TLS, SCRAM or IAM may do everything, without asking for rights."""

    def __init__(self, directory, reauth_ms: int = 3_600_000, region: str = "us-east-1",
                 trusted: bool = True, **options):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.certificates = Certificates(directory / "certificates")
        self.keys = directory / "iam-keys"
        if not self.keys.exists():
            self.only_keys([KEYS])
        ports = directory / "ways.json"
        if not ports.exists():
            ports.write_text(json.dumps({way: process.free_port() for way in WAYS}))
        self.ports = json.loads(ports.read_text())
        super().__init__(
            directory, properties=self._secured(reauth_ms, trusted), classpath=install(),
            jvm=[f"-Dweir.iam.keys={self.keys}", f"-Dweir.iam.region={region}"], **options)

    def _listeners(self, broker) -> list:
        return super()._listeners(broker) + [
            (way.upper(), self.ports[way], f"localhost:{self.ports[way]}", protocol)
            for way, protocol in WAYS.items()]

    def _secured(self, reauth_ms: int, trusted: bool) -> dict:
        module = "org.apache.kafka.common.security"
        may_all = {"User:ANONYMOUS", *(PRINCIPALS.values() if trusted else ())}
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates.folder / "server.all",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates.ca,
            "listener.name.mtls.ssl.client.auth": "required",
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
            "listener.name.iam.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.iam.oauthbearer.sasl.jaas.config":
                f"{module}.oauthbearer.OAuthBearerLoginModule required;",
            "listener.name.iam.oauthbearer.sasl.server.callback.handler.class": "IamTokens",
            "listener.name.iam.oauthbearer.connections.max.reauth.ms": reauth_ms,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": ";".join(sorted(may_all)),
        }

    def start(self) -> "SecureBroker":
        super().start()
        self.set_password(USER, PASSWORD)
        return self

    def bootstrap_of(self, way: str) -> str:
        return f"localhost:{self.ports[way]}"

    def only_keys(self, keys):
        """Who is let in from now on, by (key id, secret, session token or None, and whom that makes one; left
        out or None: the principal of "iam")."""
        usual = PRINCIPALS["iam"].removeprefix("User:")
        fresh = self.keys.with_suffix(".new")
        fresh.write_text("".join(f"{key} {secret} {session or '-'} {(*who, None)[0] or usual}\n"
                                 for key, secret, session, *who in keys))
        fresh.replace(self.keys)

    @contextlib.contextmanager
    def clock_ahead(self, seconds: int):
        """While it lasts, who judges tokens has a clock that is wrong by so much."""
        before = self.keys.read_text()
        self.keys.write_text(f"{before}clock {seconds}\n")
        try:
            yield
        finally:
            self.keys.write_text(before)

    def logins(self) -> list[str]:
        """Lines of the broker about tokens: `iam login …`, `iam refused: …`."""
        return [line for line in self.brokers[0].log.read_text().splitlines() if line.startswith("iam ")]

    def set_password(self, user: str, password: str):
        change = UserScramCredentialUpsertion(
            user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode())
        for done in self.admin.alter_user_scram_credentials([change]).values():
            done.result(30)

    def allow(self, principal: str, kind: str, name: str, *operations: str, pattern: str = "LITERAL"):
        """`allow("User:weir", "topic", "clicks", "READ", "DESCRIBE")`; kinds as Kafka names them."""
        rules = [AclBinding(ResourceType[kind.upper()], name, ResourcePatternType[pattern], principal, "*",
                            AclOperation[operation], AclPermissionType.ALLOW) for operation in operations]
        for done in self.admin.create_acls(rules).values():
            done.result(30)

    def connection(self, way: str) -> str:
        """`kafka: {…}` of a connection, as a job's YAML has it; the password and keys of AWS stand in
        the environment (see `environment`)."""
        tls = f"ca: {self.certificates.ca}"
        more = {
            "plaintext": "",
            "tls": f", tls: {{ {tls} }}",
            "mtls": f", tls: {{ {tls}, certificate: {self.certificates.client},"
                    f" key: {{ file: {self.certificates.client_key} }} }}",
            "scram": f", tls: {{ {tls} }}, user: {USER}, password: {{ env: KAFKA_PASSWORD }}",
            "iam": f", tls: {{ {tls} }}, region: us-east-1",
        }[way]
        at = self.bootstrap if way == "plaintext" else self.bootstrap_of(way)
        return f'kafka: {{ bootstrap_servers: "{at}", security: {way}{more} }}'

    @property
    def environment(self) -> dict:
        return {"KAFKA_PASSWORD": PASSWORD, "AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1],
                "AWS_EC2_METADATA_DISABLED": "true"}
