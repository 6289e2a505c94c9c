//! What who observes a run can notice about it, as the words that its statement carries.
//! What a decision makes of them is decided elsewhere: they are shown, and decide nothing.

/// Something that somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Noticed {
    /// The artifact was there before, and the command didn't write it.
    ArtifactUnwritten,
    /// The CI job runs for another repository than the work tree's remote.
    CiOfAnotherRepository,
    /// Processes that the command started still ran when it was signed.
    ProcessesLeft,
    /// Some of the transcript couldn't be read.
    TranscriptPartlyUnread,
    /// The transcript ends before the command began.
    TranscriptPredatesRun,
    /// There were uncommitted changes before the command began.
    WorkTreeWasDirty,
}

impl Noticed {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 6] = [
        Self::ArtifactUnwritten,
        Self::CiOfAnotherRepository,
        Self::ProcessesLeft,
        Self::TranscriptPartlyUnread,
        Self::TranscriptPredatesRun,
        Self::WorkTreeWasDirty,
    ];

    /// Returns the word, which never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ArtifactUnwritten => "artifact-unwritten",
            Self::CiOfAnotherRepository => "ci-of-another-repository",
            Self::ProcessesLeft => "processes-left",
            Self::TranscriptPartlyUnread => "transcript-partly-unread",
            Self::TranscriptPredatesRun => "transcript-predates-run",
            Self::WorkTreeWasDirty => "work-tree-was-dirty",
        }
    }
}
