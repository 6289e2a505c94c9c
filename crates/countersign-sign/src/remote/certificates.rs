//! Files with the certificates that vouch for a service, in place of the system's.
//! Which variable names one is said by those who ask.

use std::path::Path;

use ureq::tls::{PemItem, RootCerts, parse_pem};

use super::Problem;
use crate::file;

/// Reads the certificates in a file.
pub(super) fn read(path: &str) -> Result<RootCerts, Problem> {
    let bytes = file::read(Path::new(path), FILE_BYTES).map_err(|source| Problem::Unreadable { path: path.to_owned(), source })?;
    let certificate = |item| if let Ok(PemItem::Certificate(certificate)) = item { Some(certificate) } else { None };
    let certificates: Vec<_> = parse_pem(&bytes).filter_map(certificate).collect();
    let none = || Problem::Unusable { name: path.to_owned(), what: "holds no certificate in PEM" };
    if certificates.is_empty() { Err(none()) } else { Ok(RootCerts::from(certificates)) }
}

/// More than the certificates of all authorities in use.
const FILE_BYTES: u64 = 4 << 20;
