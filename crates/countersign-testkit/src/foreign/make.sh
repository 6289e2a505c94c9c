#!/bin/sh
# Makes the bundles of this folder anew, with new keys: signatures of kinds that `countersign` verifies and doesn't make.
# Run here, with openssl (3.0), jq, and the SBOM's bundle of a case as the argument; the private keys are thrown away.
set -eu
bundle=$1
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
jq -j .dsseEnvelope.payload "$bundle" | base64 -d > "$work/payload"
printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/payload")" | cat - "$work/payload" > "$work/pae"

make() { # name, how openssl makes the key, how it signs
    openssl genpkey $2 -out "$work/key"
    openssl pkey -in "$work/key" -pubout -outform der | base64 -w0 > "$1.pub"
    hint=$(openssl pkey -in "$work/key" -pubout -outform der | openssl sha256 -binary | base64 -w0)
    sig=$(openssl dgst $3 -sign "$work/key" "$work/pae" | base64 -w0)
    jq -cj --arg hint "$hint" --arg sig "$sig" \
        '.verificationMaterial = {publicKey: {hint: $hint}} | .dsseEnvelope.signatures = [{sig: $sig}]' "$bundle" > "$1.sigstore.json"
}

pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest'
make p384-sha384 '-algorithm EC -pkeyopt ec_paramgen_curve:P-384' -sha384
make p384-sha256 '-algorithm EC -pkeyopt ec_paramgen_curve:P-384' -sha256
make rsa-2048-pkcs1-sha256 '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' -sha256
make rsa-3072-pkcs1-sha384 '-algorithm RSA -pkeyopt rsa_keygen_bits:3072' -sha384
make rsa-4096-pkcs1-sha512 '-algorithm RSA -pkeyopt rsa_keygen_bits:4096' -sha512
make rsa-2048-pss-sha256 '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' "-sha256 $pss"
make rsa-3072-pss-sha384 '-algorithm RSA -pkeyopt rsa_keygen_bits:3072' "-sha384 $pss"
make rsa-4096-pss-sha512 '-algorithm RSA -pkeyopt rsa_keygen_bits:4096' "-sha512 $pss"
