//! X.509 certificates (RFC 5280) as a certificate authority for signers, or one for times, issues them.
//! Whom the keys belong to and which certificate a bundle carries is decided elsewhere.

use countersign::time::Time;
use countersign_sign::LocalKey;
use sha2::{Digest as _, Sha256};

use super::ct::CertificateLog;
use super::der;

/// Whom a certificate names, and what it says about them.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who the identity provider vouches for.
    pub subject: Subject,
    /// The identity provider.
    pub issuer: String,
    /// The claims `1.3.6.1.4.1.57264.1.9` to `.24`, by their last number.
    pub claims: Vec<(u8, String)>,
}

/// The kind of a subject's name.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A workload.
    Uri(String),
    /// A person.
    Email(String),
    /// Something that is neither, and so names nobody.
    Dns(String),
}

impl Identity {
    /// A workflow of a repository, as an identity provider of a pipeline describes it.
    #[must_use]
    pub fn workflow(repository: &str, workflow: &str, reference: &str, commit: &str) -> Self {
        let uri = format!("{repository}/{workflow}@{reference}");
        let (owner, _) = repository.rsplit_once('/').expect("a repository below an owner");
        let claims = [
            (9, uri.as_str()),
            (10, commit),
            (11, "hosted"),
            (12, repository),
            (13, commit),
            (14, reference),
            (15, "1001"),
            (16, owner),
            (17, "1002"),
            (18, uri.as_str()),
            (19, commit),
            (20, "push"),
            (21, &format!("{repository}/runs/1/attempts/1")),
            (22, "public"),
            (23, "staging"),
            (24, &format!("repo:demo:ref:{reference}")),
        ];
        Self {
            subject: Subject::Uri(uri.clone()),
            issuer: "https://issuer.example.test".to_owned(),
            claims: claims.map(|(number, claim)| (number, claim.to_owned())).to_vec(),
        }
    }

    /// A person, as an identity provider of people describes them.
    #[must_use]
    pub fn person(email: &str) -> Self {
        let issuer = "https://accounts.example.test".to_owned();
        Self { subject: Subject::Email(email.to_owned()), issuer, claims: Vec::new() }
    }
}

/// One certificate authority: a root, and the intermediate that issues.
#[derive(Clone)]
pub struct CertificateAuthority {
    root: Vec<u8>,
    intermediate: Vec<u8>,
    key: Key,
    name: &'static str,
    purpose: Purpose,
}

/// When a certificate holds.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first moment.
    pub from: Time,
    /// The last moment.
    pub until: Time,
}

/// Keys are shared by what's cloned.
pub(crate) type Key = std::rc::Rc<LocalKey>;

impl CertificateAuthority {
    /// Makes the root and the intermediate, for a purpose that every certificate below has.
    pub(crate) fn new(name: &'static str, root_key: &LocalKey, key: Key, purpose: Purpose, validity: Validity) -> Self {
        let names = [format!("{name} root"), format!("{name} intermediate")];
        let above = |depth| {
            [
                critical(BASIC_CONSTRAINTS, &der::sequence(&[der::yes(), der::integer(&[depth])])),
                critical(KEY_USAGE, &der::bits(&[0x06], 1)),
            ]
        };
        let root_public = root_key.public_key_der();
        let root = [above(1).to_vec(), vec![identifier(&root_public)]].concat();
        let root = signed(&fields(1, &names[0], &names[0], &root_public, validity), &root, root_key);
        let below =
            [above(0).to_vec(), vec![identifier(&key.public_key_der()), authority_identifier(root_key), purpose.extension()]].concat();
        let intermediate = signed(&fields(2, &names[0], &names[1], &key.public_key_der(), validity), &below, root_key);
        Self { root, intermediate, key, name, purpose }
    }

    /// Issues a certificate for a signer's key (SPKI DER), and has it logged.
    #[must_use]
    pub fn issue(&self, identity: &Identity, key: &[u8], validity: Validity, log: &CertificateLog) -> Vec<u8> {
        let sct = log.promise(&self.signer_body(identity, key, validity, &[]), &self.key.public_key_der(), validity.from);
        self.issue_with(identity, key, validity, &[sct])
    }

    /// Issues a certificate for a signer's key, with these promises of logs in it.
    #[must_use]
    pub fn issue_with(&self, identity: &Identity, key: &[u8], validity: Validity, promises: &[Vec<u8>]) -> Vec<u8> {
        sealed(&self.signer_body(identity, key, validity, promises), &self.key)
    }

    /// Issues a certificate for a timestamp authority's key.
    pub(crate) fn issue_for_times(&self, key: &LocalKey, validity: Validity) -> Vec<u8> {
        let key = &key.public_key_der();
        let extensions =
            [critical(KEY_USAGE, &der::bits(&[0x80], 7)), Purpose::Times.extension(), identifier(key), authority_identifier(&self.key)];
        signed(&fields(TIMES_SERIAL, &self.issuer(), &format!("{} signer", self.name), key, validity), &extensions, &self.key)
    }

    /// The body of a certificate for a signer's key. Without promises it's what a certificate log signs (RFC 6962 §3.2).
    #[must_use]
    pub fn signer_body(&self, identity: &Identity, key: &[u8], validity: Validity, promises: &[Vec<u8>]) -> Vec<u8> {
        let name = match &identity.subject {
            Subject::Email(email) => der::context(1, false, email.as_bytes()),
            Subject::Dns(name) => der::context(2, false, name.as_bytes()),
            Subject::Uri(uri) => der::context(6, false, uri.as_bytes()),
        };
        let mut extensions = vec![
            critical(KEY_USAGE, &der::bits(&[0x80], 7)),
            self.purpose.extension(),
            identifier(key),
            authority_identifier(&self.key),
            critical(SUBJECT_NAME, &der::sequence(&[name])),
            extension("1.3.6.1.4.1.57264.1.1", identity.issuer.as_bytes()),
            extension("1.3.6.1.4.1.57264.1.8", &der::text(&identity.issuer)),
        ];
        extensions
            .extend(identity.claims.iter().map(|(number, claim)| extension(&format!("1.3.6.1.4.1.57264.1.{number}"), &der::text(claim))));
        if !promises.is_empty() {
            extensions.push(extension(PROMISES, &der::octets(&promise_list(promises))));
        }
        // The serial is fixed by what the certificate says, so that two certificates differ in it.
        let serial = Sha256::digest([key.to_vec(), validity.from.to_string().into_bytes(), extensions[4].clone()].concat());
        let mut fields = fields(0, &self.issuer(), "", key, validity);
        fields[1] = der::integer(&serial[..16]);
        body(&fields, &extensions)
    }

    /// Issues for another purpose from now on.
    pub(crate) const fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// The key that issues.
    #[must_use]
    pub fn public_key_der(&self) -> Vec<u8> {
        self.key.public_key_der()
    }

    /// The certificates, the issuing one first.
    pub(crate) fn chain(&self) -> [&[u8]; 2] {
        [&self.intermediate, &self.root]
    }

    /// The name in certificates that this authority issues.
    pub(crate) fn issuer(&self) -> String {
        format!("{} intermediate", self.name)
    }
}

/// What keys may be used for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Code,
    Times,
    Servers,
}

impl Purpose {
    fn extension(self) -> Vec<u8> {
        match self {
            Self::Code => extension(PURPOSE, &der::sequence(&[der::oid("1.3.6.1.5.5.7.3.3")])),
            Self::Servers => extension(PURPOSE, &der::sequence(&[der::oid("1.3.6.1.5.5.7.3.1")])),
            // RFC 3161 §2.3: critical, and the only one.
            Self::Times => critical(PURPOSE, &der::sequence(&[der::oid("1.3.6.1.5.5.7.3.8")])),
        }
    }
}

/// The algorithm of every signature here.
pub(crate) fn ecdsa_with_sha256() -> Vec<u8> {
    der::sequence(&[der::oid("1.2.840.10045.4.3.2")])
}

/// A name of one part; none for an empty name.
pub(crate) fn name(common: &str) -> Vec<u8> {
    if common.is_empty() {
        return der::sequence(&[]);
    }
    der::sequence(&[der::set(&[der::sequence(&[der::oid("2.5.4.3"), der::text(common)])])])
}

/// The serial number of the certificate of every timestamp authority.
pub(crate) const TIMES_SERIAL: u8 = 3;

fn fields(serial: u8, issuer: &str, subject: &str, key: &[u8], validity: Validity) -> Vec<Vec<u8>> {
    vec![
        der::context(0, true, &der::integer(&[2])),
        der::integer(&[serial]),
        ecdsa_with_sha256(),
        name(issuer),
        der::sequence(&[short_time(validity.from), short_time(validity.until)]),
        name(subject),
        key.to_vec(),
    ]
}

fn body(fields: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[fields, &[der::context(3, true, &der::sequence(extensions))]].concat())
}

fn signed(fields: &[Vec<u8>], extensions: &[Vec<u8>], by: &LocalKey) -> Vec<u8> {
    sealed(&body(fields, extensions), by)
}

fn sealed(body: &[u8], by: &LocalKey) -> Vec<u8> {
    let signature = by.sign(body).expect("a signature");
    der::sequence(&[body.to_vec(), ecdsa_with_sha256(), der::bits(&signature, 0)])
}

fn extension(id: &str, value: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(id), der::octets(value)])
}

fn critical(id: &str, value: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(id), der::yes(), der::octets(value)])
}

fn identifier(key: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", &der::octets(&Sha256::digest(key)[..20]))
}

fn authority_identifier(key: &LocalKey) -> Vec<u8> {
    extension("2.5.29.35", &der::sequence(&[der::context(0, false, &Sha256::digest(key.public_key_der())[..20])]))
}

/// A list of promises in the encoding of TLS (RFC 6962 §3.3).
fn promise_list(promises: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> = promises.iter().flat_map(|promise| [&length(promise)[..], promise].concat()).collect();
    [&length(&list)[..], &list].concat()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).expect("a short list").to_be_bytes()
}

/// A UTCTime, as times before 2050 are written (RFC 5280 §4.1.2.5).
fn short_time(time: Time) -> Vec<u8> {
    // `2025-12-01T12:00:00Z` without its century.
    let digits: String = time.to_string().chars().filter(char::is_ascii_digit).skip(2).take(12).collect();
    der::tagged(0x17, format!("{digits}Z").as_bytes())
}

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const PURPOSE: &str = "2.5.29.37";
const SUBJECT_NAME: &str = "2.5.29.17";
const PROMISES: &str = "1.3.6.1.4.1.11129.2.4.2";
