//! What a statement must be about to count, by predicate: the one table of descriptors.
//! A subject only says what is spoken of; who speaks is judged elsewhere.

use std::collections::BTreeSet;

use crate::digest::{Agreement, Algorithm, Digest, DigestSet, GitIdError, check_git_object};
use crate::limits::quoted;
use crate::predicate::{BuildType, CYCLONEDX, MANDATE, PROVENANCE, Provenance, SPDX, STATUS, TEST_RESULT, VULNERABILITIES, is_type};
use crate::reason::{Reason, Refusal};
use crate::statement::Statement;

/// Something that statements can be about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// A file or an image, with the digests that are known of it.
    Artifact(&'a DigestSet),
    /// A git commit, with its object where that is at hand.
    Commit(&'a Digest, Option<&'a [u8]>),
    /// The tree that a commit records.
    Tree(&'a Digest),
}

/// The kind of descriptor that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// SHA-256, SHA-384 or SHA-512 of an artifact.
    Artifact,
    /// The commit.
    Commit,
    /// The tree.
    Tree,
}

/// Which descriptors count for a predicate.
fn counting(statement: &Statement, provenance: Option<&Provenance>) -> &'static [Counts] {
    counted(&statement.predicate_type, provenance.and_then(|provenance| BuildType::of(&provenance.build_definition.build_type)))
}

/// Which descriptors count for statements of a type; for provenance, of a build type.
pub(crate) fn counted(predicate_type: &str, build_type: Option<BuildType>) -> &'static [Counts] {
    if predicate_type == PROVENANCE {
        match build_type {
            Some(build_type) if build_type.is_agent_run() => &[Counts::Commit, Counts::Artifact],
            _ => &[Counts::Artifact],
        }
    } else if predicate_type == TEST_RESULT {
        &[Counts::Tree]
    } else if is_type(predicate_type, SPDX) || is_type(predicate_type, CYCLONEDX) || predicate_type == VULNERABILITIES {
        &[Counts::Artifact]
    } else if predicate_type == MANDATE || predicate_type == STATUS {
        // A mandate is found by its intent, a status list by its name: neither is about what is asked.
        &[]
    } else {
        &[Counts::Artifact, Counts::Commit]
    }
}

/// Returns true if statements of that type are about a commit's tree, never about the commit.
pub(crate) fn is_about_trees(predicate_type: &str) -> bool {
    predicate_type == TEST_RESULT
}

/// Checks that the statement is about `target`.
pub(crate) fn check(statement: &Statement, provenance: Option<&Provenance>, target: Target<'_>) -> Result<(), Refusal> {
    let counts = counting(statement, provenance);
    match target {
        Target::Artifact(known) if counts.contains(&Counts::Artifact) => artifact(statement, known),
        Target::Commit(id, object) if counts.contains(&Counts::Commit) => commit(statement, provenance, id, object),
        Target::Tree(id)
            if counts.contains(&Counts::Tree) && statement.subject.iter().any(|s| s.digest.get(id.algorithm()).as_ref() == Some(id)) =>
        {
            Ok(())
        }
        _ => Err(uncounted(statement, provenance, target)),
    }
}

/// A statement can name something that statements of its kind never count for.
fn uncounted(statement: &Statement, provenance: Option<&Provenance>, target: Target<'_>) -> Refusal {
    let (what, id) = match target {
        Target::Commit(id, _) => ("commit", id),
        Target::Tree(id) => ("tree", id),
        Target::Artifact(_) => return mismatch(),
    };
    if !statement.subject.iter().any(|subject| subject.digest.get(id.algorithm()).as_ref() == Some(id)) {
        return mismatch();
    }
    let kind = provenance.map_or_else(
        || format!("a statement of type {}", quoted(&statement.predicate_type)),
        |provenance| format!("provenance of build type {}", quoted(&provenance.build_definition.build_type)),
    );
    Refusal::new(Reason::SubjectMismatch, format!("the statement names the {what}, and {kind} never counts for a {what}"))
}

fn mismatch() -> Refusal {
    Refusal::new(Reason::SubjectMismatch, "the statement is about something else")
}

fn artifact(statement: &Statement, known: &DigestSet) -> Result<(), Refusal> {
    let agreements = || statement.subject.iter().map(|subject| subject.digest.compare(known));
    if let Some(algorithm) =
        agreements().find_map(|agreement| if let Agreement::Conflict(algorithm) = agreement { Some(algorithm) } else { None })
    {
        return Err(Refusal::new(
            Reason::DigestConflict,
            format!("one digest of the subject is the artifact's, and its {algorithm} is not"),
        ));
    }
    if agreements().any(|agreement| agreement == Agreement::Same) {
        return Ok(());
    }
    if statement.subject.iter().all(|subject| subject.digest.iter().next().is_none()) {
        return Err(Refusal::new(
            Reason::DigestRefused,
            "the statement names its subject only by digests that identify nothing, such as sha1 or md5",
        ));
    }
    Err(mismatch())
}

/// The commit must be a subject, and whatever else the statement says of its object must agree.
fn commit(statement: &Statement, provenance: Option<&Provenance>, id: &Digest, known: Option<&[u8]>) -> Result<(), Refusal> {
    let subjects = || statement.subject.iter().filter(|subject| subject.git_commit().as_ref() == Some(id));
    if subjects().next().is_none() {
        return tree_and_base(statement, provenance, known);
    }
    let carried = provenance.and_then(|provenance| commit_object(provenance, id));
    if let Some(object) = carried {
        check_git_object(id, object).map_err(|error| match error {
            GitIdError::Different => conflict("the commit object in the statement is not the commit's"),
            GitIdError::Collision => Refusal::new(Reason::DigestRefused, "the commit object was made to collide under SHA-1"),
        })?;
    }
    let Some(object) = carried.or(known) else { return Ok(()) };
    let sha256 = Digest::sha256(object);
    if subjects().filter_map(|subject| subject.digest.get(Algorithm::Sha256)).any(|stated| stated != sha256) {
        return Err(conflict("the subject's sha256 is not the commit object's"));
    }
    let mut commits = statement.subject.iter().filter_map(|subject| subject.git_commit());
    if let Some(tree) = stated_tree(statement)
        && commits.next_back().as_ref() == Some(id)
        && tree_of(object) != Some(tree)
    {
        return Err(conflict("the tree in the statement is not the one that the commit records"));
    }
    if let Some((provenance, base)) = provenance.and_then(|provenance| Some((provenance, base_of(provenance)?)))
        && !descends(statement, provenance, object, &base)
    {
        return Err(conflict("the commit doesn't come after the base that the statement names"));
    }
    Ok(())
}

/// An agent's run that left its changes uncommitted is about whatever commit records just them: its tree, upon its base.
fn tree_and_base(statement: &Statement, provenance: Option<&Provenance>, object: Option<&[u8]>) -> Result<(), Refusal> {
    let is_of_no_commit = statement.subject.iter().all(|subject| subject.git_commit().is_none());
    let (Some(base), Some(object)) = (provenance.and_then(base_of), object) else { return Err(mismatch()) };
    let tree = stated_tree(statement);
    if is_of_no_commit && tree.is_some() && tree_of(object) == tree && parents_of(object).eq([base]) { Ok(()) } else { Err(mismatch()) }
}

fn stated_tree(statement: &Statement) -> Option<Digest> {
    statement.subject.iter().find_map(|subject| subject.digest.get(Algorithm::GitTree))
}

/// The commit that an agent's run began from.
fn base_of(provenance: &Provenance) -> Option<Digest> {
    let is_agent_run = BuildType::of(&provenance.build_definition.build_type).is_some_and(BuildType::is_agent_run);
    is_agent_run.then(|| provenance.source().ok()).flatten().map(|source| source.commit)
}

/// Returns true unless the statement's own commits show that no way leads from the object down to `base`.
fn descends(statement: &Statement, provenance: &Provenance, object: &[u8], base: &Digest) -> bool {
    let subjects: BTreeSet<_> = statement.subject.iter().filter_map(|subject| subject.git_commit()).collect();
    let (mut open, mut seen) = (vec![object], BTreeSet::new());
    while let Some(object) = open.pop() {
        for parent in parents_of(object) {
            if parent == *base {
                return true;
            }
            if subjects.contains(&parent) && seen.insert(parent.clone()) {
                match commit_object(provenance, &parent) {
                    Some(object) if check_git_object(&parent, object).is_ok() => open.push(object),
                    Some(_) => {}
                    // Beyond an object that isn't there nothing can be shown.
                    None => return true,
                }
            }
        }
    }
    false
}

fn conflict(detail: &str) -> Refusal {
    Refusal::new(Reason::DigestConflict, detail)
}

/// Returns the commit's object, where the statement carries it.
pub(crate) fn commit_object<'a>(provenance: &'a Provenance, id: &Digest) -> Option<&'a [u8]> {
    let names = ["commit-object".to_owned(), format!("commit-object:{}", id.hex())];
    let mut objects = provenance.run_details.byproducts.iter().filter(|b| b.name.as_ref().is_some_and(|name| names.contains(name)));
    objects.next()?.content.as_deref()
}

/// Returns the tree that a commit object records: its first line.
pub(crate) fn tree_of(object: &[u8]) -> Option<Digest> {
    let line = object.split(|byte| *byte == b'\n').next()?;
    let id = std::str::from_utf8(line).ok()?.strip_prefix("tree ")?;
    Digest::new(Algorithm::GitTree, id).ok()
}

/// Iterates over the parents that a commit object records: the lines after the first, as long as they name one.
fn parents_of(object: &[u8]) -> impl Iterator<Item = Digest> {
    object.split(|byte| *byte == b'\n').skip(1).map_while(|line| {
        let id = std::str::from_utf8(line).ok()?.strip_prefix("parent ")?;
        Digest::new(Algorithm::GitCommit, id).ok()
    })
}
