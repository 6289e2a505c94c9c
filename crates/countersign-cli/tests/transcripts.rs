//! What a user types and sees, as files in `transcripts/`; each line below runs one of them.
//! How a transcript runs and is compared stands in `transcript`; what lies in its directory, in `fixture`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop at what it doesn't expect"
)]

mod fixture;
mod transcript;

macro_rules! transcripts {
    ($($name:ident = $file:literal,)+) => {
        $(#[test]
        fn $name() {
            transcript::check($file);
        })+

        #[test]
        fn runs_every_transcript_that_there_is() {
            let mut files: Vec<_> = transcript::directory().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
            files.sort();
            let mut listed = vec![$($file),+];
            listed.sort_unstable();
            assert_eq!(files, listed);
        }
    };
}

transcripts! {
    explains_itself_and_exits_with_three_when_misused = "usage.txt",
    makes_keys_and_prints_their_public_halves = "key.txt",
    refuses_keys_that_are_missing_exposed_or_locked = "key-refused.txt",
    writes_a_policy_to_begin_with = "init.txt",
    writes_policies_that_allow_nothing_until_they_are_filled_in = "init-presets.txt",
    writes_no_policy_where_none_can_be = "init-refused.txt",
    allows_denies_and_leaves_undetermined = "verify.txt",
    tells_the_evidence_as_a_tree = "explain.txt",
    names_the_least_that_is_missing = "why-not.txt",
    says_why_a_question_cannot_be_asked = "verify-impossible.txt",
    looks_for_evidence_where_it_is_told = "verify-stores.txt",
    judges_commits_by_policies_that_came_before = "verify-commit.txt",
    keeps_the_answer_alone_on_standard_output = "verify-json.txt",
    states_decisions_for_others = "verify-vsa.txt",
    shows_what_bundles_claim_without_believing_it = "inspect.txt",
    opens_what_was_sealed_and_destroys_what_opens_it = "disclose.txt",
    names_the_place_and_the_right_word_in_a_wrong_policy = "policy-check.txt",
    runs_commands_and_says_where_the_evidence_is = "run.txt",
    states_what_has_happened = "attest.txt",
    says_what_a_ci_job_is_and_believes_no_variable = "ci.txt",
    says_whose_word_counts_and_makes_trust_roots_of_files = "trust.txt",
    completes_for_shells = "completions.txt",
    prints_its_manual = "man.txt",
}
