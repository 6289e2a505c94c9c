//! `Json::parse` on any bytes: it never panics, prints what it read so that reading gives the same again, and accepts
//! nothing that serde_json reads otherwise. Which bytes it refuses is tested beside the parser.
#![no_main]

use countersign::json::Json;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = Json::parse(bytes) else { return };
    let canonical = json.canonical();
    let again = Json::parse(&canonical).expect("canonical bytes are JSON");
    assert_eq!(again, json);
    assert_eq!(again.canonical(), canonical);
    let theirs: Value = serde_json::from_slice(bytes).expect("serde_json reads what we read");
    assert!(agrees(&json, &theirs), "{json:?} is not {theirs:?}");
});

fn agrees(ours: &Json, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::Number(a), Value::Number(b)) => b.as_f64().is_some_and(|b| is_near(*a, b)),
        (Json::String(a), Value::String(b)) => a == b,
        (Json::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agrees(a, b)),
        (Json::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agrees(a, b))),
        _ => false,
    }
}

/// Without `float_roundtrip`, serde_json may miss the nearest double by a little; we never do.
fn is_near(ours: f64, theirs: f64) -> bool {
    ours == theirs || (ours - theirs).abs() <= ours.abs() * 4.0 * f64::EPSILON || (ours.abs() < 1e-300 && theirs.abs() < 1e-300)
}
