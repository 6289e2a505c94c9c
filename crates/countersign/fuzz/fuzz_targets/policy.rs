//! `Policy::parse` on any bytes: it never panics, and says where what is wrong. What is refused is tested beside it.
#![no_main]

use countersign::policy::Policy;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match Policy::parse(bytes) {
        Ok(policy) => assert!(policy.environments().next().is_some()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
