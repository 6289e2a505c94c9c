//! SPIFFE's Workload API: the agent on this machine says who a process is, and gives it a token (a JWT-SVID).
//! The runtime that its client needs lives and ends in here. What the token says is for whoever issues the certificate to read.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::Instant;

use spiffe::transport::{Endpoint, TransportError};
use spiffe::{WorkloadApiClient, WorkloadApiError};
use zeroize::Zeroizing;

use super::token::IdentityToken;

/// Where the agent is asked.
#[derive(Clone, Debug)]
pub(super) struct WorkloadApi(Endpoint);

impl WorkloadApi {
    /// Reads the address of a socket (SPIFFE Workload Endpoint §4), of this machine alone: what it gives isn't encrypted.
    pub(super) fn parse(address: &str) -> Option<Self> {
        match Endpoint::parse(address).ok()? {
            Endpoint::Tcp { host, .. } if !host.is_loopback() => None,
            endpoint => Some(Self(endpoint)),
        }
    }

    /// Refuses a socket that isn't there.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match &self.0 {
            Endpoint::Unix(path) if !Path::exists(path) => Err(ABSENT),
            _ => Ok(()),
        }
    }

    /// Asks for a token that is meant for that audience, and takes the first, which is the one for who doesn't choose (§5.2.1).
    pub(super) fn fetch(&self, audience: &'static str, deadline: Instant) -> Result<IdentityToken, &'static str> {
        let endpoint = self.0.clone();
        // On a thread of its own, since the caller's may belong to another runtime.
        let asked = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| "the system gives no runtime")?;
            let patience = deadline.saturating_duration_since(Instant::now());
            runtime.block_on(async {
                let asked = async { WorkloadApiClient::connect(endpoint).await?.fetch_jwt_token([audience], None).await };
                tokio::time::timeout(patience, asked).await.map_err(|_| "no answer in time")?.map_err(|error| why(&error))
            })
        });
        let token = Zeroizing::new(asked.join().map_err(|_| "its answer can't be read")??);
        IdentityToken::parse(&token).map_err(|_| "what it gave is no identity token")
    }
}

impl fmt::Display for WorkloadApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Endpoint::Unix(path) => write!(f, "unix://{}", path.display()),
            Endpoint::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            _ => f.write_str("the Workload API"),
        }
    }
}

/// Says what went wrong in words of ours: an agent's could say anything.
fn why(error: &WorkloadApiError) -> &'static str {
    match error {
        WorkloadApiError::NoIdentityIssued | WorkloadApiError::PermissionDenied(_) => {
            "it knows no identity of this process: is there an entry for it?"
        }
        WorkloadApiError::EmptyResponse | WorkloadApiError::MissingRequiredField { .. } => "an answer without a token",
        WorkloadApiError::Transport(TransportError::Connect(_)) => ABSENT,
        _ => "it refuses, or isn't a Workload API",
    }
}

const ABSENT: &str = "nobody is there";
