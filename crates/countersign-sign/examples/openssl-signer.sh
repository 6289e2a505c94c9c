#!/bin/sh
# A key file behind openssl, as `exec:openssl-signer.sh KEY.pem`: a whole program by the protocol of SIGNERS.md, for P-256 and RSA.
set -eu
key=$1
case $2 in
public-key) exec openssl pkey -in "$key" -pubout ;;
sign) openssl dgst -sha256 -sign "$key" | openssl base64 ;;
*)
    echo "openssl-signer: no such word: $2" >&2
    exit 1
    ;;
esac
