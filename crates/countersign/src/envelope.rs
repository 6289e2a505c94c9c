//! DSSE: a payload, its type, and the bytes that a signature covers.
//! It signs and verifies nothing itself.

/// Returns DSSE's pre-authentication encoding, the bytes that are signed
/// (<https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>).
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn encodes_as_the_protocol_says() {
        // The example of the DSSE specification.
        assert_eq!(super::pae("http://example.com/HelloWorld", b"hello world"), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }
}
