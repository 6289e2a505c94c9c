//! `countersign explain`: the answer of `verify`, with all the evidence that it rests on as a tree.
//! What is in the tree is the heart's affair; this only prints it.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use countersign::decision::Finding;
use countersign::reason::Reason;

use super::verify::{Format, status};
use crate::asking::Asking;
use crate::explained;
use crate::failure::Failure;
use crate::output;
use crate::passphrase::PassphraseSource;

/// Decides as verify does, and shows who said what, what was believed of it, and what was taken from it
#[derive(Debug, Args)]
#[command(
    after_help = "Exits as `countersign verify` does. `--help` says what each reason means.\n\nExample:\n  \
                  countersign explain app.tar.gz --policy .countersign/policy.yaml",
    after_long_help = reasons()
)]
pub(crate) struct Explain {
    #[command(flatten)]
    asking: Asking,
    /// How the explanation is shown
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

impl Explain {
    pub(crate) fn run(self, _: &PassphraseSource) -> Result<ExitCode, Failure> {
        let (explanation, asked) = self.asking.conclude(|inquiry| inquiry.explain())?;
        match self.format {
            Format::Human => output::answer(&explained::human(&explanation, &asked))?,
            Format::Json => output::answer_bytes(&[explanation.to_json(), b"\n".to_vec()].concat())?,
        }
        Ok(status(explanation.decision.decision))
    }
}

/// The reasons that decisions give, with what they mean; the more useful of two stands lower. And the findings.
fn reasons() -> String {
    let mut text =
        "Exits as `countersign verify` does: 0 for allow, 1 for deny, 2 for undetermined, 3 if the question could not be asked.\n\n\
                    Reasons:\n"
            .to_owned();
    for reason in Reason::ALL {
        // INVARIANT: writing to a string never fails.
        let _ = writeln!(text, "  {}\n      {}", reason.code(), reason.meaning());
    }
    text.push_str(
        "\nWhere several pieces of evidence fail, the reason of the one that came furthest is given: in this list, the lowest.\n\n\
         Findings, which decide nothing and want a look:\n",
    );
    for (code, meaning) in Finding::MEANINGS {
        let _ = writeln!(text, "  {code}\n      {meaning}");
    }
    text.push_str("\nExample:\n  countersign explain app.tar.gz --policy .countersign/policy.yaml");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_with_what_it_means() {
        let told = reasons();
        for reason in Reason::ALL {
            assert!(reason.meaning().len() > 10 && reason.meaning().ends_with('.'), "{reason}");
            assert!(told.contains(&format!("  {reason}\n      {}\n", reason.meaning())), "{reason}");
        }
    }
}
