//! Signing configurations of any bytes: nothing panics, and what we read, others can read.
#![no_main]

use countersign_sign::SigningConfig;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if SigningConfig::parse(bytes).is_ok() {
        serde_json::from_slice::<serde_json::Value>(bytes).expect("what we read, others can read");
    }
});
