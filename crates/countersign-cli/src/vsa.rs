//! Signs a decision as a verification summary, and writes it to a file.
//! What the summary says is the heart's affair; the decision and the exit status are the same without it.

use std::path::PathBuf;

use countersign::decision::{Answer, Decision};
use countersign::digest::Algorithm;
use countersign_sign::{Signer, attest};

use crate::failure::Failure;
use crate::keeping::Out;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::repository;
use crate::signer;

/// Everything that is needed to sign a summary and write it.
pub(crate) struct Vsa {
    signer: Box<dyn Signer>,
    out: Out,
}

impl Vsa {
    /// Opens the key, and checks that the file can be written.
    pub(crate) fn prepare(file: PathBuf, signer: Option<&str>, passphrase: &PassphraseSource) -> Result<Self, Failure> {
        Ok(Self { out: Out::named(file)?, signer: signer::open(signer, passphrase)? })
    }

    /// Signs and writes the summary of an allow or a deny; of anything else there is none.
    ///
    /// The verifier is named by its key (RFC 6920): whoever accepts the summary must know the key anyway, and a name of
    /// another's choosing would say nothing more.
    pub(crate) fn write(&self, decision: &Decision) -> Result<(), Failure> {
        if decision.decision == Answer::Undetermined {
            output::labelled(output::HINT, "note", "nothing was decided, so no verification summary was written");
            return Ok(());
        }
        let failed = |error: &countersign::decision::SummaryError| Failure::of("summary-failed", error);
        let key = self.signer.public_key().map_err(Failure::from)?;
        let mut summary = decision.summary(key.uri());
        if let Some(id) = decision.question.artifact.get(Algorithm::GitCommit)
            && let Some(repository) = repository::at_hand()?
            && let Ok(commit) = repository.commit(id.hex())
        {
            summary = summary.commit_object(commit.object).map_err(|error| failed(&error))?;
        }
        let statement = summary.vsa().map_err(|error| failed(&error))?;
        self.out.write(&attest(&statement, &*self.signer)?)
    }
}
