"""moto's server, which signs a digest as it is where that is asked for: moto 5.2.5 ignores MessageType, and hashes it again."""

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from moto.kms.responses import KmsResponse
from moto.server import main

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
sign_message = KmsResponse.sign


def sign(self):
    if self._get_param("MessageType") != "DIGEST":
        return sign_message(self)
    name, how = self._get_param("KeyId"), self._get_param("SigningAlgorithm")
    self._validate_key_id(name)
    key = self.kms_backend.describe_key(name)
    private, hashed = key.private_key.private_key, utils.Prehashed(HASHES[how[-3:]])
    if isinstance(private, ec.EllipticCurvePrivateKey):
        signature = private.sign(self._get_param("Message"), ec.ECDSA(hashed))
    else:
        signature = private.sign(self._get_param("Message"), padding.PKCS1v15(), hashed)
    signature = base64.b64encode(signature).decode()
    return json.dumps({"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": how})


KmsResponse.sign = sign
main()
