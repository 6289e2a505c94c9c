//! Proves that the features of serde_json are on while `tests/canonical.rs` of the heart is run.
//! The vectors themselves stand there.

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn reprinted(text: &str) -> String {
        serde_json::from_str::<Value>(text).unwrap().to_string()
    }

    #[test]
    fn numbers_keep_every_digit() {
        assert_eq!(reprinted("1.00000000000000011102230246251566"), "1.00000000000000011102230246251566");
    }

    #[test]
    fn keys_keep_their_order() {
        assert_eq!(reprinted(r#"{"b":1,"a":2}"#), r#"{"b":1,"a":2}"#);
    }
}
