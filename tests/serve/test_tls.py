"""HTTPS by certificate files, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import suppress
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from customer_profiles import CustomerProfiles
from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server, StartError

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


class Pair(NamedTuple):
    certificate: bytes
    key: bytes
    encrypted: bytes


def pair():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(1))
        .not_valid_after(now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(
        certificate.public_bytes(PEM),
        key.private_bytes(PEM, PKCS8, serialization.NoEncryption()),
        key.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"secret")),
    )


@pytest.fixture(scope="module")
def pairs():
    return pair(), pair()


@pytest.fixture
def files(pairs, tmp_path):
    """Return files of a certificate, its key, another key and what is neither."""
    ours, other = pairs
    contents = {
        "cert": ours.certificate,
        "key": ours.key,
        "both": ours.certificate + ours.key,
        "other": other.key,
        "encrypted": ours.encrypted,
        "text": b"hello",
        "empty": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("names", [("cert", "key"), ("both", None)])
def test_a_client_that_trusts_the_certificate_is_served(serve, files, monkeypatch, names):
    certificate, key = (name and files / name for name in names)
    server = serve(certificate=certificate, private_key=key)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(files / "cert"))
    assert server.url == f"https://localhost:{server.port}"
    with CustomerProfiles(region="us-east-1", endpoint_url=server.url) as cp:
        assert cp.domains.get("shop").domain_name == "shop"


def test_old_versions_of_tls_are_refused(serve, files):
    server = serve(certificate=files / "both")
    context = ssl.create_default_context(cafile=files / "cert")
    with urlopen(f"{server.url}/health", context=context) as answer:  # noqa: S310
        assert answer.status == 200
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"(?i)ssl|protocol"):
        urlopen(f"{server.url}/health", context=context)  # noqa: S310


def test_http_on_a_port_of_https_is_no_answer(serve, files, connect):
    raw = connect(serve(certificate=files / "both"))
    raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with suppress(ConnectionResetError):
        assert raw.is_closed()


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("none", None, r"none cannot be read: No such file"),
        ("cert", "none", r"none cannot be read: No such file"),
        (".", None, r"cannot be read: Is a directory"),
        ("cert", None, r"are not a certificate and its private key in PEM"),
        ("key", "key", r"are not a certificate and its private key in PEM"),
        ("text", "key", r"are not a certificate and its private key in PEM"),
        ("cert", "empty", r"are not a certificate and its private key in PEM"),
        ("cert", "other", r"other is not the key of the certificate .*cert"),
        ("cert", "encrypted", r"encrypted is encrypted; give one without a password"),
        (None, "key", r"a private key needs a certificate"),
    ],
)
def test_files_that_are_no_certificate_and_key_are_told(files, certificate, key, message):
    options = {
        "certificate": certificate and files / certificate,
        "private_key": key and files / key,
    }
    with Engine() as engine, pytest.raises(StartError, match=message):
        Server(engine, port=0, **options).start()
