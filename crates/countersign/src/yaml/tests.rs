//! What is read as YAML, and everything of it that is refused.
//! Policies as a whole are tested from outside the crate.

use super::*;
use proptest::prelude::*;

fn value(yaml: &str) -> Json {
    parse(yaml.as_bytes()).unwrap_or_else(|e| panic!("{yaml:?}: {e}")).value
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

#[track_caller]
fn refuses(yaml: impl AsRef<[u8]>, line: usize, column: usize, problem: Problem) {
    assert_eq!(parse(yaml.as_ref()).unwrap_err(), YamlError { place: Place { line, column }, problem });
}

#[test]
fn reads_the_forms_that_policies_use() {
    let yaml = "\
version: 1   # a comment
id: demo
expires: 2027-01-01T00:00:00Z
signers:
  - id: platform
    key: MFkwEwYH+/=
    mayAttest:
      - {predicate: \"https://slsa.dev/provenance/v1\", ceiling: harness}
people: [{id: m, identities: [{signer: m}, {issuer: local, subject: m@example.test}]}]
list:
- a
- b
text: |
  one
  two
folded: >-
  one
  two
single: 'it''s'
nothing:
";
    let expected = r#"{"version":1,"id":"demo","expires":"2027-01-01T00:00:00Z",
            "signers":[{"id":"platform","key":"MFkwEwYH+/=","mayAttest":[{"predicate":"https://slsa.dev/provenance/v1","ceiling":"harness"}]}],
            "people":[{"id":"m","identities":[{"signer":"m"},{"issuer":"local","subject":"m@example.test"}]}],
            "list":["a","b"],"text":"one\ntwo\n","folded":"one two","single":"it's","nothing":null}"#;
    assert_eq!(value(yaml), json(expected));
    assert_eq!(value(&format!("---\n{yaml}...\n")), json(expected));
    assert_eq!(value(&yaml.replace('\n', "\r\n")), json(expected));
}

#[test]
fn resolves_plain_scalars_by_the_core_schema() {
    for (yaml, expected) in [
        ("[null, Null, NULL, ~]", "[null,null,null,null]"),
        ("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"),
        ("[yes, No, on, OFF, y, n, nUll, tRUE]", r#"["yes","No","on","OFF","y","n","nUll","tRUE"]"#),
        ("[0, -1, +2, 010, -0, 0o17, 0x1F, 0xff]", "[0,-1,2,10,0,15,31,255]"),
        ("[1.5, -.5, 1., +1.e2, 1e3, 1E-1]", "[1.5,-0.5,1,100,1000,0.1]"),
        ("[9007199254740992, -9007199254740992, 0x20000000000000]", "[9007199254740992,-9007199254740992,9007199254740992]"),
        ("[2026-01-01, 2026-01-01T00:00:00Z, 12:30:45]", r#"["2026-01-01","2026-01-01T00:00:00Z","12:30:45"]"#),
        (
            "[1_000, 0b1, 0o8, 0x, 0xg, +0x1, -0o7, 1e, e1, ., +, -., 1.2.3, .e1]",
            r#"["1_000","0b1","0o8","0x","0xg","+0x1","-0o7","1e","e1",".","+","-.","1.2.3",".e1"]"#,
        ),
        ("[inf, nan, Infinity, -inf, .iNf, +.nan]", r#"["inf","nan","Infinity","-inf",".iNf","+.nan"]"#),
        ("['1', \"true\", 'null', '', \"~\"]", r#"["1","true","null","","~"]"#),
        ("[<<, =]", r#"["<<","="]"#),
    ] {
        assert_eq!(value(yaml), json(expected), "{yaml}");
    }
}

#[test]
fn refuses_what_two_readers_could_take_in_two_ways() {
    refuses("a: &x 1", 1, 4, Problem::Anchor);
    refuses("a: &x [1]", 1, 4, Problem::Anchor);
    refuses("&x a: 1", 1, 1, Problem::Anchor);
    refuses("a: *x", 1, 4, Problem::Alias);
    refuses("a: !!str 1", 1, 4, Problem::Tag);
    refuses("a: !x {}", 1, 4, Problem::Tag);
    refuses("a: ! 1", 1, 4, Problem::Tag);
    refuses("- !!seq []", 1, 3, Problem::Tag);
    refuses("a:\n  <<: {b: 1}", 2, 3, Problem::MergeKey);
    refuses("a: 1\nb: 2\na: 3", 3, 1, Problem::DuplicateKey("a".to_owned()));
    refuses("a: 1\n\"\\x61\": 2", 2, 1, Problem::DuplicateKey("a".to_owned()));
    refuses("- {b: 1, 'b': 1}", 1, 10, Problem::DuplicateKey("b".to_owned()));
    refuses("a: 1\n---\nb: 2", 2, 1, Problem::SecondDocument);
    refuses("a: 1\n...\n---\n", 3, 1, Problem::SecondDocument);
    refuses("%YAML 1.2\n---\na: 1", 1, 1, Problem::Directive);
    refuses("# c\n\n%TAG ! tag:example.test,2026:\n---\na: 1", 3, 1, Problem::Directive);
    refuses("...\n%YAML 1.1\n---\na: 1", 2, 1, Problem::Directive);
    refuses("\u{FEFF}a: 1", 1, 1, Problem::ByteOrderMark);
    refuses("# c\n\u{FEFF}a: 1", 2, 1, Problem::ByteOrderMark);
    refuses("\u{FEFF}{\"a\":1}", 1, 1, Problem::ByteOrderMark);
    assert_eq!(value("'<<': 1"), json(r#"{"<<":1}"#), "quoted, it is a key like any other");
}

#[test]
fn refuses_keys_that_are_not_strings() {
    for (yaml, column) in [
        ("1: a", 1),
        ("true: a", 1),
        ("~: a", 1),
        ("1.5: a", 1),
        (": a", 1),
        (".nan: a", 1),
        ("99999999999999999999: a", 1),
        ("? [a]\n: b", 3),
        ("? {a: b}\n: c", 3),
    ] {
        refuses(yaml, 1, column, Problem::KeyNotString);
    }
    refuses("- {a: b}: c", 1, 3, Problem::KeyNotString);
    assert_eq!(value("'1': a\n\"true\": b\nyes: c\n'': d"), json(r#"{"1":"a","true":"b","yes":"c","":"d"}"#));
}

#[test]
fn refuses_values_that_json_cannot_hold() {
    for number in ["9007199254740993", "-9007199254740993", "1e400", "9007199254740994.0", "0x20000000000001", "0o777777777777777777777777"]
    {
        refuses(format!("a: {number}"), 1, 4, Problem::NumberTooLarge);
    }
    for number in [".nan", ".NaN", ".inf", "-.INF", "+.Inf"] {
        refuses(format!("a: {number}"), 1, 4, Problem::NotFinite);
    }
}

#[test]
fn refuses_documents_without_a_value() {
    for empty in ["", " ", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "..."] {
        assert_eq!(parse(empty.as_bytes()).unwrap_err().problem, Problem::Empty, "{empty:?}");
    }
    assert_eq!(value("~"), Json::Null);
    assert_eq!(value("''"), Json::from(""));
}

#[test]
fn refuses_tabs_in_indentation() {
    refuses("a:\n\tb: 1", 2, 1, Problem::Tab);
    refuses("a:\n  \tb: 1", 2, 3, Problem::Tab);
    refuses("-\ta: 1\n \tb: 2", 1, 2, Problem::Tab);
    refuses("- -\t- a", 1, 4, Problem::Tab);
    refuses("?\ta\n: b", 1, 2, Problem::Tab);
    assert_eq!(value("a: b\t# c\n\t\n\t# d\n"), json(r#"{"a":"b"}"#), "elsewhere a tab is a blank");
    assert_eq!(value("a: \"\tb\""), json(r#"{"a":"\tb"}"#));
}

#[test]
fn refuses_bytes_that_are_no_text() {
    refuses(b"a: 1\nb: \xFF", 2, 4, Problem::NotUtf8);
    refuses(b"\xFF\xFEa\0", 1, 1, Problem::NotUtf8);
    refuses("a: \0", 1, 4, Problem::ControlCharacter);
    refuses("a: \"\x1B[0m\"", 1, 5, Problem::ControlCharacter);
}

#[test]
fn refuses_what_is_no_yaml() {
    for yaml in ["a: b: c", "[a", "a: [b}", "'a", "a: 'b' c", "- a\nb: c", "a:\n  b: 1\n c: 2", "a: @b", "a: |\n b\na", "a: 1\n%YAML 1.2"] {
        let error = parse(yaml.as_bytes()).unwrap_err();
        assert!(matches!(error.problem, Problem::Syntax(_)), "{yaml:?}: {error}");
    }
}

#[test]
fn bounds_size_depth_and_number() {
    let nested = |depth: usize| format!("#\n{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
    refuses(nested(limits::JSON_DEPTH + 1), 2, limits::JSON_DEPTH + 1, Problem::TooDeep);
    refuses("- ".repeat(limits::JSON_DEPTH + 1), 1, 2 * limits::JSON_DEPTH + 1, Problem::TooDeep);
    refuses("- ".repeat(limits::POLICY_BYTES / 2), 1, 2 * limits::JSON_DEPTH + 1, Problem::TooDeep);
    assert!(parse("[".repeat(100_000).as_bytes()).is_err());

    let padded = |bytes: usize| format!("a: 1\n#{}", "x".repeat(bytes - 6));
    assert!(parse(padded(limits::POLICY_BYTES).as_bytes()).is_ok());
    refuses(padded(limits::POLICY_BYTES + 1), 1, 1, Problem::TooLarge);

    let items = |commas: usize| format!("[{}]", "a,".repeat(commas));
    assert!(parse(items(limits::POLICY_INDICATORS - 1).as_bytes()).is_ok());
    refuses(items(limits::POLICY_INDICATORS), 1, 1, Problem::TooManyValues);
    refuses(format!("{{\"a\":[{}0]}}", "0,".repeat(limits::POLICY_INDICATORS)), 1, 1, Problem::TooManyValues);
}

#[test]
fn a_long_key_is_not_repeated_whole() {
    let key = "k".repeat(1_000);
    refuses(format!("{key}: 1\n{key}: 2"), 2, 1, Problem::DuplicateKey("k".repeat(limits::QUOTED_CHARACTERS)));
}

#[test]
fn a_brace_first_means_json() {
    assert_eq!(value(" \r\n\t{\"a\": [1, true]}\n"), json(r#"{"a":[1,true]}"#));
    assert_eq!(parse(b"{\"a\": 1}").unwrap().place("/a"), None);
    refuses("{\"a\": 1,\n \"b\": x}", 2, 7, Problem::Json(json::Problem::Unexpected));
    refuses("{\"ä\": 1, \"ä\": 2}", 1, 10, Problem::Json(json::Problem::DuplicateKey));
    refuses("{a: b}", 1, 2, Problem::Json(json::Problem::Unexpected));
}

#[test]
fn names_the_place_of_each_value() {
    let document = parse("# c\na: 1\nb:\n  - x\n  - c/d: {e~: [ä, f]}\n".as_bytes()).unwrap();
    let place = |pointer: &str| document.place(pointer).map(|place| (place.line, place.column)).unwrap();
    assert_eq!(place(""), (2, 1));
    assert_eq!(place("/a"), (2, 1));
    assert_eq!(place("/b"), (3, 1));
    assert_eq!(place("/b/0"), (4, 5));
    assert_eq!(place("/b/1"), (5, 5));
    assert_eq!(place("/b/1/c~1d"), (5, 5));
    assert_eq!(place("/b/1/c~1d/e~0"), (5, 11));
    assert_eq!(place("/b/1/c~1d/e~0/1"), (5, 19));
    assert_eq!(place("/b/7"), (3, 1), "what is missing is missed where it should be");
    assert_eq!(place("/b/1/missing/deeper"), (5, 5));
}

#[test]
fn an_error_reads_as_one_line_with_its_place() {
    let error = parse(b"a: 1\na: 2").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 1: the key `a` occurs twice in one mapping; remove one");
}

fn any_json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![any::<String>(), "[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\r\\\\~<=.0-9a-e\u{85}\u{a0}\u{2028}\u{feff}\u{7f}]{0,12}"];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (-(1_i64 << 53)..=1 << 53).prop_map(|n| Json::Number(n as f64)),
        (-1e15_f64..1e15).prop_map(Json::Number),
        (-1e-5_f64..1e-5).prop_map(Json::Number),
        text.clone().prop_map(Json::String),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map(text.clone(), inner, 0..6).prop_map(Json::Object),
        ]
    })
}

/// Writes a value in block style, with strings as JSON quotes them.
fn block(json: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match json {
        Json::Array(items) if !items.is_empty() => items.iter().for_each(|item| {
            out.push_str(&format!("\n{pad}- "));
            block(item, indent + 2, out);
        }),
        Json::Object(members) if !members.is_empty() => members.iter().for_each(|(key, item)| {
            let key = String::from_utf8(Json::from(key.as_str()).canonical()).unwrap();
            // A key of over 1,024 characters needs the explicit form.
            out.push_str(&format!("\n{pad}? {key}\n{pad}: "));
            block(item, indent + 2, out);
        }),
        leaf => out.push_str(&String::from_utf8(leaf.canonical()).unwrap()),
    }
}

proptest! {
    #[test]
    fn json_means_the_same_as_yaml(json in any_json()) {
        let text = String::from_utf8(json.canonical()).unwrap();
        let as_yaml = parse(format!("# not a brace\n{text}").as_bytes());
        prop_assert_eq!(as_yaml.map(|document| document.value), Ok(json));
    }

    #[test]
    fn block_style_means_the_same_as_json(json in any_json()) {
        let mut text = String::from("---");
        if !matches!(json, Json::Array(_) | Json::Object(_)) {
            text.push(' ');
        }
        if matches!(&json, Json::Array(items) if items.is_empty()) || matches!(&json, Json::Object(members) if members.is_empty()) {
            text.push(' ');
        }
        block(&json, 0, &mut text);
        let parsed = parse(text.as_bytes());
        prop_assert_eq!(parsed.map(|document| document.value), Ok(json), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(?:[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\r\\\\~<.0-9a\u{feff}é]|- |: |\n |\\? |--- |\\.\\.\\.|<<: |\\\\U|\\\\x){0,60}") {
        if let Ok(document) = parse(text.as_bytes()) {
            prop_assert_eq!(Json::parse(&document.value.canonical()).unwrap(), document.value);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = parse(&bytes);
    }
}
