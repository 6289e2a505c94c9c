"""What an administrator does with keys, by AWS's own client: `manage.py ENDPOINT CERTIFICATES VERB ARGUMENT...`."""

import sys

import boto3

endpoint, certificates, verb, *arguments = sys.argv[1:]
kms = boto3.client("kms", endpoint_url=endpoint, verify=certificates)
if verb == "create":
    spec, alias = arguments
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key["KeyId"])
    print(key["Arn"])
elif verb == "move":
    spec, alias = arguments
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.update_alias(AliasName=f"alias/{alias}", TargetKeyId=key["KeyId"])
    print(key["Arn"])
else:
    sys.exit(f"unknown: {verb}")
