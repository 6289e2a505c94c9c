//! A condition of any text on a predicate of any JSON, divided by the first zero byte: reading and evaluating end, and
//! never panic. What a condition means is tested beside its evaluation.
#![no_main]

use countersign::condition::{Condition, Facts};
use countersign::digest::Digest;
use countersign::json::Json;
use countersign::statement::{ResourceDescriptor, Statement};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(condition), Some(predicate)) = (parts.next(), parts.next()) else { return };
    let Ok(condition) = std::str::from_utf8(condition) else { return };
    let (Ok(condition), Ok(predicate)) = (Condition::parse(condition), Json::parse(predicate)) else { return };
    let subject = vec![ResourceDescriptor::new("artifact", Digest::sha256(b"artifact"))];
    let statement = Statement { subject, predicate_type: "https://example.test/p".to_owned(), predicate };
    let facts =
        Facts { statement: &statement, signer: Json::Null, question: Json::Null, at: "2025-12-15T00:00:00Z".parse().expect("a time") };
    assert_eq!(condition.holds(&facts), condition.holds(&facts), "the same twice");
});
