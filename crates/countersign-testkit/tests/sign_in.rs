//! A person signs in with an instance's issuer: whoever that is signs, and whatever else comes back, nobody does.
//! What a person sees and types at a terminal is tried on the command line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countersign::digest::Digest;
use countersign::predicate::{GateResult, TestResult};
use countersign::statement::{ResourceDescriptor, Statement};
use countersign::time::{Span, Time};
use countersign::trust::{Trust, TrustRoot};
use countersign::verify;
use countersign_sign::{IdentityToken, Keyless, KeylessError, Person, SignIn, SigningConfig, TokenSource};
use countersign_testkit::browser::{self, visit};
use countersign_testkit::instance::Fault::{
    Aged, ByAnother, CutOff, Denied, Floods, Hangs, Nonsense, OfAnother, Redirects, Status, Unproved,
};
use countersign_testkit::instance::Place::{self, Exchange, Issuer, SecondLog, Times};
use countersign_testkit::instance::{CODE, Instance};
use zeroize::Zeroizing;

#[test]
fn signs_as_whoever_signs_in_with_a_browser_or_brings_a_code() {
    for way in [SignIn::by_browser, SignIn::by_code] {
        let instance = Instance::start();
        let keyless = keyless(&instance, way(person(|address| visit(address).body)));
        keyless.check(now()).unwrap();
        assert_eq!(instance.asked(Issuer), 0, "nobody is asked beforehand");
        let session = keyless.begin(now()).unwrap();
        assert_eq!(session.unverified_subject(), "signer@example.test");
        let bundle = session.attest(&statement()).unwrap();
        verify::with_certificate(&bundle, &root(&instance), now().plus(Span::seconds(60))).unwrap();
        assert_eq!([Issuer, Place::SignIn, Exchange, Place::Authority].map(|place| instance.asked(place)), [1; 4]);
    }
}

#[test]
fn takes_the_answer_from_among_others_who_connect_and_from_nobody_afterwards() {
    let instance = Instance::start();
    let pages = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&pages);
    let browse = move |address: &str| {
        let at = redirect(address);
        // More than are read from at once, who say nothing, or not all of it.
        let hosts = at.strip_prefix("http://").unwrap().split_once('/').unwrap().0.to_owned();
        let mut silent: Vec<_> = (0..3).map(|_| TcpStream::connect(&hosts).unwrap()).collect();
        silent[1].write_all(b"GET /auth/callback?code=").unwrap();
        let origin = at.strip_suffix("/auth/callback").unwrap();
        let state = address.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();
        let strangers = [
            format!("{origin}/favicon.ico"),
            format!("{origin}/auth/callbacks?code=a&state={state}"),
            at.clone(),
            format!("{at}?code=a"),
            format!("{at}?code=a&state=another"),
            format!("{at}?error=access_denied&state=another"),
            format!("{at}?code=a&state={state}&state={state}"),
        ];
        let mut seen: Vec<_> = strangers.iter().map(|stranger| browser::open(stranger, "").status).collect();
        seen.push(browser::open(&format!("{at}?code=a"), &format!("cookie: {}\r\n", "c".repeat(70 << 10))).status);
        let page = visit(address);
        seen.push(page.status);
        // Whoever signs in once more is let in by nobody.
        thread::sleep(Duration::from_millis(300));
        seen.push(browser::open(&format!("{at}?code=a&state={state}"), "").status);
        shown.lock().unwrap().push((seen, page.head + &page.body));
        String::new()
    };
    let keyless = keyless(&instance, SignIn::by_browser(person(browse)));
    let session = keyless.begin(now()).unwrap();
    assert_eq!(session.unverified_subject(), "signer@example.test");
    let deadline = Instant::now() + Duration::from_secs(20);
    while pages.lock().unwrap().is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    let (seen, page) = pages.lock().unwrap().pop().unwrap();
    let over_limit = seen[7];
    assert_eq!(seen[..7], [404, 404, 404, 400, 400, 400, 400], "{seen:?}");
    // One who is still writing when the answer comes may lose it.
    assert!(over_limit == 431 || over_limit == 0, "{seen:?}");
    assert_eq!(seen[8..], [200, 0], "{seen:?}");
    assert!(page.contains("cache-control: no-store") && page.contains("return to the terminal"), "{page}");
    assert!(!page.contains(CODE), "{page}");
}

#[test]
fn takes_no_token_from_anybody_but_the_issuer_who_was_asked() {
    for (place, fault, words) in [
        (Issuer, ByAnother, "it describes another issuer"),
        (Issuer, OfAnother, "it says no address to sign in at that nobody on the way reads"),
        (Issuer, Unproved, "it doesn't bind codes to who asked for them"),
        (Issuer, Status(404), "it answers with status 404"),
        (Issuer, Redirects, "it answers with status 307"),
        (Issuer, Nonsense, "it describes another issuer"),
        (Issuer, Floods, "an answer that is too large"),
        (Issuer, CutOff, "no answer: "),
        (Place::SignIn, ByAnother, "the answer is another issuer's"),
        (Place::SignIn, Unproved, "the answer doesn't say whose it is"),
        (Place::SignIn, Denied, "the issuer or the person refused (`access_denied`)"),
        (Exchange, ByAnother, "its token is another issuer's"),
        (Exchange, OfAnother, "its token answers another request"),
        (Exchange, Aged, "the identity token expired at"),
        (Exchange, Status(400), "it answers with status 400"),
        (Exchange, Redirects, "it answers with status 307"),
        (Exchange, Nonsense, "it gives no identity token"),
        (Exchange, Floods, "an answer that is too large"),
    ] {
        let instance = Instance::start().failing(place, fault, u32::MAX);
        let error = refused(&instance, SignIn::by_browser(person(|address| visit(address).body)));
        assert!(error.to_string().contains(words), "{place:?} {fault:?}: {error}");
    }
}

#[test]
fn is_not_ended_by_an_answer_to_another_request_and_says_that_one_came() {
    let instance = Instance::start().failing(Place::SignIn, OfAnother, u32::MAX);
    let person = person(|address| visit(address).body);
    let error = refused(&instance, SignIn::by_browser(person).within(Duration::from_secs(2)));
    assert!(error.to_string().ends_with("no answer came within 2 s; answers to what wasn't asked here, which were refused: 1"), "{error}");
    assert_eq!(instance.asked(Exchange), 0);
}

#[test]
fn takes_no_code_that_was_not_given_for_this() {
    for (typed, words) in [("hunter2-wrong", "it answers with status 400"), ("", "no code"), ("hunter2\u{1b}[2J", "no code")] {
        let instance = Instance::start();
        let error = refused(&instance, SignIn::by_code(person(move |_| typed.to_owned())));
        assert!(error.to_string().contains(words) && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    struct Nobody;
    impl Person for Nobody {
        fn browse(&self, _: &str) {}
        fn code(&self, _: &str) -> io::Result<Zeroizing<String>> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let error = refused(&Instance::start(), SignIn::by_code(Arc::new(Nobody)));
    assert!(error.to_string().ends_with("nobody can be asked for a code"), "{error}");
}

#[test]
fn waits_for_nobody_beyond_its_time() {
    let patience = Duration::from_millis(500);
    let forever = || {
        person(|_| {
            loop {
                thread::park()
            }
        })
    };
    for way in [SignIn::by_browser, SignIn::by_code] {
        let started = Instant::now();
        let error = refused(&Instance::start(), way(forever()).within(patience));
        assert!(error.to_string().ends_with("no answer came within 0.5 s") && started.elapsed() < Duration::from_secs(10), "{error}");
    }
    for place in [Issuer, Exchange] {
        let instance = Instance::start().failing(place, Hangs, u32::MAX);
        let started = Instant::now();
        let error = refused(&instance, SignIn::by_browser(person(|address| visit(address).body)).within(Duration::from_secs(3)));
        assert!(error.to_string().ends_with("no answer in time") && started.elapsed() < Duration::from_secs(13), "{error}");
    }
}

#[test]
fn sees_beforehand_that_there_is_nobody_to_sign_in_with() {
    let instance = Instance::start();
    let config = String::from_utf8(instance.signing_config(&[SecondLog, Times])).unwrap().replace("oidcUrls", "others");
    let config = SigningConfig::parse(config.as_bytes()).unwrap();
    let source = TokenSource::person(SignIn::by_browser(person(|_| panic!("nobody is asked"))));
    let keyless = Keyless::new(config, Trust::keys_only().with(root(&instance)), source).unwrap();
    for error in [keyless.check(now()).unwrap_err(), keyless.begin(now()).unwrap_err()] {
        assert!(error.to_string().contains("names nobody to sign in with (`oidcUrls`)"), "{error}");
    }
}

/// Returns why nobody signs, when no certificate was asked for and nothing secret was told.
fn refused(instance: &Instance, sign_in: SignIn) -> KeylessError {
    let error = keyless(instance, sign_in).begin(now()).unwrap_err();
    let text = format!("{error} {error:?}");
    assert_eq!(error.code(), "token-unusable", "{text}");
    assert!(!text.contains(CODE) && !text.split_whitespace().any(IdentityToken::is_in), "{text}");
    assert_eq!(instance.asked(Place::Authority), 0, "{text}");
    error
}

/// Somebody who does that with the address, and answers what comes of it.
fn person(does: impl Fn(&str) -> String + Send + Sync + 'static) -> Arc<dyn Person> {
    struct Somebody(Arc<dyn Fn(&str) -> String + Send + Sync>);
    impl Person for Somebody {
        fn browse(&self, address: &str) {
            let (does, address) = (Arc::clone(&self.0), address.to_owned());
            thread::spawn(move || does(&address));
        }
        fn code(&self, address: &str) -> io::Result<Zeroizing<String>> {
            Ok(Zeroizing::new((self.0)(address)))
        }
    }
    Arc::new(Somebody(Arc::new(does)))
}

/// Where the browser is sent back to.
fn redirect(address: &str) -> String {
    let redirect = address.split('&').find_map(|pair| pair.strip_prefix("redirect_uri=")).unwrap();
    redirect.replace("%3A", ":").replace("%2F", "/")
}

fn keyless(instance: &Instance, sign_in: SignIn) -> Keyless {
    let config = SigningConfig::parse(&instance.signing_config(&[SecondLog, Times])).unwrap();
    Keyless::new(config, Trust::keys_only().with(root(instance)), TokenSource::person(sign_in)).unwrap()
}

fn root(instance: &Instance) -> TrustRoot {
    TrustRoot::parse(&instance.trusted_root()).unwrap()
}

fn statement() -> Statement {
    let subject = ResourceDescriptor::new("app.tar", Digest::sha256(b"app"));
    TestResult::of_gate("unit-tests", GateResult::Passed, None).about(vec![subject]).unwrap()
}

fn now() -> Time {
    Time::from_unix(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()).unwrap()
}
