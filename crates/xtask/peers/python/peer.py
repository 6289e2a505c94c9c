"""What `cargo xtask peers` asks of peers in Python: one question a call, exit 0 for yes.

  peer.py verify BUNDLE PUBLIC-KEY          securesystemslib verifies a bundle's envelope with a key
  peer.py sign STATEMENT PRIVATE-KEY OUT    securesystemslib signs a statement; the bundle around it is written here
  peer.py statement STATEMENT               sigstore-python reads a statement
  peer.py envelope BUNDLE PUBLIC-KEY        sigstore-python verifies a bundle's envelope with a P-256 key
  peer.py bundle BUNDLE                     sigstore-python reads a bundle
  peer.py provenance STATEMENT              in-toto-attestation finds SLSA provenance, and nothing but that, in a statement
  peer.py test-result STATEMENT             in-toto-attestation finds a test result
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

TYPE = "application/vnd.in-toto+json"


def hint(public):
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def envelope_in(bundle):
    return json.loads(Path(bundle).read_bytes())["dsseEnvelope"]


def verify(bundle, key):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    public = load_pem_public_key(Path(key).read_bytes())
    envelope = envelope_in(bundle)
    for signature in envelope["signatures"]:
        # DSSE lets the key's name out; securesystemslib finds the key by it.
        signature["keyid"] = hint(public)
    Envelope.from_dict(envelope).verify([SSlibKey.from_crypto(public, keyid=hint(public))], 1)


def sign(statement, key, out):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = load_pem_private_key(Path(key).read_bytes(), None)
    public = private.public_key()
    envelope = Envelope(Path(statement).read_bytes(), TYPE, {})
    envelope.sign(CryptoSigner(private, SSlibKey.from_crypto(public, keyid=hint(public))))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hint(public)}},
        "dsseEnvelope": envelope.to_dict(),
    }
    Path(out).write_text(json.dumps(bundle))


def statement(path):
    from sigstore.dsse import Statement

    Statement(Path(path).read_bytes())


def envelope(bundle, key):
    # It verifies with a certificate's key only; this is the part of it that does so, which isn't its public interface.
    from sigstore import dsse

    public = load_pem_public_key(Path(key).read_bytes())
    dsse._verify(public, dsse.Envelope._from_json(json.dumps(envelope_in(bundle))))


def bundle(path):
    from sigstore.models import Bundle

    Bundle.from_json(Path(path).read_bytes())


def predicate_in(path):
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    text = Path(path).read_text()
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    return json.loads(text)["predicate"]


def read_as(predicate, message):
    # What the schema doesn't have is an error, and what it reads otherwise than it stands there is one, too.
    from google.protobuf import json_format

    again = json_format.MessageToDict(json_format.ParseDict(predicate, message))
    if again != predicate:
        raise ValueError(f"reads {json.dumps(again)}")


def provenance(path):
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance

    predicate = predicate_in(path)
    # SLSA v1 lets producers add fields that begin with their name.
    metadata = predicate["runDetails"].get("metadata", {})
    for name in [name for name in metadata if name.startswith("countersign_")]:
        del metadata[name]
    if not metadata:
        predicate["runDetails"].pop("metadata", None)
    read_as(predicate, Provenance())


def test_result(path):
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult

    read_as(predicate_in(path), TestResult())


if __name__ == "__main__":
    verbs = [verify, sign, statement, envelope, bundle, provenance, test_result]
    try:
        {verb.__name__.replace("_", "-"): verb for verb in verbs}[sys.argv[1]](*sys.argv[2:])
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
