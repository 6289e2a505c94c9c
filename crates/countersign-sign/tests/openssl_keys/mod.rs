//! Private keys as OpenSSL 3.0 writes them. They hold the published secrets of RFC 6979 A.2.5 and RFC 8032 §7.1 (test 1),
//! so they protect nothing.

/// The passphrase of every encrypted key here.
pub(crate) const PASSPHRASE: &str = "correct horse";

/// `openssl pkcs8 -topk8 -nocrypt`
pub(crate) const P256: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX
Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth
+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ
-----END PRIVATE KEY-----
";

/// `openssl ec`: SEC1, not PKCS#8.
pub(crate) const P256_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49
AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8
maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==
-----END EC PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc`
pub(crate) const P256_PBKDF2: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgOKnvETEnVQAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIuzfG+qJMkRd5BWTjRtYR0EgZBN
86gqROTxSYHIJhE+gPmdDGFnbhyzo2yI0sjsYNRkpSy91kKf37E5iTijTQ/1MRL7
vHZIN1Q9wOvaWnDDSC+wCCD+Dgg5uCeu+f6kb7vzsEDHyyRG5ExZn1cu9e1s7fO+
7Hw9TlGXAcwbWgQaZacGjsv2BZAq+n3wiEhWTg6oNtTQVV3+E85K0CDDyIif4fo=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt`
pub(crate) const P256_SCRYPT: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAiletwfEjni/AICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBBlISLsN12VkxvZVWGsg+GCBIGQtL8zKu6t+B3x
NcG2CJjh0IAR/bmEhICTnT0fg3nVT6MxcZW9XLxuY38mlNkToXuDfKm06V8EFbcA
w2TBXNMH/s3anM0l6G1m4d1p/Gii5wMBUt6Y1Mdh6jCGYdIZ4MG8QgqOt0v1Gu7X
/U392COBCe6iJ1pD1iEtpbM0V+AKXPJkZh80R1qNJ0yg7WOnBm+v
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkey`
pub(crate) const ED25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc`
pub(crate) const ED25519_PBKDF2: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh35UkynbYUNgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEATqePWpi2LK3jtSutAhjoUEQKBQ
gbKbx7NrmEEFJ6gTjsYu5jVh255U0e7dIxDMwpdkYa0/eSUIzIMvd+jGoxl8hDZn
ryclmEWPYtEwG1W8LBk=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt`
pub(crate) const ED25519_SCRYPT: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAgvixLj0SZehgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBDlYwWhJx5tokDFlvnI/0BBBEBmFv29iAmnui9t
1Xf6zsrKao82fVWq6ZNELSMtwDv4i+vdm3YgbXKIkDH3xk8ir21ZoswJTUOgBGY8
iIuorAYq
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA1`
pub(crate) const P256_PBKDF2_SHA1: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAiTln40iJ5VoQICCAAw
HQYJYIZIAWUDBAEqBBColgB7z/7M8L1WMAFXG94fBIGQzfnRZY2w7H7u57IF5pg0
JJbw/4m6/0Uj6Do6b59aEjmB96i5EAZDztxCtRSmzwpi3LmbHg8SkfxMRBbpKSWe
eOsfzhnX9nsxLQFEOE+3k1fNFBPZgKEsrX1DTmIdyg3BRXA0/Sf3aXQMeSbPp7XQ
vNzVhspeIHLb47ctY08TZgycm3k9De8D2So4WtFaxaiS
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 des3`
pub(crate) const P256_TRIPLE_DES: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAg8EXQYiRZ7YgICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIhfQC+4Uv7vAEgZBVzzyfGhc+dhmy
HKwKQ1TtYGUg2N1utI20GYzsox9KgdAmyRlB/FoX4cDMf+C+lgv41eegYMdp3hAP
rJ1AIiLHblaZTdqKkrkCuLsupDVODMqunXqLSMsH5UvXcxDz8Twee0zvKUEmGy+E
xgkZHEmc2pnx17dcwbtFUnx4cB3S4tFk95yqlwmRWdKHdNVqTbA=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES`
pub(crate) const P256_PBES1: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGxMBwGCiqGSIb3DQEMAQMwDgQI3UA365vPPDACAggABIGQTdASMaj5S9BYYinC
MNHIN8kcggUggF2/W0qUWc26drvdDe5y1j+vIUXqLNtLkcSEwbtHpv0qAujTWwIA
2fQNYSzjEktK+Z32GncDHj1Id3TjV4niWXZ5/PRuMc6RZygC9t+QQ+myMxFjED6I
ovFNfpjqKvL3KPIB/DkIUZIWSgHhmeNwTwQE30CTQbNq7ok1
-----END ENCRYPTED PRIVATE KEY-----
";
