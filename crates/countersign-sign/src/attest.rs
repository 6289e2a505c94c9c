//! Makes a bundle of a statement: signs it, and verifies the result before giving it out.
//! What the statement says is its maker's affair.

use countersign::bundle::{Bundle, BundleError};
use countersign::envelope::pae;
use countersign::reason::Refusal;
use countersign::statement::{PAYLOAD_TYPE, Statement};
use countersign::verify;

use crate::signer::{SignError, Signer};

/// Signs a statement, and returns the bundle that holds both.
///
/// The bundle is verified as any verifier would before it's returned: a signer can't give out what a verifier refuses.
///
/// ```
/// use countersign::digest::Digest;
/// use countersign::predicate::{Agent, Run, Runtime, builder};
/// use countersign::seal::{Salt, Sealer};
/// use countersign::statement::ResourceDescriptor;
/// use countersign_sign::{KeyType, LocalKey, attest};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let random = |n: u8| [n; 32];
/// # let sandbox_image = Digest::sha256(b"an image's manifest");
/// let mut sealer = Sealer::new([7; 16]); // a random name
/// sealer.leaf(&Salt::new(random(1)), "user", b"Add a greeting"); // the prompt stays here: only its commitment is stated
/// let agent = Agent::new(Runtime::named("claude-code")).model("anthropic", "claude-sonnet-4-5").prompt(sealer.finish()?);
/// let statement = Run::by_agent(builder::LOCAL, agent)
///     .sandbox_image("registry.example.test/sandbox", sandbox_image)
///     .sbom(Digest::sha256(b"{ ... }"), Digest::sha256(b"{...}")) // of the file's bytes, and of its canonical form
///     .about(vec![ResourceDescriptor::new("app.tar.gz", Digest::sha256(b"the artifact"))])?;
/// let key = LocalKey::generate(KeyType::P256)?;
/// let bundle = attest(&statement, &key)?;
/// std::fs::write(std::env::temp_dir().join("app.sigstore.json"), bundle.bytes())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`AttestError`] if the signer doesn't sign, or what it signed doesn't verify.
pub fn attest(statement: &Statement, signer: &dyn Signer) -> Result<Bundle, AttestError> {
    let payload = statement.to_bytes();
    let key = signer.public_key()?;
    let signature = signer.sign(&pae(PAYLOAD_TYPE, &payload))?;
    let bundle = Bundle::signed_by_key(&payload, &signature, &key)?;
    verify::with_key(&bundle, &key).map_err(AttestError::Unverifiable)?;
    Ok(bundle)
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// The signer doesn't sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The statement can't be put into a bundle that would be read back.
    #[error("no bundle can hold the statement: {0}")]
    Bundle(#[from] BundleError),
    /// What the signer returned is not its key's signature.
    #[error("the signer returned a signature that its own key doesn't verify: {}", .0.detail)]
    Unverifiable(Refusal),
}
