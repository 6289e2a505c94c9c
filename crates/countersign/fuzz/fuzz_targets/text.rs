//! Any text as what policies, questions and command lines name: what is read is printed so that reading gives the same
//! again. What each form refuses is tested beside its parser.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use countersign::digest::Digest;
use countersign::predicate::Delegator;
use countersign::time::{Span, Time};

libfuzzer_sys::fuzz_target!(|text: &str| {
    check::<Digest>(text);
    check::<Time>(text);
    check::<Span>(text);
    if let Ok(Delegator { issuer, subject }) = text.parse::<Delegator>() {
        assert_eq!(format!("{issuer}#{subject}").parse(), Ok(Delegator { issuer, subject }));
    }
});

fn check<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string().parse::<T>().expect("what is printed can be read"), read);
    }
}
