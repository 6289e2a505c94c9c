//! Disclosures: what was sealed can be shown leaf by leaf, and nothing else can be shown to have been sealed.
//! The roots themselves are compared with an independent computation beside the code.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it doesn't expect")]

use countersign::json::{Json, Object};
use countersign::limits;
use countersign::seal::{DiscloseError, Discloser, Disclosure, NotADisclosure, NotDisclosed, Salt, SealedRecord, Sealer};
use proptest::prelude::*;

type Leaf = ([u8; 32], String, Vec<u8>);
type Change = Box<dyn FnOnce(&mut Object)>;

fn leaves(count: u64) -> Vec<Leaf> {
    (0..count).map(|i| ([u8::try_from(i % 251).unwrap(); 32], format!("kind-{}", i % 3), format!("body {i}").into_bytes())).collect()
}

fn seal(leaves: &[Leaf]) -> SealedRecord {
    let mut sealer = Sealer::new([0xAB; 16]);
    leaves.iter().for_each(|(salt, kind, body)| sealer.leaf(&Salt::new(*salt), kind, body));
    sealer.finish().unwrap()
}

fn try_disclose(record: &SealedRecord, leaves: &[Leaf], index: u64) -> Result<Disclosure, DiscloseError> {
    let mut discloser = Discloser::new(record.clone(), index)?;
    leaves.iter().for_each(|(salt, kind, body)| discloser.leaf(&Salt::new(*salt), kind, body));
    discloser.finish()
}

fn disclose(leaves: &[Leaf], index: u64) -> (SealedRecord, Disclosure) {
    let record = seal(leaves);
    let disclosure = try_disclose(&record, leaves, index).unwrap();
    (record, disclosure)
}

/// Reads a disclosure whose document was changed.
fn changed(disclosure: &Disclosure, change: impl FnOnce(&mut Object)) -> Result<Disclosure, NotADisclosure> {
    let Json::Object(mut document) = Json::parse(&disclosure.to_bytes()).unwrap() else { panic!("no object") };
    change(&mut document);
    Disclosure::parse(&Json::Object(document).canonical())
}

fn path(document: &mut Object) -> &mut Vec<Json> {
    let Some(Json::Array(path)) = document.get_mut("path") else { panic!("no path") };
    path
}

#[test]
fn every_leaf_of_trees_of_every_shape_can_be_disclosed() {
    let shapes = (1..=17).chain([31, 32, 33, 63, 64, 65, 127, 128, 129]);
    for count in shapes {
        let leaves = leaves(count);
        for index in 0..count {
            let (record, disclosure) = disclose(&leaves, index);
            let read = Disclosure::parse(&disclosure.to_bytes()).unwrap();
            assert_eq!((read.index(), read.claimed_record()), (index, &record));
            let message = read.check(&record).unwrap();
            let (_, kind, body) = &leaves[usize::try_from(index).unwrap()];
            assert_eq!((&message.kind, &message.body), (kind, body), "leaf {index} of {count}");
        }
    }
}

#[test]
fn a_leaf_that_is_not_there_is_not_disclosed() {
    let (record, all) = (seal(&leaves(3)), leaves(3));
    assert_eq!(try_disclose(&record, &all, 3).unwrap_err(), DiscloseError::NoSuchLeaf { index: 3, leaves: 3 });
    assert_eq!(try_disclose(&record, &all, u64::MAX).unwrap_err(), DiscloseError::NoSuchLeaf { index: u64::MAX, leaves: 3 });
}

#[test]
fn other_leaves_than_those_that_were_sealed_disclose_nothing() {
    for count in [1_u64, 2, 3, 4, 5, 7, 8, 9] {
        let all = leaves(count);
        let record = seal(&all);
        let mut wrong = vec![all[1..].to_vec(), [all.as_slice(), &all[..1]].concat()];
        for at in 0..all.len() {
            let mut other = all.clone();
            other[at].2.push(b'!');
            wrong.push(other.clone());
            other[at].2.pop();
            other[at].1.push('!');
            wrong.push(other.clone());
            other[at].1.pop();
            other[at].0[31] ^= 1;
            wrong.push(other);
            if at > 0 {
                let mut swapped = all.clone();
                swapped.swap(at - 1, at);
                wrong.push(swapped);
            }
        }
        for (place, other) in wrong.iter().enumerate() {
            for index in 0..count {
                assert_eq!(try_disclose(&record, other, index).unwrap_err(), DiscloseError::OtherLeaves, "{place} of {count}");
            }
        }
    }
}

#[test]
fn a_node_is_no_leaf_and_a_leaf_is_no_node() {
    use sha2::{Digest as _, Sha256};

    // The two hashes below the root of the tree, shown as if they were the text of the only leaf.
    let (record, disclosure) = disclose(&leaves(2), 0);
    let Json::Object(document) = Json::parse(&disclosure.to_bytes()).unwrap() else { panic!("no object") };
    let beside = document["path"].as_array().unwrap()[0].as_str().unwrap().to_owned();
    let one = changed(&disclosure, |document| {
        document.insert("text".to_owned(), Json::from(beside.as_str()));
        path(document).clear();
    });
    assert_eq!(one.unwrap().check(&record).unwrap_err(), NotDisclosed::PathLength);

    // Without the first byte a leaf and a node of the same bytes would be one.
    let bytes = [0x5A_u8; 64];
    let hash = |mark: u8| Sha256::new().chain_update([mark]).chain_update(bytes).finalize();
    assert_ne!(hash(0), hash(1));
    // A path one shorter, which would end at a node, and one longer, which would go on below a leaf.
    for count in [2_u64, 3, 4, 5, 8, 9] {
        for index in 0..count {
            let (record, disclosure) = disclose(&leaves(count), index);
            for change in [
                |path: &mut Vec<Json>| drop(path.pop()),
                |path: &mut Vec<Json>| drop(path.remove(0)),
                |path: &mut Vec<Json>| {
                    path.push(path[0].clone());
                },
            ] {
                let other = changed(&disclosure, |document| change(path(document))).unwrap();
                assert!(other.check(&record).is_err(), "{index} of {count}");
            }
        }
    }
}

#[test]
fn nothing_in_a_disclosure_can_be_changed() {
    let (record, disclosure) = disclose(&leaves(5), 2);
    let other_hash = Json::from("0".repeat(64).as_str());
    let cases: Vec<(&str, Change)> = vec![
        ("index", Box::new(|document| drop(document.insert("index".into(), Json::Number(3.0))))),
        ("kind", Box::new(|document| drop(document.insert("kind".into(), Json::from("prompt"))))),
        ("text", Box::new(|document| drop(document.insert("text".into(), Json::from("body 3"))))),
        (
            "salt",
            Box::new({
                let hash = other_hash.clone();
                move |document| drop(document.insert("salt".into(), hash))
            }),
        ),
        (
            "path",
            Box::new({
                let hash = other_hash.clone();
                move |document| path(document)[1] = hash
            }),
        ),
        ("order of the path", Box::new(|document| path(document).swap(0, 1))),
    ];
    for (what, change) in cases {
        let other = changed(&disclosure, change).unwrap();
        assert_eq!(other.check(&record).unwrap_err(), NotDisclosed::OtherRoot, "{what}");
    }
}

#[test]
fn the_number_of_leaves_cannot_be_changed() {
    for count in [1_u64, 2, 3, 4, 5, 8, 9, 16, 17] {
        for index in 0..count {
            let (record, disclosure) = disclose(&leaves(count), index);
            for other in (index + 1..count + 4).filter(|other| *other != count) {
                let claimed = changed(&disclosure, |document| {
                    let Some(Json::Object(record)) = document.get_mut("record") else { panic!("no record") };
                    #[expect(clippy::cast_precision_loss, reason = "small")]
                    record.insert("leaves".into(), Json::Number(other as f64));
                })
                .unwrap();
                assert_eq!(claimed.check(&record).unwrap_err(), NotDisclosed::OtherRecord);
                // Not even where a record with that count and the same root were signed.
                assert!(claimed.check(claimed.claimed_record()).is_err(), "{index} of {count} as {other}");
            }
        }
    }
}

#[test]
fn a_disclosure_of_one_record_is_none_of_another_with_the_same_texts() {
    let (_, disclosure) = disclose(&leaves(3), 1);
    let mut again = Sealer::new([0xCD; 16]);
    leaves(3).iter().for_each(|(salt, kind, body)| again.leaf(&Salt::new(*salt), kind, body));
    assert_eq!(disclosure.check(&again.finish().unwrap()).unwrap_err(), NotDisclosed::OtherRecord);
}

#[test]
fn a_message_that_is_no_text_is_base64_and_only_then() {
    let bytes = vec![0xff, 0x00, 0x41];
    let (record, disclosure) = disclose(&[([1; 32], "argv".into(), bytes.clone())], 0);
    let text = String::from_utf8(disclosure.to_bytes()).unwrap();
    assert!(text.starts_with(r#"{"base64":"/wBB","index":0,"kind":"argv","path":[],"record":{"leaves":1,"#), "{text}");
    assert_eq!(Disclosure::parse(text.as_bytes()).unwrap().check(&record).unwrap().body, bytes);

    let (_, disclosure) = disclose(&leaves(1), 0);
    for (remove, insert) in [(true, "Ym9keSAw"), (false, "Ym9keSAw"), (true, "Ym9keSAw="), (true, "%")] {
        let other = changed(&disclosure, |document| {
            if remove {
                document.remove("text");
            }
            document.insert("base64".into(), Json::from(insert));
        });
        assert!(matches!(other, Err(NotADisclosure::NotCanonical | NotADisclosure::Field("base64"))), "{other:?}");
    }
}

#[test]
fn reads_only_the_exact_document() {
    let (_, disclosure) = disclose(&leaves(3), 1);
    let good = String::from_utf8(disclosure.to_bytes()).unwrap();
    let refused = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} stands in the document");
        Disclosure::parse(text.as_bytes()).unwrap_err()
    };
    for (from, to, field) in [
        (r#""index":1"#, r#""index":3"#, "index"),
        (r#""index":1"#, r#""index":-1"#, "index"),
        (r#""index":1"#, r#""index":"1""#, "index"),
        (r#""salt":"0"#, r#""salt":"A"#, "salt"),
        (r#""salt":"01"#, r#""salt":""#, "salt"),
        (r#""text":"body 1""#, r#""text":1"#, "text"),
        (r#""text":"#, r#""test":"#, "base64"),
        (r#""kind":"kind-1""#, r#""kind":null"#, "kind"),
        (r#""path":["#, r#""path":["00","#, "path"),
        (r#""path":["#, r#""path":[1,"#, "path"),
        (r#"},"salt""#, r#"},"version":2,"salt""#, "version"),
    ] {
        let from_to = (from, to);
        let error = refused(from, to);
        // A doubled member is caught before any is read.
        assert!(error == NotADisclosure::Field(field) || matches!(error, NotADisclosure::NotJson(_)), "{from_to:?}: {error}");
    }
    assert!(matches!(refused(r#""leaves":3"#, r#""leaves":0"#), NotADisclosure::Record(_)));
    for (from, to) in
        [("{", "{ "), (r#""index":1"#, r#""index":1.0"#), (r#"{"index"#, r#"{"extra":1,"index"#), (r#""body 1""#, r#""\u0062ody 1""#)]
    {
        assert_eq!(refused(from, to), NotADisclosure::NotCanonical, "{from} -> {to}");
    }
    let long = vec![r#""0000000000000000000000000000000000000000000000000000000000000000""#; 25].join(",");
    assert_eq!(refused(r#""path":["#, &format!(r#""path":[{long},"#)), NotADisclosure::Field("path"));
    assert_eq!(Disclosure::parse(&vec![b' '; limits::DISCLOSURE_BYTES + 1]).unwrap_err(), NotADisclosure::TooLarge);
    for text in ["", "[]", "null", "{}"] {
        assert!(Disclosure::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn neither_a_message_nor_a_salt_shows_itself() {
    let (_, disclosure) = disclose(&leaves(2), 1);
    let shown = format!("{disclosure:?}");
    assert!(shown.contains("6 bytes") && shown.contains("hidden") && !shown.contains("body 1"), "{shown}");
}

#[test]
fn a_word_that_could_be_guessed_is_not_found_without_its_salt() {
    let salts = [[0x11; 32], [0x77; 32]];
    let records = salts.map(|salt| seal(&[(salt, "prompt".into(), b"yes".to_vec())]));
    assert_ne!(records[0].root(), records[1].root());
    for guess in ["yes", "no"] {
        // Whoever has the record only, and not the salt, tries salts that they could know.
        for salt in [[0; 32], [0xff; 32], [0xAB; 32]] {
            let found = seal(&[(salt, "prompt".into(), guess.as_bytes().to_vec())]);
            assert!(records.iter().all(|record| record.root() != found.root()));
        }
    }
}

proptest! {
    #[test]
    fn what_was_sealed_is_what_is_shown(
        bodies in prop::collection::vec(any::<Vec<u8>>(), 1..40), kinds in prop::collection::vec(".{0,9}", 1..5), at in any::<prop::sample::Index>(),
    ) {
        let leaves: Vec<Leaf> = bodies.iter().enumerate().map(|(i, body)| ([u8::try_from(i).unwrap(); 32], kinds[i % kinds.len()].clone(), body.clone())).collect();
        let index = at.index(leaves.len());
        let (record, disclosure) = disclose(&leaves, index as u64);
        let read = Disclosure::parse(&disclosure.to_bytes()).unwrap();
        prop_assert_eq!(read.to_bytes(), disclosure.to_bytes());
        prop_assert_eq!(&read.check(&record).unwrap().body, &leaves[index].2);
    }

    #[test]
    fn reading_never_accepts_another_spelling_and_no_changed_byte_is_believed(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (record, disclosure) = disclose(&leaves(5), 3);
        let good = disclosure.to_bytes();
        let mut other = good.clone();
        other[place.index(good.len())] = byte;
        if let Ok(read) = Disclosure::parse(&other) {
            prop_assert_eq!(read.to_bytes(), other.clone());
            prop_assert!(other == good || read.check(&record).is_err());
        }
    }
}
