//! Examines one bundle: who signed it, may they, and when.
//! What it is evidence of depends on the question, and is judged elsewhere.

use std::cmp::Reverse;

use crate::bundle::{Bundle, Material};
use crate::digest::Digest;
use crate::identity::{Identity, PublicKey, names};
use crate::limits::{self, quoted};
use crate::policy::{Authority, Credential, Fit, Policy, Signer};
use crate::predicate::{self, Basis, PROVENANCE, Provenance};
use crate::reason::{Reason, Refusal};
use crate::statement::Statement;
use crate::time::{Span, Time};
use crate::trust::{Trust, TrustRoot, unwitnessed};
use crate::verify::{self, Signature, Verified};

/// A bundle that was looked at.
pub(crate) enum Examined {
    /// Nobody whom the policy knows has signed it; only its statement's type is kept, to say what is missing.
    BySomebodyElse { predicate_type: String },
    /// It's evidence, believed or refused.
    Evidence(Box<Evidence>),
}

/// A bundle by a signer of the policy, or one that can't be read.
pub(crate) struct Evidence {
    pub(crate) bundle: Digest,
    /// Empty where the bundle can't be read.
    pub(crate) predicate_type: String,
    pub(crate) signer: Option<String>,
    /// The trust root that vouches for the signer's certificate.
    pub(crate) trust_root: Option<Digest>,
    /// What was said; `None` where no signer of the policy is known to have said it.
    pub(crate) said: Option<Said>,
    pub(crate) claimed_at: Option<Time>,
    pub(crate) standing: Result<Believed, Refusal>,
}

/// What makes two bundles one piece of evidence: the same payload, by the same signer, whatever witnessed it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    signer: String,
    payload: Digest,
}

impl Evidence {
    /// Returns when the statement was made, as far as "not older than" can rest on it.
    ///
    /// It's the older of claimed and witnessed. A witness alone shows no age: without a claim it's the certificate's
    /// beginning that counts, which a key hasn't got.
    pub(crate) fn made(&self) -> Option<Time> {
        let believed = self.standing.as_ref().ok()?;
        let claimed = self.claimed_at.map(|claimed| believed.witnessed().map_or(claimed, |witnessed| claimed.min(witnessed)));
        claimed.or_else(|| believed.no_older_than())
    }

    /// Returns true if this bundle stands for what it says rather than the other, which says the same.
    ///
    /// One that is believed does, then the one that is young for longest: in nothing else that a requirement could ask
    /// do two that are believed differ. Of equals the first by digest stands for all.
    pub(crate) fn stands_before(&self, other: &Self) -> bool {
        let rank =
            |evidence: &Self| (evidence.standing.is_ok(), evidence.standing.as_ref().err().map(|refusal| refusal.reason), evidence.made());
        (rank(self), Reverse(&self.bundle)) > (rank(other), Reverse(&other.bundle))
    }
}

/// A statement whose signer may make it.
pub(crate) struct Believed {
    pub(crate) statement: Verified<Statement>,
    /// The statement's predicate, where it's provenance.
    pub(crate) provenance: Option<Provenance>,
    /// The best basis that the policy lets this signer claim here.
    pub(crate) ceiling: Basis,
    /// When the signer's entry ends.
    pub(crate) signer_until: Option<Time>,
}

impl Believed {
    /// Returns the earliest time that a witness proves.
    pub(crate) fn witnessed(&self) -> Option<Time> {
        self.statement.witnessed().first().copied()
    }

    /// Returns a time that the statement is no older than, whatever it claims.
    ///
    /// A witness proves that a signature was there by then, and anybody can have an old one stamped anew, or logged. A
    /// certificate is what nobody else can get for it: the signature is no older than that, however late its witness.
    pub(crate) const fn no_older_than(&self) -> Option<Time> {
        self.statement.certified()
    }

    /// Returns how well the fact at `pointer` is founded: the least of the claim and the ceiling.
    ///
    /// Only provenance has a place for claims; another predicate's facts are its signer's own.
    pub(crate) fn basis(&self, pointer: &str) -> Basis {
        self.provenance.as_ref().map_or(self.ceiling, |provenance| provenance.claimed_basis(pointer).min(self.ceiling))
    }

    /// Returns the best basis of any fact.
    pub(crate) fn highest_basis(&self) -> Basis {
        self.provenance.as_ref().map_or(self.ceiling, |provenance| provenance.highest_basis().min(self.ceiling))
    }
}

/// Examines a bundle's bytes.
///
/// 1. The bytes are a bundle of one statement, within the limits.
/// 2. A signer of the policy could have made it, otherwise nothing else is looked at; and the policy lists its version.
/// 3. The signature is that signer's.
/// 4. The signer may attest statements of this type, and could do so when the signature was made.
/// 5. The policy asks for no witness of that time, or there is one.
/// 6. The statement claims no time that hadn't come yet.
///
/// What is verified is counted: a signature and each witness, under each root that is asked.
pub(crate) fn examine(bytes: &[u8], policy: &Policy, trust: &Trust, at: Time, checks: &mut usize) -> Examined {
    // 1.
    let bundle = match Bundle::parse(bytes) {
        Ok(bundle) => bundle,
        Err(error) => {
            let reason = if error.is_limit() { Reason::EvidenceLimit } else { Reason::Malformed };
            return refused(Digest::sha256(bytes), String::new(), Refusal::new(reason, error.to_string()));
        }
    };
    let predicate_type = bundle.unverified_statement().predicate_type.clone();
    // 2. and 3.
    let (signers, statement) = match signed_by(&bundle, policy, trust, at, checks) {
        SignedBy::OneOf(signers, statement) => (signers, *statement),
        SignedBy::SomebodyElse => return Examined::BySomebodyElse { predicate_type: limits::cut(&predicate_type) },
        SignedBy::Refused(refusal) => return refused(bundle.digest().clone(), limits::cut(&predicate_type), refusal),
    };
    let claimed_at = predicate::claimed_at(&predicate_type, &statement.value().predicate);
    let trust_root = match statement.signature() {
        Signature::Certificate { trust_root, .. } => Some(trust_root.clone()),
        Signature::Key(_) => None,
    };
    let (signer, standing) = authorised(&signers, statement, policy, claimed_at, at);
    let payload = Digest::sha256(bundle.unverified_payload());
    let said = Said { signer: signer.id.clone(), payload };
    Examined::Evidence(Box::new(Evidence {
        bundle: bundle.digest().clone(),
        predicate_type,
        signer: Some(signer.id.clone()),
        trust_root,
        said: Some(said),
        claimed_at,
        standing,
    }))
}

fn refused(bundle: Digest, predicate_type: String, refusal: Refusal) -> Examined {
    let standing = Err(refusal);
    Examined::Evidence(Box::new(Evidence {
        bundle,
        predicate_type,
        signer: None,
        trust_root: None,
        said: None,
        claimed_at: None,
        standing,
    }))
}

enum SignedBy<'a> {
    /// By whoever is the first of these signers that may say it: an identity can be several of the same kind.
    OneOf(Signers<'a>, Box<Verified<Statement>>),
    SomebodyElse,
    Refused(Refusal),
}

/// At least one signer.
struct Signers<'a> {
    first: &'a Signer,
    others: Vec<&'a Signer>,
}

fn signed_by<'a>(bundle: &Bundle, policy: &'a Policy, trust: &Trust, at: Time, checks: &mut usize) -> SignedBy<'a> {
    match bundle.material() {
        Material::Key { hint } => signed_by_key(bundle, hint, policy, trust, at, checks),
        Material::Certificate => signed_by_identity(bundle, policy, trust, at, checks),
    }
}

fn signed_by_key<'a>(bundle: &Bundle, hint: &str, policy: &'a Policy, trust: &Trust, at: Time, checks: &mut usize) -> SignedBy<'a> {
    let keys = || {
        policy.signers.iter().filter_map(|signer| match &signer.credential {
            Credential::Key(key) => Some((signer, key)),
            Credential::Identity(_) => None,
        })
    };
    let listed = of_listed_version(bundle, policy);
    let mut verified = |(signer, key): (&'a Signer, &PublicKey)| {
        if let Err(refusal) = &listed {
            return SignedBy::Refused(refusal.clone());
        }
        *checks += 1;
        match verify::with_key(bundle, key) {
            Ok(statement) => {
                *checks += bundle.witnesses() * trust.roots().len();
                let statement = verify::witnessed(statement, bundle, key, trust, at);
                SignedBy::OneOf(Signers { first: signer, others: Vec::new() }, Box::new(statement))
            }
            Err(refusal) => {
                SignedBy::Refused(Refusal { detail: format!("{}; the bundle names signer `{}`", refusal.detail, signer.id), ..refusal })
            }
        }
    };
    // The hint only selects: the signature decides.
    if let Some(named) = keys().find(|(_, key)| key.hint() == *hint) {
        return verified(named);
    }
    if listed.is_err() {
        return SignedBy::SomebodyElse;
    }
    let mut plausible = keys().filter(|(_, key)| key.could_have_made(bundle.signature()));
    if let Some(found) = plausible.by_ref().take(limits::KEYS_TRIED).find(|(_, key)| verify::with_key(bundle, key).is_ok()) {
        return verified(found);
    }
    match plausible.next() {
        None => SignedBy::SomebodyElse,
        Some(_) => SignedBy::Refused(Refusal::new(
            Reason::EvidenceLimit,
            format!("the bundle names no key of the policy, and more than {} could have signed it", limits::KEYS_TRIED),
        )),
    }
}

/// Checks that the policy lists the bundle's version, before anything is verified that a version makes costly. The version
/// stands outside the signature; it's looked at where a signer of the policy is named, so that strangers stay strangers.
fn of_listed_version(bundle: &Bundle, policy: &Policy) -> Result<(), Refusal> {
    if policy.bundles.contains(&bundle.version()) {
        return Ok(());
    }
    let detail = format!("the bundle is of {}, which the policy doesn't list in `bundles`", bundle.version().name());
    Err(Refusal::new(Reason::Malformed, detail))
}

/// Finds whom the certificate names among the policy's identities, and has the trust roots that they name vouch for it.
///
/// What the certificate claims is read before anything is verified: who claims nobody's name costs no verification.
fn signed_by_identity<'a>(bundle: &Bundle, policy: &'a Policy, trust: &Trust, at: Time, checks: &mut usize) -> SignedBy<'a> {
    let Some(certificate) = bundle.sigstore().signing_certificate() else { return SignedBy::SomebodyElse };
    let Some(claimed) = Identity::claimed_by(certificate) else { return SignedBy::SomebodyElse };
    let of = |wanted: Fit| {
        let expected = move |signer: &'a Signer| match &signer.credential {
            Credential::Identity(expected) => Some((signer, expected)),
            Credential::Key(_) => None,
        };
        policy.signers.iter().filter_map(expected).filter(|(_, expected)| expected.fit(&claimed) == wanted).collect::<Vec<_>>()
    };
    let (named, doubtful) = (of(Fit::Yes), of(Fit::TwoRefs));
    // Whoever may be a lower signer doesn't count as a higher one.
    let lowest = named.iter().map(|(signer, _)| signer.kind).min();
    if let Some((signer, _)) = doubtful.into_iter().find(|(signer, _)| lowest.is_none_or(|lowest| signer.kind < lowest)) {
        let name = quoted(claimed.subject.as_str());
        let detail = format!("{name} says `@refs/` twice, so that no pattern can tell whether it's signer `{}`", signer.id);
        return SignedBy::Refused(Refusal::new(Reason::SignerUnknown, detail));
    }
    if named.is_empty() {
        return SignedBy::SomebodyElse;
    }
    if let Err(refusal) = of_listed_version(bundle, policy) {
        return SignedBy::Refused(refusal);
    }
    let mut with_root = |root: &TrustRoot| {
        root.could_vouch(bundle)?;
        *checks += 1 + bundle.witnesses();
        verify::with_certificate(bundle, root, at)
    };
    let (mut found, mut refusals) = (Vec::new(), Vec::new());
    for root in trust.roots() {
        let here: Vec<_> = named.iter().filter(|(_, expected)| expected.trust_root.means(root)).collect();
        if here.is_empty() {
            continue;
        }
        match with_root(root) {
            Ok(statement) => {
                let Signature::Certificate { identity, .. } = statement.signature() else { continue };
                let matching = here.into_iter().filter(|(_, expected)| expected.fit(identity) == Fit::Yes);
                found.extend(matching.map(|(signer, expected)| (signer.kind, !expected.is_exact(), *signer, statement.clone())));
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    // Whoever is several by overlapping patterns, or under several roots, counts as the lowest of them: agent,
    // automation, human. Among one kind the exact names come first, then the order of the policy.
    found.sort_by_key(|(kind, by_pattern, ..)| (*kind, *by_pattern));
    let mut found = found.into_iter();
    if let Some((kind, _, first, statement)) = found.next() {
        let others = found.filter(|(other, ..)| *other == kind).map(|(.., signer, _)| signer).collect();
        return SignedBy::OneOf(Signers { first, others }, Box::new(statement));
    }
    // The same name under another trust root is another identity.
    let meant = |root: &TrustRoot| named.iter().any(|(_, expected)| expected.trust_root.means(root));
    if trust.roots().iter().any(|root| !meant(root) && with_root(root).is_ok()) {
        return SignedBy::SomebodyElse;
    }
    // Of several roots, those that came furthest say most.
    SignedBy::Refused(furthest(refusals).unwrap_or_else(|| {
        let given: Vec<_> = trust.roots().iter().map(|root| root.digest().to_string()).collect();
        let name = quoted(claimed.subject.as_str());
        let (given, issuer) = (given.join(", "), names::issuer(certificate.as_bytes()));
        let detail =
            format!("no trust root was given that the policy names for {name}, only {given}; the certificate names {issuer} as its issuer");
        Refusal::new(Reason::CertificateUntrusted, detail)
    }))
}

/// Joins the refusals of the roots that came furthest, in the order of the roots; each says something once.
fn furthest(refusals: Vec<Refusal>) -> Option<Refusal> {
    let reason = refusals.iter().map(|refusal| refusal.reason).max()?;
    let mut details: Vec<_> = refusals.into_iter().filter(|refusal| refusal.reason == reason).map(|refusal| refusal.detail).collect();
    details.dedup();
    Some(Refusal { reason, detail: details.join("; ") })
}

/// Finds the signer who may say it; where none may, the first speaks for all.
fn authorised<'a>(
    signers: &Signers<'a>,
    statement: Verified<Statement>,
    policy: &Policy,
    claimed_at: Option<Time>,
    at: Time,
) -> (&'a Signer, Result<Believed, Refusal>) {
    let provenance = match provenance(&statement) {
        Ok(provenance) => provenance,
        Err(refusal) => return (signers.first, Err(refusal)),
    };
    let may = |signer: &'a Signer| Some((signer, authority(signer, &statement, provenance.as_ref(), at).ok()?));
    let (signer, authority) = match std::iter::once(signers.first).chain(signers.others.iter().copied()).find_map(may) {
        Some((signer, authority)) => (signer, Ok(authority)),
        None => (signers.first, authority(signers.first, &statement, provenance.as_ref(), at)),
    };
    let believed = authority.and_then(|authority| {
        in_time(&statement, policy, claimed_at, at)?;
        Ok(Believed { statement, provenance, ceiling: authority.ceiling, signer_until: signer.not_after })
    });
    (signer, believed)
}

fn provenance(statement: &Verified<Statement>) -> Result<Option<Provenance>, Refusal> {
    if statement.value().predicate_type != PROVENANCE {
        return Ok(None);
    }
    let provenance = statement.value().predicate.to();
    provenance.map(Some).map_err(|e| Refusal::new(Reason::Malformed, format!("the predicate is not SLSA provenance: {e}")))
}

/// Step 4 of [`examine`].
fn authority<'a>(
    signer: &'a Signer,
    statement: &Verified<Statement>,
    provenance: Option<&Provenance>,
    at: Time,
) -> Result<&'a Authority, Refusal> {
    let predicate_type = &statement.value().predicate_type;
    let build_type = provenance.map(|provenance| provenance.build_definition.build_type.as_str());
    let Some(authority) = signer.authority(predicate_type, build_type) else {
        let what = build_type.map_or_else(|| quoted(predicate_type), |uri| format!("provenance of build type {}", quoted(uri)));
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{}` may not attest {what}", signer.id)));
    };
    let made = statement.witnessed().first().copied().unwrap_or(at);
    if signer.not_before.is_some_and(|from| made < from) || signer.not_after.is_some_and(|until| made > until) {
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{}` is not valid at {made}", signer.id)));
    }
    Ok(authority)
}

/// Steps 5 and 6 of [`examine`].
fn in_time(statement: &Verified<Statement>, policy: &Policy, claimed_at: Option<Time>, at: Time) -> Result<(), Refusal> {
    let witnessed = statement.witnessed().first().copied();
    if witnessed.is_none() && !policy.unwitnessed {
        return Err(statement.unwitnessed().cloned().unwrap_or_else(unwitnessed));
    }
    let made = witnessed.unwrap_or(at).min(at);
    if let Some(claimed) = claimed_at.filter(|claimed| *claimed > made.plus(Span::CLOCK_SKEW)) {
        return Err(Refusal::new(Reason::ClaimedTimeImpossible, format!("the statement claims {claimed}, which is later than {made}")));
    }
    Ok(())
}
