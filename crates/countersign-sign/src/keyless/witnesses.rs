//! Witnesses for signatures by keys: the logs and timestamp authorities of a Sigstore instance, without its certificates.
//! What a key signs without them is `attest`'s affair.

use std::fmt;
use std::time::{Duration, Instant};

use countersign::bundle::Bundle;
use countersign::statement::Statement;
use countersign::time::Time;
use countersign::trust::Trust;

use super::error::{Entries, KeylessError};
use super::signing::{By, Content, Instance, Signed, Signing};
use super::signing_config::SigningConfig;
use crate::signer::Signer;

/// A Sigstore instance that witnesses signatures by keys: they are found in its logs, or bear its timestamps.
///
/// A policy with `time: witnessed` counts such a signature, also after its key was retired.
pub struct Witnesses {
    instance: Instance,
}

impl Witnesses {
    /// Has signatures witnessed by the services of a configuration, and gives out only what one of the trust roots vouches for.
    ///
    /// # Errors
    /// [`KeylessError::TrustMissing`] without a trust root.
    pub fn new(config: SigningConfig, trust: Trust) -> Result<Self, KeylessError> {
        Ok(Self { instance: Instance::new(config, trust)? })
    }

    /// Chooses how long signing may take, in place of a minute.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { instance: self.instance.within(patience) }
    }

    /// Refuses what can be seen not to be witnessed without asking anybody.
    ///
    /// # Errors
    /// [`KeylessError`] if no service can be used at that time.
    pub fn check(&self, at: Time) -> Result<(), KeylessError> {
        self.instance.config.services(at)?;
        Ok(())
    }

    /// Signs a statement by the key, has it witnessed, and says what logs have of it. `at` is the time that it is.
    ///
    /// The bundle is verified as any verifier would before it's returned: entries, timestamps and signature.
    ///
    /// # Errors
    /// [`KeylessError`] if the key doesn't sign, a service fails, or what the services gave doesn't verify. It says how many
    /// log entries were made all the same, since nobody can take them back.
    pub fn attest(&self, statement: &Statement, signer: &dyn Signer, at: Time) -> Result<(Bundle, Entries), KeylessError> {
        let services = self.instance.config.services(at)?;
        let begun = Instant::now();
        let signing = Signing::new(&self.instance, services, By::Key(signer.public_key()?), at, begun, begun + self.instance.patience);
        signing.could_be_verified(statement)?;
        let payload = statement.to_bytes();
        let signed = Signed::new(Content::Statement(&payload), |bytes| Ok(signer.sign(bytes)?))?;
        let bundle = signing.bundle(&signed)?;
        Ok((bundle, signing.entries()))
    }
}

impl fmt::Debug for Witnesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witnesses").field("instance", &self.instance).finish()
    }
}
