//! What an inquiry wanted for a requirement, and nobody could answer.
//! What a decision makes of that is the decision's affair.

use super::{Inquiry, Wanted};
use crate::policy::Requirement;

impl Inquiry<'_> {
    /// Returns what could help to meet the requirement and wasn't to be had, and why.
    pub(crate) fn unanswered(&self, requirement: &Requirement) -> Vec<(&Wanted, String)> {
        let wanted = self.asked.iter().filter(|(wanted, _)| self.is_wanted_for(wanted, requirement));
        let open = wanted.filter(|(wanted, answer)| {
            // Of what there is only one, one place that has it is enough.
            let is_known = match wanted {
                Wanted::Bundles { .. } => false,
                Wanted::ArtifactDigest(algorithm) => self.artifact.get(*algorithm).is_some(),
                Wanted::GitObject(commit) => self.tree_of(commit).is_some(),
            };
            !is_known && (!answer.answered || !answer.unavailable.is_empty())
        });
        open.map(|(wanted, answer)| (wanted, answer.unavailable.first().cloned().unwrap_or_else(|| NOBODY_ANSWERED.to_owned()))).collect()
    }
}

const NOBODY_ANSWERED: &str = "what was wanted was not answered";
