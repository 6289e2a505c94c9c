//! Cases about keys that `countersign` verifies with and doesn't make: P-384, and RSA in both of its paddings.
//! The signatures were made by openssl, as `foreign/make.sh` says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Cases;
use crate::world::{self, Signed, World};

pub(super) fn all(cases: &mut Cases) {
    for (name, foreign, readme) in GOOD {
        cases.allow(name, readme, |world| foreign.sign_sbom(world));
    }
    for (name, foreign) in BROKEN {
        cases.deny(
            name,
            &[("sbom", &["signature-invalid"])],
            "The last bit of the maintainer's signature over the SBOM is another.",
            |world| {
                foreign.sign_sbom(world);
                let Signed::Bytes(bytes) = &world.bundles["sbom"] else { panic!("no bundle") };
                let text = std::str::from_utf8(bytes).expect("UTF-8");
                let (_, after) = text.split_once(r#""sig":""#).expect("a signature");
                let (written, _) = after.split_once('"').expect("its end");
                let mut signature = STANDARD.decode(written).expect("base64");
                *signature.last_mut().expect("a byte") ^= 1;
                let broken = text.replace(written, &STANDARD.encode(signature)).into_bytes();
                world.bundles.insert("sbom".to_owned(), Signed::Bytes(broken));
            },
        );
    }
}

/// A public key, and the bundle in which it has signed the SBOM.
struct Foreign {
    key: &'static str,
    bundle: &'static str,
}

impl Foreign {
    /// Lets the maintainer have this key, and sign the SBOM with it.
    fn sign_sbom(&self, world: &mut World) {
        world.edit_policy(&world::public_key("maintainer").to_base64(), self.key);
        world.bundles.insert("sbom".to_owned(), Signed::Bytes(self.bundle.as_bytes().to_vec()));
    }
}

macro_rules! foreign {
    ($name:literal) => {
        Foreign {
            key: include_str!(concat!("../foreign/", $name, ".pub")),
            bundle: include_str!(concat!("../foreign/", $name, ".sigstore.json")),
        }
    };
}

const GOOD: [(&str, Foreign, &str); 8] = [
    ("allow-key-p384", foreign!("p384-sha384"), "The maintainer's key is of P-384, and signed by its own hash, SHA-384."),
    ("allow-key-p384-sha256", foreign!("p384-sha256"), "The maintainer's key is of P-384, and signed by SHA-256, as some tools have it."),
    ("allow-key-rsa-pkcs1", foreign!("rsa-2048-pkcs1-sha256"), "The maintainer's key is of RSA with 2,048 bits: PKCS#1 v1.5, SHA-256."),
    (
        "allow-key-rsa-pkcs1-sha384",
        foreign!("rsa-3072-pkcs1-sha384"),
        "The maintainer's key is of RSA with 3,072 bits: PKCS#1 v1.5, SHA-384.",
    ),
    (
        "allow-key-rsa-pkcs1-sha512",
        foreign!("rsa-4096-pkcs1-sha512"),
        "The maintainer's key is of RSA with 4,096 bits: PKCS#1 v1.5, SHA-512.",
    ),
    ("allow-key-rsa-pss", foreign!("rsa-2048-pss-sha256"), "The maintainer's key is of RSA with 2,048 bits: PSS, SHA-256."),
    ("allow-key-rsa-pss-sha384", foreign!("rsa-3072-pss-sha384"), "The maintainer's key is of RSA with 3,072 bits: PSS, SHA-384."),
    ("allow-key-rsa-pss-sha512", foreign!("rsa-4096-pss-sha512"), "The maintainer's key is of RSA with 4,096 bits: PSS, SHA-512."),
];
const BROKEN: [(&str, Foreign); 8] = [
    ("deny-key-p384", foreign!("p384-sha384")),
    ("deny-key-p384-sha256", foreign!("p384-sha256")),
    ("deny-key-rsa-pkcs1", foreign!("rsa-2048-pkcs1-sha256")),
    ("deny-key-rsa-pkcs1-sha384", foreign!("rsa-3072-pkcs1-sha384")),
    ("deny-key-rsa-pkcs1-sha512", foreign!("rsa-4096-pkcs1-sha512")),
    ("deny-key-rsa-pss", foreign!("rsa-2048-pss-sha256")),
    ("deny-key-rsa-pss-sha384", foreign!("rsa-3072-pss-sha384")),
    ("deny-key-rsa-pss-sha512", foreign!("rsa-4096-pss-sha512")),
];
