//! Services that let in whoever shows a token, for an hour or so: it's shown until it's refused, and then another one, once.
//! Where tokens come from, and what is asked, is said elsewhere.

use std::sync::Mutex;

use countersign::json::Json;
use zeroize::Zeroizing;

use super::Problem;
use super::patience::Until;
use crate::http::{Address, Answer, Client, Request};

/// A service, and what let us in there the last time.
pub(super) struct Service {
    client: Client,
    held: Mutex<Option<Pass>>,
}

/// What is said so that we're let in, by the names of headers.
pub(super) type Pass = Vec<(&'static str, Zeroizing<String>)>;

impl Service {
    pub(super) fn new(client: Client) -> Self {
        Self { client, held: Mutex::new(None) }
    }

    /// Reads an address, or writes to it, and returns what is answered where all is well.
    pub(super) fn ask(
        &self,
        address: &Address,
        body: Option<&[u8]>,
        until: &Until,
        fetch: impl FnOnce() -> Result<Pass, Problem>,
    ) -> Result<Json, Problem> {
        let held = self.held.lock().ok().and_then(|held| held.clone());
        let answer = held.map(|pass| self.ask_with(&pass, address, body, until)).transpose()?;
        let answer = match answer.filter(|answer| answer.status != EXPIRED) {
            Some(answer) => answer,
            None => {
                let pass = fetch()?;
                let answer = self.ask_with(&pass, address, body, until)?;
                if let Ok(mut held) = self.held.lock() {
                    *held = Some(pass);
                }
                answer
            }
        };
        match answer.status {
            200 => Json::parse(&answer.body).map_err(|_| Problem::Answer { what: "it isn't JSON" }),
            404 => Err(Problem::Missing),
            status => Err(Problem::Refused { status }),
        }
    }

    fn ask_with(&self, pass: &Pass, address: &Address, body: Option<&[u8]>, until: &Until) -> Result<Answer, Problem> {
        let headers: Vec<_> = pass.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = body.map(|body| ("application/json", body));
        let request = Request { address, body, headers: &headers, most: ANSWER_BYTES };
        self.client.ask(&request, until.deadline).map_err(|trouble| Problem::Unanswered { why: trouble.kind.to_string() })
    }
}

const EXPIRED: u16 = 401;
const ANSWER_BYTES: u64 = 4 << 20;
