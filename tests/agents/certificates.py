"""Certificates for test servers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def issue(folder: Path, host: str) -> tuple[Path, Path]:
    """Create an authority and a certificate for a host; return the files of both."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Test authority")
    authority = _unsigned(authority_name, authority_name, authority_key.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    authority = authority.add_extension(_signing(), critical=True)
    own_key = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = authority.add_extension(own_key, critical=False)
    server = _unsigned(_name(host), authority_name, key.public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    server = server.add_extension(issued_by, critical=False)
    server = server.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    (folder / "authority.pem").write_bytes(_pem(authority.sign(authority_key, hashes.SHA256())))
    (folder / "server.pem").write_bytes(_private(key) + _pem(server.sign(authority_key, hashes.SHA256())))
    return folder / "authority.pem", folder / "server.pem"


def _signing() -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    )
    unused = dict.fromkeys([*names, "crl_sign", "encipher_only", "decipher_only"], False)
    return x509.KeyUsage(key_cert_sign=True, **unused)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=3))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
