//! Canonical bytes that must be the same in every build, whatever features of serde_json other crates turn on.
//! Refusals are tested beside the parser; `serde-json-features` runs this very file with those features on.

use countersign::json::{Json, canonical};

/// A JSON text, and its canonical bytes.
const VECTORS: &[(&str, &str)] = &[
    // Decimals whose nearest double an inexact reader misses by one unit in the last place.
    ("4.35", "4.35"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("0.3000000000000000444", "0.30000000000000004"),
    ("2.2250738585072011e-308", "2.225073858507201e-308"),
    ("2.2250738585072014e-308", "2.2250738585072014e-308"),
    ("5e-324", "5e-324"),
    ("2.4703282292062328e-324", "5e-324"),
    ("2.4703282292062327e-324", "0"),
    ("0.000000000000000000000000000000000000000000000123e-10", "1.23e-56"),
    ("1.0000000000000002", "1.0000000000000002"),
    ("1.00000000000000011102230246251565", "1"),
    ("1.00000000000000011102230246251566", "1.0000000000000002"),
    ("179.76931348623157", "179.76931348623157"),
    ("333333333.33333329", "333333333.3333333"),
    // Whole numbers, exact to the edge.
    ("9007199254740992", "9007199254740992"),
    ("-9007199254740992", "-9007199254740992"),
    ("9007199254740991.0", "9007199254740991"),
    ("1E2", "100"),
    ("-0", "0"),
    ("-0.0e5", "0"),
    ("0.000001", "0.000001"),
    ("0.0000001", "1e-7"),
    // Keys in UTF-16 order, which isn't the order of their UTF-8: U+1D11E before U+FB33 before U+FF5E.
    ("{\"\u{ff5e}\":1,\"\u{fb33}\":2,\"\u{1d11e}\":3,\"z\":4}", "{\"z\":4,\"\u{1d11e}\":3,\"\u{fb33}\":2,\"\u{ff5e}\":1}"),
    ("{\"b\":{\"d\":1,\"c\":2},\"a\":[{\"z\":0,\"y\":0}]}", "{\"a\":[{\"y\":0,\"z\":0}],\"b\":{\"c\":2,\"d\":1}}"),
    ("{\"10\":0,\"9\":0,\"\":0}", "{\"\":0,\"10\":0,\"9\":0}"),
    // Names that serde_json gives a meaning of their own when `arbitrary_precision` or `raw_value` is on.
    ("{\"$serde_json::private::Number\":\"1\"}", "{\"$serde_json::private::Number\":\"1\"}"),
    ("{\"$serde_json::private::RawValue\":\"1\"}", "{\"$serde_json::private::RawValue\":\"1\"}"),
];

#[test]
fn parsing_and_printing_gives_the_golden_bytes() {
    for (text, golden) in VECTORS {
        let json = Json::parse(text.as_bytes()).expect(text);
        assert_eq!(String::from_utf8(json.canonical()).unwrap(), *golden, "{text}");
    }
}

#[test]
fn serializing_a_parsed_value_again_gives_the_golden_bytes() {
    for (text, golden) in VECTORS {
        let json = Json::parse(text.as_bytes()).expect(text);
        assert_eq!(String::from_utf8(canonical(&json).expect(text)).unwrap(), *golden, "{text}");
        assert_eq!(json.to::<Json>().expect(text), json, "{text}");
    }
}

#[test]
fn serializing_numbers_of_rust_gives_the_golden_bytes() {
    let golden = br#"{"fraction":4.35,"least":5e-324,"sum":0.30000000000000004,"whole":9007199254740992}"#;
    let numbers =
        std::collections::BTreeMap::from([("whole", 9_007_199_254_740_992.0), ("sum", 0.1 + 0.2), ("least", 5e-324), ("fraction", 4.35)]);
    assert_eq!(canonical(&numbers).unwrap(), golden);
}
