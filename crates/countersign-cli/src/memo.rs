//! Remembers which signatures were right, for as long as the process lives: bundles of one run share certificates,
//! promises and checkpoints, whose signatures needn't be computed anew for each.
//! It verifies nothing itself, and what failed is computed again each time.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use countersign::digest::{Algorithm, Digest, Hasher};
use sigstore_crypto::{
    CryptoProvider, HashContext, KeyAlgorithm, Result, SigningKeyPair, SigningScheme, aws_lc_provider, install_default_provider,
};
use sigstore_types::HashAlgorithm;

/// Lets this process remember. What verifies is the same with it and without.
pub(crate) fn install() {
    static MEMO: LazyLock<Memo> = LazyLock::new(|| Memo::over(aws_lc_provider()));
    // Somebody else's provider, if one was installed before, verifies as well, and remembers nothing.
    let _ = install_default_provider(&*MEMO);
}

/// A provider whose successful checks are remembered.
#[derive(Debug)]
struct Memo {
    provider: &'static dyn CryptoProvider,
    right: Mutex<HashSet<Digest>>,
}

impl Memo {
    fn over(provider: &'static dyn CryptoProvider) -> Self {
        Self { provider, right: Mutex::default() }
    }

    /// Computes the check, unless the very same one has succeeded before.
    fn unless_known(&self, check: &[&[u8]], compute: impl FnOnce() -> Result<()>) -> Result<()> {
        let Some(name) = name(check) else { return compute() };
        // A lock that a panic has poisoned remembers nothing more.
        if self.right.lock().is_ok_and(|right| right.contains(&name)) {
            return Ok(());
        }
        compute()?;
        if let Ok(mut right) = self.right.lock() {
            if right.len() >= REMEMBERED {
                right.clear();
            }
            right.insert(name);
        }
        Ok(())
    }
}

/// Names a check by all that it depends on; each part with its length, so that no two are joined to the same.
fn name(parts: &[&[u8]]) -> Option<Digest> {
    let mut hasher = Hasher::new(Algorithm::Sha256)?;
    for part in parts {
        hasher.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        hasher.update(part);
    }
    Some(hasher.finish())
}

impl CryptoProvider for Memo {
    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        let check = [b"raw".as_slice(), scheme.name().as_bytes(), key, data, signature];
        self.unless_known(&check, || self.provider.verify_raw(scheme, key, data, signature))
    }

    fn verify_prehashed(&self, scheme: SigningScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()> {
        let check = [b"prehashed".as_slice(), scheme.name().as_bytes(), key, digest, signature];
        self.unless_known(&check, || self.provider.verify_prehashed(scheme, key, digest, signature))
    }

    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        self.provider.hash(algorithm)
    }

    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.provider.sha256(data)
    }

    fn sha384(&self, data: &[u8]) -> [u8; 48] {
        self.provider.sha384(data)
    }

    fn sha512(&self, data: &[u8]) -> [u8; 64] {
        self.provider.sha512(data)
    }

    fn generate_key_pair(&self, algorithm: KeyAlgorithm) -> Result<Box<dyn SigningKeyPair>> {
        self.provider.generate_key_pair(algorithm)
    }

    fn key_pair_from_pkcs8_der(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKeyPair>> {
        self.provider.key_pair_from_pkcs8_der(pkcs8)
    }
}

/// Most checks that are remembered: 64 bytes each, and more than an inquiry's bundles of one run share.
const REMEMBERED: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> (Memo, Vec<u8>, Vec<u8>) {
        let pair = aws_lc_provider().generate_key_pair(KeyAlgorithm::EcdsaP256).unwrap();
        let signature = pair.sign_raw(b"said").unwrap();
        (Memo::over(aws_lc_provider()), pair.public_key_bytes().to_vec(), signature)
    }

    fn check(memo: &Memo, key: &[u8], data: &[u8], signature: &[u8]) -> bool {
        memo.verify_raw(SigningScheme::EcdsaP256Sha256, key, data, signature).is_ok()
    }

    fn remembered(memo: &Memo) -> usize {
        memo.right.lock().unwrap().len()
    }

    #[test]
    fn what_was_right_is_remembered_and_nothing_that_differs_from_it_in_anything() {
        let (memo, key, signature) = begun();
        assert!(check(&memo, &key, b"said", &signature) && check(&memo, &key, b"said", &signature));
        assert_eq!(remembered(&memo), 1);
        assert!(!check(&memo, &key, b"sai", &signature) && !check(&memo, &key, b"said more", &signature));
        let (_, other, another) = begun();
        assert!(!check(&memo, &other, b"said", &signature) && !check(&memo, &key, b"said", &another));
        assert!(memo.verify_raw(SigningScheme::EcdsaP256Sha384, &key, b"said", &signature).is_err());
        assert!(memo.verify_prehashed(SigningScheme::EcdsaP256Sha256, &key, b"said", &signature).is_err());
        assert_eq!(remembered(&memo), 1, "what was wrong is never remembered");
    }

    #[test]
    fn no_two_checks_have_one_name() {
        assert_ne!(name(&[b"ab", b"c"]), name(&[b"a", b"bc"]));
        assert_ne!(name(&[b"a", b""]), name(&[b"", b"a"]));
        assert_ne!(name(&[b"a"]), name(&[b"a", b""]));
    }

    #[test]
    fn it_remembers_only_so_much() {
        let (memo, ..) = begun();
        for number in 0..=REMEMBERED as u64 {
            memo.unless_known(&[&number.to_be_bytes()], || Ok(())).unwrap();
        }
        assert_eq!(remembered(&memo), 1);
    }
}
