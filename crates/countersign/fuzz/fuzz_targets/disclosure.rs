//! `Disclosure::parse` on any bytes: what it accepts is exactly what it prints, and checking it always ends.
#![no_main]

use countersign::seal::Disclosure;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(disclosure) = Disclosure::parse(bytes) {
        assert_eq!(disclosure.to_bytes(), bytes);
        let _ = disclosure.check(disclosure.claimed_record());
    }
});
