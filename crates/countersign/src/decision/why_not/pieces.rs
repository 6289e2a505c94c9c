//! Puts together the fewest pieces that would meet what isn't met: one build, one run, one statement for all that hangs on it.
//! Which requirements aren't met is judged elsewhere.

use std::collections::BTreeSet;

use super::{Missing, MissingKind};
use crate::analysis::{self, Object, Obstacle, Way, ways};
use crate::decision::RequirementResult;
use crate::decision::explanation::{is_about, is_agent_run};
use crate::decision::judge::{self, Against};
use crate::decision::origin::Source;
use crate::decision::remedy::{self, Subject};
use crate::digest::{Algorithm, Digest};
use crate::inquiry::subject::{self, Target};
use crate::inquiry::{Believed, Evidence, Inquiry, Wanted, only_resource};
use crate::policy::{About, Kind, Requirement, Resource};
use crate::predicate::PROVENANCE;
use crate::reason::Reason;

/// What is missing, as far as it's known.
pub(super) struct Pieces<'a> {
    inquiry: &'a Inquiry<'a>,
    resource: &'a Resource,
    pieces: Vec<Missing>,
    /// The requirements of which nothing can be said before something is answered.
    waiting: BTreeSet<String>,
}

impl<'a> Pieces<'a> {
    pub(super) const fn new(inquiry: &'a Inquiry<'a>, resource: &'a Resource) -> Self {
        Self { inquiry, resource, pieces: Vec::new(), waiting: BTreeSet::new() }
    }

    pub(super) fn finish(mut self) -> Vec<Missing> {
        self.pieces.sort_by(|a, b| (a.kind, &a.predicate_type, &a.requirements).cmp(&(b.kind, &b.predicate_type, &b.requirements)));
        self.pieces
    }

    /// What could not be fetched, judged or looked at.
    pub(super) fn answers(&mut self, unknown: &[&Requirement], results: &[RequirementResult]) {
        for requirement in unknown {
            let mut found = Vec::new();
            for (wanted, why) in self.inquiry.unanswered(requirement) {
                match wanted {
                    // What a commit's object would show is found out with the source.
                    Wanted::GitObject(_) => {}
                    Wanted::ArtifactDigest(algorithm) => {
                        let detail = format!("the artifact itself, since evidence names it by {algorithm}");
                        found.push(Missing { commands: vec![ASK_ABOUT_FILE.to_owned()], ..piece(MissingKind::Artifact, None, detail) });
                    }
                    Wanted::Bundles { digest, .. } => {
                        let detail = format!("an answer from where evidence may lie: {why}");
                        found.push(Missing { about: Some(digest.clone()), ..piece(MissingKind::Answer, None, detail) });
                    }
                }
            }
            let reasons = results.iter().filter(|result| result.id == requirement.id).flat_map(|result| &result.reasons);
            let limits = reasons.filter(|reason| reason.code == Reason::EvidenceLimit);
            found.extend(limits.map(|reason| piece(MissingKind::Limit, None, reason.detail.clone())));
            for piece in found {
                self.waiting.insert(requirement.id.clone());
                self.add(piece, [*requirement]);
            }
        }
    }

    /// What is missing about the artifact.
    pub(super) fn of_artifact(&mut self, unmet: &[&Requirement]) {
        let (work, others): (Vec<_>, Vec<_>) = unmet.iter().copied().partition(|requirement| requirement.kind.is_provenance());
        let about = self.inquiry.question.artifact.clone();
        for (piece, requirements) in self.hopeless(unmet, Object::Artifact, self.resource) {
            self.add(piece, requirements);
        }
        for (requirements, signers) in self.covered(&work, Object::Artifact, self.resource) {
            let build = Missing { signers, ..self.build(&requirements) };
            self.add(build, requirements);
        }
        for (requirements, signers) in self.cover_by_type(&others, Object::Artifact, self.resource) {
            let statement = Missing { signers, about: Some(about.clone()), ..statement(&requirements, "the artifact", &Subject::Artifact) };
            self.add(statement, requirements);
        }
    }

    /// What is missing about the source, if anything of `open` is: of all commits that it could be, the one with the least.
    pub(super) fn of_source(&mut self, all: &[&Requirement], open: &BTreeSet<&str>) {
        let all: Vec<_> = all.iter().copied().filter(|requirement| !self.waiting.contains(&requirement.id)).collect();
        if !all.iter().any(|requirement| open.contains(requirement.id.as_str())) {
            return;
        }
        let known = self.inquiry.judged_sources();
        let mut plans: Vec<_> =
            known.iter().map(|source| Plan { needs_build: None, pieces: self.plan(&all, Some(source), source.resource) }).collect();
        if !self.inquiry.is_about_commit() {
            // A build that isn't there could name any commit that a run is of.
            let others = self.commits_of_runs().into_iter().filter(|(commit, _)| !known.iter().any(|known| known.commit == *commit));
            let with_build = |source: Option<&Source<'_>>, entry| {
                let which = source.map_or(String::new(), |source| format!(" that names commit {} as its source", source.commit.hex()));
                Plan { needs_build: Some(format!("a build of the artifact{which}")), pieces: self.plan(&all, source, entry) }
            };
            plans.extend(others.map(|(commit, entry)| with_build(Some(&self.inquiry.source(commit, entry)), entry)));
            if plans.is_empty() {
                let repository = self.resource.source.as_ref().map(|source| &source.repository);
                let entry = repository.and_then(|repository| only_resource(self.inquiry.policy, repository).ok());
                plans.push(with_build(None, entry.unwrap_or(self.resource)));
            }
        }
        // A build that is missing anyway can say from which commit it was made.
        let has_build = self.pieces.iter().any(|piece| piece.kind == MissingKind::Build);
        let cost = |plan: &Plan<'_>| plan.pieces.len() + usize::from(plan.needs_build.is_some() && !has_build);
        // Of equals the first: commits that builds name come before those that they don't.
        let Some(plan) = plans.into_iter().min_by_key(cost) else { return };
        if let Some(detail) = plan.needs_build {
            self.hang_on_build(detail, all.iter().copied().filter(|requirement| open.contains(requirement.id.as_str())));
        }
        for (piece, requirements) in plan.pieces {
            self.add(piece, requirements);
        }
    }

    /// Adds requirements to the build that is missing; if none is yet, one is.
    fn hang_on_build<'r>(&mut self, detail: String, requirements: impl Iterator<Item = &'r Requirement>) {
        match self.pieces.iter_mut().find(|piece| piece.kind == MissingKind::Build) {
            Some(build) => {
                build.detail = detail;
                build.requirements.extend(requirements.map(|requirement| requirement.id.clone()));
                build.requirements.sort();
            }
            None => {
                let signers = self.inquiry.policy.signers.iter().filter(|signer| analysis::builds(signer, self.resource));
                let signers = signers.map(|signer| signer.id.clone()).collect::<BTreeSet<_>>().into_iter().collect();
                let build = Missing { detail, signers, ..self.build(&[]) };
                self.add(build, requirements);
            }
        }
    }

    /// The pieces that are missing about a commit, if the artifact is made from it.
    fn plan<'r>(&self, all: &[&'r Requirement], source: Option<&Source<'_>>, entry: &'a Resource) -> Vec<(Missing, Vec<&'r Requirement>)> {
        let mut plan = Vec::new();
        let (work, others): (Vec<&Requirement>, Vec<&Requirement>) = all.iter().partition(|requirement| requirement.kind.is_provenance());
        let unshown = self.unshown(&work, source, entry);
        let commit = source.map(|source| &source.commit);
        let subject = Subject::Commit(commit);
        let tree = source.and_then(|source| source.tree.as_ref());
        if !unshown.is_empty() {
            let has_run = || self.runs_of_no_commit().any(|(e, b)| work.iter().all(|r| self.would_meet(r, e, b, entry)));
            if commit.is_some() && tree.is_none() && has_run() {
                plan.push((commit_object(commit), unshown));
            } else {
                plan.extend(self.run(&work, unshown, source, entry));
            }
        }
        let mut unstated = Vec::new();
        for requirement in others {
            if source.is_some_and(|source| self.believed().any(|(e, b)| self.meets(requirement, e, b, source))) {
                continue;
            }
            let of_trees = subject::is_about_trees(requirement.kind.predicate_type());
            let is_found = commit.is_some() && !of_trees || tree.is_some();
            if of_trees && !is_found {
                // A run carries the commit's object.
                match plan.iter_mut().find(|(piece, _)| matches!(piece.kind, MissingKind::AgentRun | MissingKind::CommitObject)) {
                    Some((_, requirements)) => requirements.push(requirement),
                    None => plan.push((commit_object(commit), vec![requirement])),
                }
            }
            if is_found || !self.believed().any(|(e, b)| self.would_meet(requirement, e, b, entry)) {
                unstated.push(requirement);
            }
        }
        for (requirements, signers) in self.cover_by_type(&unstated, Object::Commit, entry) {
            let of_trees = requirements.iter().any(|requirement| subject::is_about_trees(requirement.kind.predicate_type()));
            let what = if of_trees { "the commit's tree" } else { "the commit" };
            let looked_for = tree.is_some() || commit.is_some() && !of_trees;
            plan.push((Missing { signers, looked_for, about: commit.cloned(), ..statement(&requirements, what, &subject) }, requirements));
        }
        plan.extend(self.hopeless(&unstated, Object::Commit, entry));
        plan
    }

    /// The requirements that the best run of the commit doesn't meet: all of one run, as all must be.
    fn unshown<'r>(&self, work: &[&'r Requirement], source: Option<&Source<'_>>, entry: &Resource) -> Vec<&'r Requirement> {
        let left = |meets: &dyn Fn(&Requirement) -> bool| work.iter().copied().filter(|r| !meets(r)).collect::<Vec<_>>();
        let unmet: Option<Vec<_>> = match source {
            Some(source) => {
                let target = Target::Commit(&source.commit, source.object);
                let runs = self.believed().filter(|(_, believed)| believed.provenance.is_some() && is_about(believed, target));
                runs.map(|(e, b)| left(&|r| self.meets(r, e, b, source))).min_by_key(Vec::len)
            }
            None => self.runs_of_no_commit().map(|(e, b)| left(&|r| self.would_meet(r, e, b, entry))).min_by_key(Vec::len),
        };
        unmet.unwrap_or_else(|| work.to_vec())
    }

    fn run<'r>(
        &self,
        work: &[&'r Requirement],
        unshown: Vec<&'r Requirement>,
        source: Option<&Source<'_>>,
        entry: &'a Resource,
    ) -> Vec<(Missing, Vec<&'r Requirement>)> {
        let commit = source.map(|source| &source.commit);
        let hopeless = self.hopeless(work, Object::Commit, entry);
        if !hopeless.is_empty() {
            return hopeless;
        }
        let common = work.iter().filter_map(|r| self.ways(r, Object::Commit, entry).ok()).reduce(|a, b| &a & &b).unwrap_or_default();
        if common.is_empty() {
            let detail = "no one run can show all that is required of the source: the policy leaves no signer and build type in common";
            return vec![(Missing { commands: vec![CHECK.to_owned()], ..piece(MissingKind::Policy, None, detail.to_owned()) }, unshown)];
        }
        let kinds: Vec<_> = work.iter().map(|requirement| &requirement.kind).collect();
        let commands = remedy::agent_run(&kinds, commit);
        let of = match commit {
            None => "the commit that a build names".to_owned(),
            Some(commit) if commands.is_none() => format!("commit {}{TOO_LATE}", commit.hex()),
            Some(commit) => format!("commit {}", commit.hex()),
        };
        let run = Missing {
            about: commit.cloned(),
            signers: signers(&common),
            // One that left its changes uncommitted is found by the commit's tree.
            looked_for: source.is_some_and(|source| source.tree.is_some()),
            commands: commands.into_iter().collect(),
            ..piece(MissingKind::AgentRun, Some(PROVENANCE), format!("an agent's run that made {of}"))
        };
        vec![(run, unshown)]
    }

    fn build(&self, requirements: &[&Requirement]) -> Missing {
        let kinds: Vec<_> = requirements.iter().map(|requirement| &requirement.kind).collect();
        Missing {
            about: Some(self.inquiry.question.artifact.clone()),
            commands: vec![remedy::build(&kinds)],
            ..piece(MissingKind::Build, Some(PROVENANCE), "a build of the artifact".to_owned())
        }
    }

    /// The commits that runs are of, each with the resource entry of the repository that it would be judged by.
    fn commits_of_runs(&self) -> Vec<(Digest, &'a Resource)> {
        let mut commits: Vec<(Digest, &Resource)> = Vec::new();
        for (_, believed) in self.believed().filter(|(evidence, _)| is_agent_run(evidence)) {
            let expected = self.resource.source.as_ref().map(|source| source.repository.clone());
            let stated = || believed.provenance.as_ref()?.source().ok().map(|source| source.repository);
            let entry = expected.or_else(stated).and_then(|repository| only_resource(self.inquiry.policy, &repository).ok());
            for commit in believed.statement.value().subject.iter().filter_map(|subject| subject.git_commit()) {
                if let Some(entry) = entry.filter(|_| commits.len() < COMMITS && !commits.iter().any(|(known, _)| *known == commit)) {
                    commits.push((commit, entry));
                }
            }
        }
        commits
    }

    fn believed(&self) -> impl Iterator<Item = (&'a Evidence, &'a Believed)> {
        self.inquiry.evidence.values().filter_map(|evidence| Some((evidence, evidence.standing.as_ref().ok()?)))
    }

    fn meets(&self, requirement: &Requirement, evidence: &Evidence, believed: &Believed, source: &Source<'_>) -> bool {
        judge::concerns(requirement, &evidence.predicate_type)
            && self.inquiry.judged(requirement, evidence, believed, std::slice::from_ref(source)).iter().any(Result::is_ok)
    }

    /// Returns true if the statement would meet the requirement, were it about the right commit or tree.
    fn would_meet(&self, requirement: &Requirement, evidence: &Evidence, believed: &Believed, entry: &Resource) -> bool {
        let against = Against {
            target: Target::Artifact(&self.inquiry.artifact),
            resource: entry,
            policy: self.inquiry.policy,
            question: &self.inquiry.question,
        };
        let of_trees = subject::is_about_trees(requirement.kind.predicate_type()) || requirement.kind.is_provenance();
        let algorithm = if of_trees { Algorithm::GitTree } else { Algorithm::GitCommit };
        judge::concerns(requirement, &evidence.predicate_type)
            && believed.statement.value().subject.iter().any(|subject| subject.digest.get(algorithm).is_some())
            && judge::suffices(requirement, evidence, believed, against).is_ok()
    }

    /// The runs that left their changes uncommitted: of whatever commit records them.
    fn runs_of_no_commit(&self) -> impl Iterator<Item = (&'a Evidence, &'a Believed)> {
        let is_of_no_commit = |believed: &Believed| believed.statement.value().subject.iter().all(|s| s.git_commit().is_none());
        self.believed().filter(move |(evidence, believed)| is_agent_run(evidence) && is_of_no_commit(believed))
    }

    fn ways(&self, requirement: &Requirement, object: Object, resource: &'a Resource) -> Result<BTreeSet<Way<'a>>, Obstacle> {
        ways(requirement, object, resource, self.inquiry.policy)
    }

    /// The fewest statements that can meet all requirements which can be met at all, each with who could make it.
    fn covered<'r>(&self, unmet: &[&'r Requirement], object: Object, resource: &'a Resource) -> Vec<(Vec<&'r Requirement>, Vec<String>)> {
        let mut open: Vec<_> = unmet.iter().filter_map(|r| Some((*r, self.ways(r, object, resource).ok()?))).collect();
        let mut groups = Vec::new();
        while !open.is_empty() {
            let all: BTreeSet<_> = open.iter().flat_map(|(_, ways)| ways).cloned().collect();
            let covers = |way: &Way<'_>| open.iter().filter(|(_, ways)| ways.contains(way)).count();
            let left = |way: &Way<'_>| {
                // How many a second one could take of the rest: two that take everything are better than three.
                let rest: Vec<_> = open.iter().filter(|(_, ways)| !ways.contains(way)).collect();
                all.iter().map(|other| rest.iter().filter(|(_, ways)| ways.contains(other)).count()).max().unwrap_or_default()
            };
            let Some(best) = all.iter().max_by_key(|way| (covers(way) + left(way), covers(way))).cloned() else { break };
            let (taken, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, ways)| ways.contains(&best));
            let common = taken.iter().map(|(_, ways)| ways.clone()).reduce(|a, b| &a & &b).unwrap_or_default();
            groups.push((taken.into_iter().map(|(requirement, _)| requirement).collect(), signers(&common)));
            open = rest;
        }
        groups
    }

    fn cover_by_type<'r>(
        &self,
        unmet: &[&'r Requirement],
        object: Object,
        resource: &'a Resource,
    ) -> Vec<(Vec<&'r Requirement>, Vec<String>)> {
        let types: BTreeSet<_> = unmet.iter().map(|requirement| requirement.kind.predicate_type()).collect();
        let of_type = |uri: &&str| unmet.iter().copied().filter(|r| r.kind.predicate_type() == *uri).collect::<Vec<_>>();
        types.iter().flat_map(|uri| self.covered(&of_type(uri), object, resource)).collect()
    }

    /// The requirements that no evidence could meet.
    fn hopeless<'r>(&self, unmet: &[&'r Requirement], object: Object, resource: &'a Resource) -> Vec<(Missing, Vec<&'r Requirement>)> {
        let blocked = unmet.iter().filter_map(|r| Some((*r, self.ways(r, object, resource).err()?)));
        let told = |(requirement, obstacle): (&'r Requirement, Obstacle)| {
            // What is never about a commit can be about a file that is made from it.
            let of_file = obstacle == Obstacle::NotAboutSuch && object == Object::Commit && requirement.about == About::Artifact;
            let (instead, command) = if of_file { (", and can be about a file that is made from it", ASK_ABOUT_FILE) } else { ("", CHECK) };
            let detail = format!("under this policy nothing can meet it: {}{instead}", obstacle.text());
            (Missing { commands: vec![command.to_owned()], ..piece(MissingKind::Policy, None, detail) }, vec![requirement])
        };
        blocked.map(told).collect()
    }

    /// Adds a piece, or more requirements to one that is there.
    fn add<'r>(&mut self, mut piece: Missing, requirements: impl IntoIterator<Item = &'r Requirement>) {
        let ids: BTreeSet<_> = requirements.into_iter().map(|requirement| requirement.id.clone()).collect();
        let same = |known: &&mut Missing| (known.kind, &known.about, &known.detail) == (piece.kind, &piece.about, &piece.detail);
        let is_statement = matches!(piece.kind, MissingKind::Build | MissingKind::AgentRun | MissingKind::Statement);
        if let Some(known) = self.pieces.iter_mut().find(same).filter(|_| !is_statement) {
            known.requirements.extend(ids.into_iter().filter(|id| !known.requirements.contains(id)).collect::<Vec<_>>());
            known.requirements.sort();
            return;
        }
        piece.requirements = ids.into_iter().collect();
        self.pieces.push(piece);
    }
}

/// What is missing about the source, if it's one certain commit.
struct Plan<'r> {
    /// Which build would have to name the commit, where none does.
    needs_build: Option<String>,
    pieces: Vec<(Missing, Vec<&'r Requirement>)>,
}

/// A piece of which only the beginning is known.
pub(super) fn piece(kind: MissingKind, predicate_type: Option<&str>, detail: String) -> Missing {
    Missing {
        kind,
        predicate_type: predicate_type.map(str::to_owned),
        about: None,
        detail,
        requirements: Vec::new(),
        signers: Vec::new(),
        looked_for: true,
        because: None,
        commands: Vec::new(),
    }
}

fn statement(requirements: &[&Requirement], what: &str, subject: &Subject<'_>) -> Missing {
    let kind: Option<&Kind> = requirements.first().map(|requirement| &requirement.kind);
    let predicate_type = kind.map_or("", Kind::predicate_type);
    let commands = kind.map_or(Vec::new(), |kind| remedy::make(kind, subject));
    Missing {
        commands,
        ..piece(MissingKind::Statement, Some(predicate_type), format!("a statement of type `{predicate_type}` about {what}"))
    }
}

fn commit_object(commit: Option<&Digest>) -> Missing {
    let (of, commands) = match commit {
        Some(commit) => (format!("commit {}", commit.hex()), vec![format!("git fetch origin {}", commit.hex())]),
        None => ("the commit that a build names".to_owned(), Vec::new()),
    };
    let detail = format!("the object of {of}, which says what tree it records");
    Missing { about: commit.cloned(), looked_for: commit.is_some(), commands, ..piece(MissingKind::CommitObject, None, detail) }
}

fn signers(ways: &BTreeSet<Way<'_>>) -> Vec<String> {
    ways.iter().map(|way| way.signer.to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) use remedy::CHECKED as CHECK;
const ASK_ABOUT_FILE: &str = "countersign verify PATH --policy FILE";
const TOO_LATE: &str =
    " and says how it ended, which is known only while it runs: `countersign run` states it of commits that are made in it";
/// Most commits that a build which isn't there is thought to name.
const COMMITS: usize = 64;
