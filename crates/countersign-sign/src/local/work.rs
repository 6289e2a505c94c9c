//! The work that a key file may ask for before the passphrase has shown that it's the user's own.
//! Which derivations there are is known by the formats.

use super::KeyError;

/// The parameters of scrypt (RFC 7914): memory is 128·N·r bytes, time grows with N·r·p.
#[derive(Clone, Copy)]
pub(super) struct ScryptCost {
    pub(super) n: u64,
    pub(super) r: u32,
    pub(super) p: u32,
}

impl ScryptCost {
    /// Checks RFC 7914's conditions and our bounds.
    pub(super) fn check(self) -> Result<(), KeyError> {
        let (block_size, parallelization) = (u64::from(self.r), u64::from(self.p));
        if self.n < 2 || !self.n.is_power_of_two() || block_size == 0 || parallelization == 0 {
            return Err(KeyError::Malformed);
        }
        let blocks = self.n.saturating_mul(block_size);
        if blocks > SCRYPT_BLOCKS {
            return Err(KeyError::TooCostly { what: "memory" });
        }
        if blocks.saturating_mul(parallelization) > SCRYPT_WORK {
            return Err(KeyError::TooCostly { what: "time" });
        }
        Ok(())
    }

    /// Derives a key, if the cost is within bounds.
    pub(super) fn derive(self, passphrase: &[u8], salt: &[u8], key: &mut [u8]) -> Result<(), KeyError> {
        self.check()?;
        let log_n = u8::try_from(self.n.trailing_zeros()).map_err(|_| KeyError::Malformed)?;
        let parameters = scrypt::Params::new(log_n, self.r, self.p).map_err(|_| KeyError::Malformed)?;
        scrypt::scrypt(passphrase, salt, &parameters, key).map_err(|_| KeyError::Malformed)
    }
}

/// Checks the number of PBKDF2's iterations (RFC 8018 §5.2).
pub(super) fn check_pbkdf2(iterations: u32) -> Result<(), KeyError> {
    match iterations {
        0 => Err(KeyError::Malformed),
        1..=PBKDF2_ITERATIONS => Ok(()),
        _ => Err(KeyError::TooCostly { what: "time" }),
    }
}

/// Most PBKDF2 iterations: what RFC 8018 §4.2 calls appropriate for especially critical keys.
const PBKDF2_ITERATIONS: u32 = 10_000_000;
/// Most N·r of scrypt: 256 MiB of memory.
const SCRYPT_BLOCKS: u64 = 1 << 21;
/// Most N·r·p of scrypt: some seconds.
const SCRYPT_WORK: u64 = 1 << 22;
