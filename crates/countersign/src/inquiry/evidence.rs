//! Examines one bundle: who signed it, may they, and when.
//! What it is evidence of depends on the question, and is judged elsewhere.

use crate::bundle::{Bundle, Material};
use crate::digest::Digest;
use crate::limits;
use crate::policy::{Credential, Policy, Signer};
use crate::predicate::{self, Basis, PROVENANCE, Provenance};
use crate::reason::{Reason, Refusal};
use crate::statement::Statement;
use crate::time::{Span, Time};
use crate::verify::{self, Verified};

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
    /// What was said; `None` where no signer of the policy is known to have said it.
    pub(crate) said: Option<Said>,
    pub(crate) claimed_at: Option<Time>,
    pub(crate) standing: Result<Believed, Refusal>,
}

/// What makes two bundles one piece of evidence: the same payload, by the same signer, at the same proved times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    signer: String,
    payload: Digest,
    witnessed: Vec<Time>,
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
/// 2. A signer of the policy could have made it; otherwise nothing else is looked at.
/// 3. The signature is that signer's.
/// 4. The signer may attest statements of this type, and could do so when the signature was made.
/// 5. The policy asks for no witness of that time, or there is one.
/// 6. The statement claims no time that hadn't come yet.
pub(crate) fn examine(bytes: &[u8], policy: &Policy, at: Time) -> Examined {
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
    let (signer, statement) = match signed_by(&bundle, policy) {
        SignedBy::Signer(signer, statement) => (signer, *statement),
        SignedBy::SomebodyElse => return Examined::BySomebodyElse { predicate_type: limits::cut(&predicate_type) },
        SignedBy::Refused(refusal) => return refused(bundle.digest().clone(), limits::cut(&predicate_type), refusal),
    };
    let claimed_at = predicate::claimed_at(&predicate_type, &statement.value().predicate);
    let payload = Digest::sha256(bundle.unverified_payload());
    let said = Said { signer: signer.id.clone(), payload, witnessed: statement.witnessed().to_vec() };
    let standing = authorised(signer, statement, policy, claimed_at, at);
    Examined::Evidence(Box::new(Evidence {
        bundle: bundle.digest().clone(),
        predicate_type,
        signer: Some(signer.id.clone()),
        said: Some(said),
        claimed_at,
        standing,
    }))
}

fn refused(bundle: Digest, predicate_type: String, refusal: Refusal) -> Examined {
    Examined::Evidence(Box::new(Evidence { bundle, predicate_type, signer: None, said: None, claimed_at: None, standing: Err(refusal) }))
}

enum SignedBy<'a> {
    Signer(&'a Signer, Box<Verified<Statement>>),
    SomebodyElse,
    Refused(Refusal),
}

fn signed_by<'a>(bundle: &Bundle, policy: &'a Policy) -> SignedBy<'a> {
    let Material::Key { hint } = bundle.material() else {
        let expected = policy.signers.iter().any(|signer| matches!(signer.credential, Credential::Identity { .. }));
        return if expected {
            SignedBy::Refused(Refusal::new(
                Reason::CertificateUntrusted,
                "no trust root was given that vouches for the bundle's certificate",
            ))
        } else {
            SignedBy::SomebodyElse
        };
    };
    let keys = || {
        policy.signers.iter().filter_map(|signer| match &signer.credential {
            Credential::Key(key) => Some((signer, key)),
            Credential::Identity { .. } => None,
        })
    };
    // The hint only selects: the signature decides.
    if let Some((signer, key)) = keys().find(|(_, key)| key.hint() == *hint) {
        return match verify::with_key(bundle, key) {
            Ok(statement) => SignedBy::Signer(signer, Box::new(statement)),
            Err(refusal) => {
                SignedBy::Refused(Refusal { detail: format!("{}; the bundle names signer `{}`", refusal.detail, signer.id), ..refusal })
            }
        };
    }
    let plausible = keys().filter(|(_, key)| key.could_have_made(bundle.signature())).take(limits::KEYS_TRIED);
    let mut tried = plausible.filter_map(|(signer, key)| Some((signer, verify::with_key(bundle, key).ok()?)));
    tried.next().map_or(SignedBy::SomebodyElse, |(signer, statement)| SignedBy::Signer(signer, Box::new(statement)))
}

fn authorised(
    signer: &Signer,
    statement: Verified<Statement>,
    policy: &Policy,
    claimed_at: Option<Time>,
    at: Time,
) -> Result<Believed, Refusal> {
    let predicate_type = &statement.value().predicate_type;
    let provenance: Option<Provenance> = if predicate_type == PROVENANCE {
        let provenance = statement.value().predicate.to();
        Some(provenance.map_err(|e| Refusal::new(Reason::Malformed, format!("the predicate is not SLSA provenance: {e}")))?)
    } else {
        None
    };
    // 4.
    let build_type = provenance.as_ref().map(|provenance| provenance.build_definition.build_type.as_str());
    let Some(authority) = signer.authority(predicate_type, build_type) else {
        let what =
            build_type.map_or_else(|| limits::quoted(predicate_type), |uri| format!("provenance of build type {}", limits::quoted(uri)));
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{}` may not attest {what}", signer.id)));
    };
    let witnessed = statement.witnessed().first().copied();
    let made = witnessed.unwrap_or(at);
    if signer.not_before.is_some_and(|from| made < from) || signer.not_after.is_some_and(|until| made > until) {
        return Err(Refusal::new(Reason::SignerLacksAuthority, format!("signer `{}` is not valid at {made}", signer.id)));
    }
    // 5.
    if witnessed.is_none() && !policy.unwitnessed {
        return Err(Refusal::new(Reason::TimeUnwitnessed, "neither a timestamp nor a log proves when the signature was made"));
    }
    // 6.
    if let Some(claimed) = claimed_at.filter(|claimed| *claimed > made.min(at).plus(Span::CLOCK_SKEW)) {
        return Err(Refusal::new(
            Reason::ClaimedTimeImpossible,
            format!("the statement claims {claimed}, which is later than {}", made.min(at)),
        ));
    }
    let (ceiling, signer_until) = (authority.ceiling, signer.not_after);
    Ok(Believed { statement, provenance, ceiling, signer_until })
}
