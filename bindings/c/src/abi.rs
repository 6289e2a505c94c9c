//! Every function that C can call; each is one call of the boundary.
//! What a function does is said where it is done: nothing is decided here.

use std::ffi::{c_char, c_void};
use std::ptr;

use countersign::trust::TrustRoot;

use crate::boundary::{Out, boundary, boundary_or, bytes, object, text};
use crate::bytes::Bytes;
use crate::code::{Answer, Code};
use crate::error::Error;
use crate::inquiry::{Decision, Inquiry, Policy};
use crate::question;
use crate::signing::{self, Signer};

/// The number of this interface. It rises with every change that a program would have to be compiled anew for.
pub const ABI_VERSION: u32 = 1;

/// Returns the library's version, such as "1.2.3". It is never freed.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_version() -> *const c_char {
    boundary_or(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Returns the number of the library's interface; a program compares it with COUNTERSIGN_ABI_VERSION before anything else.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_abi_version() -> u32 {
    boundary_or(0, || ABI_VERSION)
}

/// Returns what went wrong as a number; of NULL, COUNTERSIGN_CODE_NONE.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_error_code(error: Option<&Error>) -> Code {
    boundary_or(Code::Internal, || error.map_or(Code::None, Error::code))
}

/// Returns the number's stable name, such as "policy-expired"; of NULL, "none". It is never freed.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_error_name(error: Option<&Error>) -> *const c_char {
    boundary_or(c"internal".as_ptr(), || error.map_or(Code::None, Error::code).name().as_ptr())
}

/// Returns what went wrong in one line of text, which belongs to the error; of NULL, "".
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_error_message(error: Option<&Error>) -> *const c_char {
    boundary_or(c"".as_ptr(), || error.map_or(c"", Error::message).as_ptr())
}

/// Frees an error.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_error_free(error: Option<Box<Error>>) {
    boundary_or((), || drop(error));
}

/// Returns the first byte, which belongs to the bytes; of NULL, NULL. A zero byte that isn't counted stands behind the last.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_bytes_data(bytes: Option<&Bytes>) -> *const u8 {
    boundary_or(ptr::null(), || bytes.map_or(ptr::null(), |bytes| bytes.content().as_ptr()))
}

/// Returns how many bytes there are; of NULL, 0.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_bytes_size(bytes: Option<&Bytes>) -> usize {
    boundary_or(0, || bytes.map_or(0, |bytes| bytes.content().len()))
}

/// Frees bytes.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_bytes_free(bytes: Option<Box<Bytes>>) {
    boundary_or((), || drop(bytes));
}

/// Reads an in-toto statement (v1) in JSON, and gives its canonical bytes (RFC 8785): the payload that is signed.
///
/// # Safety
/// `json` and `json_size` describe bytes; `payload` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_statement_from_json(
    json: *const c_void,
    json_size: usize,
    payload: *mut *mut Bytes,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, json) = unsafe { (Out::cleared(payload, "payload")?, bytes(json, json_size, "json")?) };
        out.put(signing::payload(json)?.into());
        Ok(())
    })
}

/// Gives the bytes that a signature made elsewhere must cover: DSSE's pre-authentication encoding of the payload.
///
/// # Safety
/// `payload` and `payload_size` describe bytes; `to_sign` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_prepare(payload: *const c_void, payload_size: usize, to_sign: *mut *mut Bytes) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, payload) = unsafe { (Out::cleared(to_sign, "to_sign")?, bytes(payload, payload_size, "payload")?) };
        out.put(signing::prepare(payload)?.into());
        Ok(())
    })
}

/// Puts a payload and its signature into a bundle, once the signature is verified with the public key.
///
/// The key is a SubjectPublicKeyInfo in PEM or DER. P-256 signs with SHA-256 and gives DER; Ed25519 signs the bytes themselves and gives 64 bytes.
///
/// # Safety
/// Each pointer and its size describe bytes; `bundle` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_complete(
    payload: *const c_void,
    payload_size: usize,
    signature: *const c_void,
    signature_size: usize,
    public_key: *const c_void,
    public_key_size: usize,
    bundle: *mut *mut Bytes,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, payload, signature, public_key) = unsafe {
            (
                Out::cleared(bundle, "bundle")?,
                bytes(payload, payload_size, "payload")?,
                bytes(signature, signature_size, "signature")?,
                bytes(public_key, public_key_size, "public_key")?,
            )
        };
        out.put(signing::complete(payload, signature, public_key)?.into());
        Ok(())
    })
}

/// Opens a private key file (PKCS#8 in PEM, P-256 or Ed25519). A NULL passphrase is none.
///
/// A file that others can read, or that lies in a git work tree other than $HOME, is refused with COUNTERSIGN_CODE_KEY_EXPOSED.
///
/// # Safety
/// `path` and `passphrase`, with their sizes, describe text; `signer` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_signer_open_file(
    path: *const c_char,
    path_size: usize,
    passphrase: *const c_char,
    passphrase_size: usize,
    signer: *mut *mut Signer,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, path, given) =
            unsafe { (Out::cleared(signer, "signer")?, text(path, path_size, "path")?, text(passphrase, passphrase_size, "passphrase")?) };
        out.put(Signer::open_file(path, (!passphrase.is_null()).then_some(given))?);
        Ok(())
    })
}

/// Gives the signer's public key as PEM.
///
/// # Safety
/// `pem` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_signer_public_key_pem(signer: Option<&Signer>, pem: *mut *mut Bytes) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for this argument.
        let out = unsafe { Out::cleared(pem, "pem") }?;
        out.put(object(signer, "signer")?.public_key_pem().into());
        Ok(())
    })
}

/// Signs an in-toto statement (v1) in JSON, and gives the bundle, which is verified before it's given out.
///
/// # Safety
/// `json` and `json_size` describe bytes; `bundle` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_signer_attest(
    signer: Option<&Signer>,
    json: *const c_void,
    json_size: usize,
    bundle: *mut *mut Bytes,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, json) = unsafe { (Out::cleared(bundle, "bundle")?, bytes(json, json_size, "json")?) };
        out.put(object(signer, "signer")?.attest(json)?.into());
        Ok(())
    })
}

/// Frees a signer, and wipes its key.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_signer_free(signer: Option<Box<Signer>>) {
    boundary_or((), || drop(signer));
}

/// Loads a policy in YAML or JSON. The message of COUNTERSIGN_CODE_POLICY_INVALID names the place and what is wrong there.
///
/// # Safety
/// `data` and `size` describe bytes; `policy` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_policy_parse(data: *const c_void, size: usize, policy: *mut *mut Policy) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, data) = unsafe { (Out::cleared(policy, "policy")?, bytes(data, size, "data")?) };
        out.put(Policy::parse(data)?);
        Ok(())
    })
}

/// Frees a policy; inquiries under it go on.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_policy_free(policy: Option<Box<Policy>>) {
    boundary_or((), || drop(policy));
}

/// Begins an inquiry about {"artifact":{"sha256"|"gitCommit":"HEX"},"resource":"…","environment":"…"|null,"at":"2026-01-01T00:00:00Z"}.
///
/// A question later than this machine's clock by more than five minutes is refused with COUNTERSIGN_CODE_CLOCK_BEHIND_QUESTION.
///
/// # Safety
/// `question` and `question_size` describe bytes; `inquiry` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_new(
    question: *const c_void,
    question_size: usize,
    policy: Option<&Policy>,
    inquiry: *mut *mut Inquiry,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (out, question) = unsafe { (Out::cleared(inquiry, "inquiry")?, bytes(question, question_size, "question")?) };
        out.put(Inquiry::about(question::read(question)?, object(policy, "policy")?)?);
        Ok(())
    })
}

/// Adds a trust root (the bytes of a `trusted_root.json`): its CAs, logs and timestamp authorities may vouch for
/// certificates and times from then on.
///
/// Give them right after countersign_inquiry_new, one call for each. Without any, only keys that stand in the policy
/// verify, and a policy that knows signers by certificates is refused with COUNTERSIGN_CODE_TRUST_MISSING at the next call.
///
/// # Safety
/// `root` and `root_size` describe bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_trust(
    inquiry: Option<&mut Inquiry>,
    root: *const c_void,
    root_size: usize,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let root = unsafe { bytes(root, root_size, "root")? };
        object(inquiry, "inquiry")?.trust(TrustRoot::parse(root))
    })
}

/// Adds the trust root of Sigstore's public-good instance as this library was built with it, as countersign_inquiry_trust
/// adds another; a policy names it by `public-good`.
///
/// Nothing is fetched: a newer one (`countersign trust update` keeps it) is given by countersign_inquiry_trust.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_inquiry_trust_public_good(inquiry: Option<&mut Inquiry>) -> Option<Box<Error>> {
    boundary(|| object(inquiry, "inquiry")?.trust(TrustRoot::public_good()))
}

/// Gives what the inquiry wants next as JSON, and NULL when nothing more could help.
///
/// It is {"bundles":{"digest":"sha256:…","predicateTypes":["…"]}}, {"artifactDigest":"sha512"} or {"gitObject":"gitCommit:…"}.
/// What is wanted and never supplied counts as unavailable: a requirement that it could have met is unknown.
///
/// # Safety
/// `wanted` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_next(inquiry: Option<&mut Inquiry>, wanted: *mut *mut Bytes) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for this argument.
        let out = unsafe { Out::cleared(wanted, "wanted") }?;
        if let Some(json) = object(inquiry, "inquiry")?.next()? {
            out.put(json.into());
        }
        Ok(())
    })
}

/// Supplies one bundle that was found for what is wanted; call it once for each. It is believed no further than it verifies.
///
/// # Safety
/// `data` and `size` describe bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_supply_bundle(
    inquiry: Option<&mut Inquiry>,
    data: *const c_void,
    size: usize,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let data = unsafe { bytes(data, size, "data") }?;
        object(inquiry, "inquiry")?.supply_bundle(data)
    })
}

/// Supplies the artifact's digest by the wanted algorithm, such as "sha512:HEX", computed from the artifact itself.
///
/// # Safety
/// `digest` and `digest_size` describe text.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_supply_digest(
    inquiry: Option<&mut Inquiry>,
    digest: *const c_char,
    digest_size: usize,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let digest = unsafe { text(digest, digest_size, "digest") }?;
        object(inquiry, "inquiry")?.supply_digest(digest)
    })
}

/// Supplies the content of the wanted git object, as `git cat-file <type> <id>` prints it. It is hashed again.
///
/// # Safety
/// `data` and `size` describe bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_supply_object(
    inquiry: Option<&mut Inquiry>,
    data: *const c_void,
    size: usize,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let data = unsafe { bytes(data, size, "data") }?;
        object(inquiry, "inquiry")?.supply_object(data)
    })
}

/// Says that a place was asked for what is wanted, and has nothing.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_inquiry_supply_nothing(inquiry: Option<&mut Inquiry>) -> Option<Box<Error>> {
    boundary(|| object(inquiry, "inquiry")?.supply_nothing())
}

/// Says that a place could not be asked for what is wanted, and why, in words that stand in the decision.
///
/// # Safety
/// `why` and `why_size` describe text.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_supply_unavailable(
    inquiry: Option<&mut Inquiry>,
    why: *const c_char,
    why_size: usize,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let why = unsafe { text(why, why_size, "why") }?;
        object(inquiry, "inquiry")?.supply_unavailable(why)
    })
}

/// Decides from what was supplied, and ends the inquiry: it is still to be freed, and any other call with it is misuse.
///
/// # Safety
/// `decision` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_decide(inquiry: Option<&mut Inquiry>, decision: *mut *mut Decision) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for this argument.
        let out = unsafe { Out::cleared(decision, "decision") }?;
        out.put(object(inquiry, "inquiry")?.decide()?);
        Ok(())
    })
}

/// Decides as countersign_inquiry_decide does, and gives beside the decision all the evidence that it rests on: who said what, what was
/// believed of it, and what each requirement took from it. It's one line of canonical JSON, without a newline, as
/// `countersign explain --format json` prints it.
///
/// # Safety
/// `decision` and `explanation` can be written, and are two places.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_explain(
    inquiry: Option<&mut Inquiry>,
    decision: *mut *mut Decision,
    explanation: *mut *mut Bytes,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (decision, explanation) = unsafe { (Out::cleared(decision, "decision"), Out::cleared(explanation, "explanation")) };
        let (decision, explanation) = (decision?, explanation?);
        let (decided, json) = object(inquiry, "inquiry")?.explain()?;
        decision.put(decided);
        explanation.put(json.into());
        Ok(())
    })
}

/// Decides as countersign_inquiry_decide does, and gives beside the decision the fewest pieces of evidence that are missing for an
/// allowance, with the commands that supply them. It's one line of canonical JSON, without a newline, as
/// `countersign why-not --format json` prints it.
///
/// # Safety
/// `decision` and `missing` can be written, and are two places.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_inquiry_why_not(
    inquiry: Option<&mut Inquiry>,
    decision: *mut *mut Decision,
    missing: *mut *mut Bytes,
) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for these arguments.
        let (decision, missing) = unsafe { (Out::cleared(decision, "decision"), Out::cleared(missing, "missing")) };
        let (decision, missing) = (decision?, missing?);
        let (decided, json) = object(inquiry, "inquiry")?.why_not()?;
        decision.put(decided);
        missing.put(json.into());
        Ok(())
    })
}

/// Frees an inquiry.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_inquiry_free(inquiry: Option<Box<Inquiry>>) {
    boundary_or((), || drop(inquiry));
}

/// Returns true only if every requirement is met; of NULL, false.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_decision_allowed(decision: Option<&Decision>) -> bool {
    boundary_or(false, || decision.is_some_and(Decision::is_allowed))
}

/// Returns the answer; of NULL, COUNTERSIGN_ANSWER_NONE.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn countersign_decision_answer(decision: Option<&Decision>) -> Answer {
    boundary_or(Answer::None, || decision.map_or(Answer::None, Decision::answer))
}

/// Gives the decision with all its reasons as one line of canonical JSON, without a newline.
///
/// # Safety
/// `json` can be written.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn countersign_decision_json(decision: Option<&Decision>, json: *mut *mut Bytes) -> Option<Box<Error>> {
    boundary(|| {
        // SAFETY: the caller vouches for this argument.
        let out = unsafe { Out::cleared(json, "json") }?;
        out.put(object(decision, "decision")?.to_json().into());
        Ok(())
    })
}

/// Frees a decision.
#[unsafe(no_mangle)]
pub extern "C" fn countersign_decision_free(decision: Option<Box<Decision>>) {
    boundary_or((), || drop(decision));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is `const` in the header may be used from several threads at once, and everything may move between them.
    #[test]
    fn const_receivers_are_thread_safe() {
        fn shared<T: Send + Sync>() {}
        fn moved<T: Send>() {}
        shared::<Error>();
        shared::<Bytes>();
        shared::<Signer>();
        shared::<Policy>();
        shared::<Decision>();
        moved::<Inquiry>();
    }
}
