//! A person signs in with an instance's issuer: OpenID Connect's code flow with PKCE (RFC 7636), as native programs do (RFC 8252).
//! What the issuer is asked and must answer stands in `issuer`, the browser's way back in `callback`. What the person sees and
//! types is the caller's affair.

mod callback;
mod form;
mod issuer;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sigstore_crypto::sha256;
use zeroize::Zeroizing;

use super::token::{IdentityToken, TokenError};
use crate::http::{Address, Client};
use callback::Callback;
use issuer::Issuer;

/// Talks with the person who shall sign in. Addresses are one word of visible ASCII characters, and nothing in them is secret.
pub trait Person: Send + Sync {
    /// Shows an address, and has a browser of this machine open it; the issuer's answer comes back by the browser itself.
    fn browse(&self, address: &str);

    /// Shows an address that any browser may open, on any machine, and returns the code that is shown there in the end.
    ///
    /// It may wait for ever: when time is over it's left behind.
    ///
    /// # Errors
    /// Any error, if nobody can be asked.
    fn code(&self, address: &str) -> io::Result<Zeroizing<String>>;
}

/// How a person signs in, and how long that may take.
#[derive(Clone)]
pub struct SignIn {
    way: Way,
    person: Arc<dyn Person>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Browser,
    Code,
}

impl SignIn {
    /// How long a person may take to sign in: five minutes.
    pub const PATIENCE: Duration = Duration::from_secs(300);

    /// Has the person sign in with a browser of this machine.
    #[must_use]
    pub const fn by_browser(person: Arc<dyn Person>) -> Self {
        Self { way: Way::Browser, person, patience: Self::PATIENCE }
    }

    /// Has the person sign in with a browser of any machine, and type the code that is shown there.
    #[must_use]
    pub const fn by_code(person: Arc<dyn Person>) -> Self {
        Self { way: Way::Code, person, patience: Self::PATIENCE }
    }

    /// Chooses how long that may take, in place of [`SignIn::PATIENCE`].
    #[must_use]
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks the person, and then the issuer for the token of whoever has signed in.
    pub(super) fn fetch(&self, client: &Client, issuer: &Address) -> Result<IdentityToken, TokenError> {
        let deadline = Instant::now() + self.patience;
        let nobody = |why: &dyn fmt::Display| TokenError::SignIn { issuer: issuer.to_string(), why: why.to_string() };
        let known = Issuer::discover(client, issuer, deadline).map_err(|why| nobody(&why))?;
        let attempt = Attempt::new().map_err(|_| nobody(&"the system gives no randomness"))?;
        let (code, redirect) = match self.way {
            Way::Browser => {
                let callback = Callback::listen().map_err(|_| nobody(&"the system gives no port to be answered at"))?;
                let redirect = callback.address().to_owned();
                self.person.browse(&known.address(&attempt, &redirect));
                (callback.code(&attempt.state, &known, deadline).map_err(|why| nobody(&self.over(&why)))?, redirect)
            }
            Way::Code => {
                let address = known.address(&attempt, OUT_OF_BAND);
                (self.typed(address, deadline).map_err(|why| nobody(&why))?, OUT_OF_BAND.to_owned())
            }
        };
        known.token(client, &attempt, &code, &redirect, deadline).map_err(|why| nobody(&why))
    }

    /// Reads what the person types, on a thread of its own, since nothing else ends that.
    fn typed(&self, address: String, deadline: Instant) -> Result<Zeroizing<String>, String> {
        let (sender, receiver) = mpsc::channel();
        let person = Arc::clone(&self.person);
        thread::spawn(move || sender.send(person.code(&address)));
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(typed)) => code(&typed).ok_or_else(|| "what was typed is no code".to_owned()),
            Err(RecvTimeoutError::Timeout) => Err(self.over(&callback::Unanswered::Over { strays: 0 })),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err("nobody can be asked for a code".to_owned()),
        }
    }

    fn over(&self, why: &callback::Unanswered) -> String {
        match why {
            callback::Unanswered::Over { strays: 0 } => format!("no answer came within {} s", self.patience.as_secs_f32()),
            callback::Unanswered::Over { strays } => {
                format!(
                    "no answer came within {} s; answers to what wasn't asked here, which were refused: {strays}",
                    self.patience.as_secs_f32()
                )
            }
            callback::Unanswered::Otherwise(why) => (*why).to_owned(),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("way", &self.way).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// What is drawn anew each time, so that no answer to anybody else fits.
struct Attempt {
    /// What the browser must bring back (RFC 6749 §10.12).
    state: String,
    /// What must stand in the token (OpenID Connect Core §3.1.2.1).
    nonce: String,
    /// Without it the code is worth nothing (RFC 7636 §4.1).
    verifier: Zeroizing<String>,
}

impl Attempt {
    fn new() -> Result<Self, getrandom::Error> {
        let [state, nonce, verifier] = [random()?, random()?, random()?];
        Ok(Self { state, nonce, verifier: Zeroizing::new(verifier) })
    }

    /// What is told of the verifier beforehand (RFC 7636 §4.2).
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.verifier.as_bytes()).as_bytes())
    }
}

/// 256 bits, in 43 characters that stand for themselves in an address.
fn random() -> Result<String, getrandom::Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}

/// Takes an issuer's code (RFC 6749 §A.11: visible characters and blanks).
fn code(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim_ascii();
    let is_code = !text.is_empty() && text.len() <= CODE_BYTES && text.bytes().all(|b| (0x20..0x7f).contains(&b));
    is_code.then(|| Zeroizing::new(text.to_owned()))
}

/// Where an issuer shows the code instead of sending it anywhere.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
const CODE_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_challenge_as_its_specification_does() {
        // RFC 7636, appendix B.
        let verifier = Zeroizing::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let attempt = Attempt { state: String::new(), nonce: String::new(), verifier };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn draws_everything_anew_and_apart() {
        let [one, other] = [Attempt::new().unwrap(), Attempt::new().unwrap()];
        let drawn = [&one.state, &one.nonce, &*one.verifier, &other.state, &other.nonce, &*other.verifier];
        for (place, value) in drawn.iter().enumerate() {
            // As long as a verifier must be at least (RFC 7636 §4.1).
            assert!(value.len() == 43 && drawn.iter().skip(place + 1).all(|later| later != value), "{drawn:?}");
        }
    }

    #[test]
    fn takes_for_a_code_what_can_be_one() {
        assert_eq!(code(" abc-123\r\n").unwrap().as_str(), "abc-123");
        for bad in ["", " \n", "a\u{1b}[2J", "a\nb", "\u{e4}", &"a".repeat(CODE_BYTES + 1)] {
            assert!(code(bad).is_none(), "{bad:.20}");
        }
    }
}
