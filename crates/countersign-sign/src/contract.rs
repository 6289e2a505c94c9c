//! What is expected of every signer, wherever its key lies, as a check that can be run against any.
//! What a single kind of signer must do beyond that is its own affair.

use countersign::envelope::pae;
use countersign::identity::PublicKey;
use countersign::reason::Refusal;
use countersign::statement::PAYLOAD_TYPE;
use countersign::verify;

use crate::signer::{SignError, Signer};

/// Checks that a signer does what everything here relies on, and returns its public half. It signs four times.
///
/// 1. The public half is the same each time it's asked for.
/// 2. Messages of any length are signed: none at all, one byte, and a megabyte.
/// 3. Each signature is of that key over that message, and not over another.
///
/// ```
/// use countersign_sign::{KeyType, LocalKey, check_signer};
///
/// let key = LocalKey::generate(KeyType::P256)?;
/// assert_eq!(check_signer(&key)?.der(), key.public_key_der());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SignerFault`] for the first thing that doesn't hold.
pub fn check_signer(signer: &dyn Signer) -> Result<PublicKey, SignerFault> {
    // 1.
    let key = signer.public_key()?;
    if signer.public_key()? != key {
        return Err(SignerFault::AnotherKey);
    }
    // 2. and 3.
    let long = vec![b'x'; 1 << 20];
    for message in [b"".as_slice(), b"x", &pae(PAYLOAD_TYPE, b"{}"), &long] {
        check_signature(signer, &key, message)?;
    }
    Ok(key)
}

/// Has one message signed, and checks the signature.
pub(crate) fn check_signature(signer: &dyn Signer, key: &PublicKey, message: &[u8]) -> Result<(), SignerFault> {
    let signature = signer.sign(message)?;
    let length = message.len();
    verify::signature(key, message, &signature).map_err(|refusal| SignerFault::Signature { length, refusal })?;
    match verify::signature(key, &[message, b"y"].concat(), &signature) {
        Ok(()) => Err(SignerFault::AnyMessage { length }),
        Err(_) => Ok(()),
    }
}

/// What a signer doesn't do that is expected of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerFault {
    /// It doesn't sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It has another public half each time.
    #[error("the public half isn't the same each time")]
    AnotherKey,
    /// A signature isn't the key's over the message.
    #[error("the signature over a message of {length} bytes is refused: {}", refusal.detail)]
    Signature {
        /// How long the message was.
        length: usize,
        /// Why it's refused.
        refusal: Refusal,
    },
    /// A signature holds for another message as well.
    #[error("the signature over a message of {length} bytes holds for another message, too")]
    AnyMessage {
        /// How long the message was.
        length: usize,
    },
    /// It does what nobody asked for.
    #[error("it succeeded where it was asked by a word that means nothing: `{word}`")]
    AnyWord {
        /// The word.
        word: &'static str,
    },
}
