//! Signs a decision as a verification summary, and writes it to a file.
//! What the summary says is the heart's affair; the decision and the exit status are the same without it.

use std::path::PathBuf;

use countersign::decision::{Answer, Decision};
use countersign::digest::Algorithm;

use crate::failure::Failure;
use crate::instance::Instance;
use crate::keeping::Out;
use crate::output;
use crate::passphrase::PassphraseSource;
use crate::repository;
use crate::signer::{self, Attester};

/// Everything that is needed to sign a summary and write it.
pub(crate) struct Vsa {
    signer: Attester,
    out: Out,
}

impl Vsa {
    /// Opens the signer, and checks that the file can be written.
    pub(crate) fn prepare(
        file: PathBuf,
        signer: Option<&str>,
        instance: &Instance,
        trust: &[PathBuf],
        passphrase: &PassphraseSource,
    ) -> Result<Self, Failure> {
        Ok(Self { out: Out::named(file)?, signer: signer::attester(signer, instance, trust, passphrase)? })
    }

    /// Signs and writes the summary of an allow or a deny; of anything else there is none.
    ///
    /// The verifier is named by its key (RFC 6920) or by the name in its certificate: whoever accepts the summary must
    /// know that anyway, and a name of another's choosing would say nothing more.
    pub(crate) fn write(&self, decision: &Decision) -> Result<(), Failure> {
        if decision.decision == Answer::Undetermined {
            output::labelled(output::HINT, "note", "nothing was decided, so no verification summary was written");
            return Ok(());
        }
        let failed = |error: &countersign::decision::SummaryError| Failure::of("summary-failed", error);
        let bundle = self.signer.attest(|verifier| {
            let mut summary = decision.summary(verifier);
            if let Some(id) = decision.question.artifact.get(Algorithm::GitCommit)
                && let Some(repository) = repository::at_hand()?
                && let Ok(commit) = repository.commit(id.hex())
            {
                summary = summary.commit_object(commit.object).map_err(|error| failed(&error))?;
            }
            summary.vsa().map_err(|error| failed(&error))
        })?;
        self.out.write(&bundle)
    }
}
