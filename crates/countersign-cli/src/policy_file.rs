//! Where a policy comes from: a file, or a commit of the repository at hand.
//! What stands in it is the heart's affair.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use countersign::limits;
use countersign::policy::Policy;

use crate::failure::Failure;

/// Reads and loads a policy.
pub(crate) fn read(path: &Path) -> Result<Policy, Failure> {
    let failed =
        |error: &std::io::Error| Failure::new("policy-unreadable", format!("the policy `{}` can't be read", path.display())).because(error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    // One byte more than a policy may have is enough for the heart to refuse it.
    file.take(limits::POLICY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    Ok(Policy::parse(&bytes)?)
}
