//! `SealedRecord::parse` on any bytes: what it accepts is exactly what it prints.
#![no_main]

use countersign::seal::SealedRecord;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = SealedRecord::parse(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
});
