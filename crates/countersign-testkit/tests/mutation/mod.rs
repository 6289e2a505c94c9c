//! Every way to change one place of a bundle: what it holds, how that is encoded, and what stands around it.
//! Whether a changed bundle may be accepted, and why it must be refused, stands in the test.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use countersign::json::{Json, Object};

/// One changed bundle.
pub(crate) struct Mutation {
    /// What was done.
    pub(crate) way: &'static str,
    /// Where, as a JSON pointer; empty for the whole.
    pub(crate) place: String,
    /// The bundle.
    pub(crate) bytes: Vec<u8>,
}

/// Changes every place of a bundle in every way; `others` lend what stands in the same place of theirs.
pub(crate) fn all(good: &Json, others: &[&Json]) -> Vec<Mutation> {
    let mut found = whole(good);
    for place in places(good) {
        let value = good.pointer(&place).unwrap();
        let mut put = |way, value: Option<Json>| {
            let mut bundle = good.clone();
            set(&mut bundle, &place, value);
            found.push(Mutation { way, place: place.clone(), bytes: bundle.canonical() });
        };
        put("drop", None);
        put("null", Some(Json::Null));
        put("true", Some(Json::Bool(true)));
        put("in a list", Some(Json::Array(vec![value.clone()])));
        put("in an object", Some(object("rawBytes", value.clone())));
        for other in others.iter().filter_map(|other| other.pointer(&place)).filter(|other| *other != value) {
            put("swap", Some(other.clone()));
        }
        match value {
            Json::String(text) => of_text(text, &mut put),
            Json::Array(items) => {
                put("empty", Some(Json::Array(Vec::new())));
                put("duplicate", Some(Json::Array([items.as_slice(), &items[..1]].concat())));
                put("reorder", Some(Json::Array(items.iter().rev().cloned().collect())));
                let more = others.iter().filter_map(|other| other.pointer(&place)?.as_array()?.first());
                more.for_each(|item| {
                    put("extend with another's", Some(Json::Array([items.as_slice(), std::slice::from_ref(item)].concat())))
                });
                put("as an object", Some(object("0", items[0].clone())));
            }
            Json::Object(members) => {
                put("empty", Some(Json::Object(Default::default())));
                let mut more = members.clone();
                more.insert("more".to_owned(), Json::from("more"));
                put("extend", Some(Json::Object(more)));
                put("as a list", Some(Json::Array(members.values().cloned().collect())));
            }
            _ => panic!("no bundle holds this at {place}"),
        }
        found.extend(written(good, &place));
    }
    found
}

/// Ways to change a text: its bytes, its encoding, its length.
fn of_text(text: &str, put: &mut impl FnMut(&'static str, Option<Json>)) {
    let mut text_is = |way, text: String| put(way, Some(Json::from(text)));
    text_is("empty", String::new());
    text_is("space behind", format!("{text} "));
    text_is("space before", format!(" {text}"));
    text_is("zero behind", format!("{text}\0"));
    text_is("longer", format!("{text}1"));
    text_is("shorter", text[..text.len() - 1].to_owned());
    text_is("other case", text.to_ascii_uppercase());
    if let Ok(number) = text.parse::<i64>() {
        for (way, form) in [("flip", (number ^ 1).to_string()), ("flip", (number + 1_000_000).to_string())] {
            text_is(way, form);
        }
        for form in
            [format!("0{text}"), format!("+{text}"), format!("-{text}"), format!("{text}.0"), format!("{text}e0"), u64::MAX.to_string()]
        {
            text_is("number in another form", form);
        }
        put("number", Json::parse(number.to_string().as_bytes()).ok());
        put("flipped number", Json::parse((number ^ 1).to_string().as_bytes()).ok());
        return;
    }
    match STANDARD.decode(text) {
        Ok(bytes) if bytes.len() > 8 => {
            for index in sample(bytes.len()) {
                let mut bytes = bytes.clone();
                bytes[index] ^= 1 << (index % 8);
                text_is("flip", STANDARD.encode(bytes));
            }
            text_is("byte more", STANDARD.encode([bytes.as_slice(), &[0]].concat()));
            text_is("byte before", STANDARD.encode([&[0], bytes.as_slice()].concat()));
            text_is("byte less", STANDARD.encode(&bytes[..bytes.len() - 1]));
            text_is("twice", STANDARD.encode([bytes.as_slice(), bytes.as_slice()].concat()));
            text_is("zeros", STANDARD.encode(vec![0; bytes.len()]));
            if let Some(longer) = longer_length(&bytes) {
                text_is("DER whose length is written longer than need be", STANDARD.encode(longer));
            }
            if let Some((b'{', rest)) = bytes.split_first() {
                text_is("JSON with whitespace", STANDARD.encode([b"{ ", rest].concat()));
            }
            for (way, form) in [
                ("base64 for addresses", URL_SAFE.encode(&bytes)),
                ("base64 without padding", STANDARD_NO_PAD.encode(&bytes)),
                ("base64 with too much padding", format!("{text}=")),
                ("base64 in lines", format!("{}\n{}", &text[..4], &text[4..])),
                ("base64 with stray bits", stray_bits(text)),
                ("hexadecimal", bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            ] {
                if form != *text {
                    text_is(way, form);
                }
            }
            if let Some(other) = other_signature(&bytes) {
                text_is(OTHER_SIGNATURE, STANDARD.encode(other));
            }
        }
        _ => {
            for index in sample(text.chars().count()) {
                let turned = text.chars().enumerate().map(|(at, c)| if at == index { if c == '1' { '2' } else { '1' } } else { c });
                text_is("flip", turned.collect());
            }
            // The last word of a checkpoint is the log's signature, behind four bytes that name its key.
            if let Some((before, signature)) = text.trim_end().rsplit_once(' ')
                && let Ok(bytes) = STANDARD.decode(signature)
                && let Some(other) = bytes.get(4..).and_then(other_signature)
            {
                text_is(OTHER_SIGNATURE, format!("{before} {}\n", STANDARD.encode([&bytes[..4], &other].concat())));
            }
        }
    }
}

/// Ways to write down the same member, which only the bytes show.
fn written(good: &Json, place: &str) -> Vec<Mutation> {
    let (parent, name) = place.rsplit_once('/').unwrap();
    if !matches!(good.pointer(parent), Some(Json::Object(_))) {
        return Vec::new();
    }
    let mut marked = good.clone();
    set(&mut marked, place, Some(Json::from(MARK)));
    let marked = String::from_utf8(marked.canonical()).unwrap();
    let value = String::from_utf8(good.pointer(place).unwrap().canonical()).unwrap();
    let escaped_name = format!(r"\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
    let mut forms = vec![
        ("twice the same", format!(r#""{name}":{value},"{name}":{value}"#)),
        ("twice, null first", format!(r#""{name}":null,"{name}":{value}"#)),
        ("twice, null last", format!(r#""{name}":{value},"{name}":null"#)),
        ("twice, one escaped", format!(r#""{escaped_name}":{value},"{name}":{value}"#)),
        ("name escaped", format!(r#""{escaped_name}":{value}"#)),
        ("name in another case", format!(r#""{}":{value}"#, name.to_uppercase())),
        ("name with underscores", format!(r#""_{name}":{value}"#)),
        ("whitespace", format!(" \n\"{name}\"\t:\r\n {value} ")),
        ("comma behind", format!(r#""{name}":{value},"#)),
        ("comment", format!(r#""{name}":/**/{value}"#)),
    ];
    if let Some(Json::Object(members)) = good.pointer(place) {
        forms.push(("reorder", format!(r#""{name}":{}"#, backwards(members))));
    }
    if let Some(text) = value.strip_prefix('"') {
        let first = u32::from(text.as_bytes()[0]);
        forms.extend([
            ("value escaped", format!(r#""{name}":"\u{first:04X}{}"#, &text[1..])),
            ("half a surrogate", format!(r#""{name}":"\ud800{text}"#)),
            ("unknown escape", format!(r#""{name}":"\q{text}"#)),
            ("bare control character", format!("\"{name}\":\"\u{1}{text}")),
        ]);
    }
    let mutation = |(way, form): (_, String)| Mutation {
        way,
        place: place.to_owned(),
        bytes: marked.replacen(&format!(r#""{name}":"{MARK}""#), &form, 1).into_bytes(),
    };
    forms.into_iter().map(mutation).collect()
}

/// Ways to change the bytes of the whole.
fn whole(good: &Json) -> Vec<Mutation> {
    let bytes = good.canonical();
    let around = |before: &[u8], behind: &[u8]| [before, &bytes, behind].concat();
    let mut forms = vec![
        ("whitespace", around(b"\n ", b"\n")),
        ("something behind", around(b"", b"1")),
        ("twice the same", around(b"", &bytes)),
        ("byte order mark", around(b"\xEF\xBB\xBF", b"")),
        ("in a list", around(b"[", b"]")),
        ("zero behind", around(b"", b"\0")),
        ("empty", Vec::new()),
    ];
    forms.extend(sample(bytes.len()).into_iter().map(|length| ("cut", bytes[..length].to_vec())));
    if let Json::Object(members) = good {
        forms.push(("reorder", backwards(members).into_bytes()));
    }
    let mut with = |way, place: &str, value: Json| {
        let mut bundle = good.clone();
        set(&mut bundle, place, Some(value));
        forms.push((way, bundle.canonical()));
    };
    // What a good bundle of this kind leaves out.
    with("key id added", "/dsseEnvelope/signatures/0/keyid", Json::from("somebody"));
    with("message added", "/messageSignature", object("signature", Json::from("AAAA")));
    for (place, name) in [("certificate", "rawBytes"), ("publicKey", "hint")] {
        let place = format!("/verificationMaterial/{place}");
        if good.pointer(&place).is_none() {
            with("signer added", &place, object(name, Json::from("AAAA")));
        }
    }
    let payload = STANDARD.decode(good.pointer("/dsseEnvelope/payload").unwrap().as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    for (way, from, to) in [
        ("payload with whitespace", "{", "{ "),
        ("payload says its type twice", "{", r#"{"_type":"https://in-toto.io/Statement/v1","#),
        ("payload with a field more", "{", r#"{"more":1,"#),
        ("payload escaped", "demo", r"\u0064emo"),
        ("payload about something else", "demo", "Demo"),
    ] {
        with(way, "/dsseEnvelope/payload", Json::from(STANDARD.encode(payload.replacen(from, to, 1))));
    }
    forms.into_iter().map(|(way, bytes)| Mutation { way, place: String::new(), bytes }).collect()
}

/// An object whose members stand in the opposite of their usual order.
fn backwards(members: &Object) -> String {
    let member = |(name, value): (&String, &Json)| format!(r#""{name}":{}"#, String::from_utf8(value.canonical()).unwrap());
    format!("{{{}}}", members.iter().rev().map(member).collect::<Vec<_>>().join(","))
}

/// Every place of a JSON text but the whole.
fn places(json: &Json) -> Vec<String> {
    let below = |name: &str, value: &Json| {
        let here = format!("/{name}");
        let places = places(value).into_iter().map(|place| format!("/{name}{place}"));
        std::iter::once(here).chain(places).collect::<Vec<_>>()
    };
    match json {
        Json::Array(items) => items.iter().enumerate().flat_map(|(index, item)| below(&index.to_string(), item)).collect(),
        Json::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        _ => Vec::new(),
    }
}

/// Puts a value in a place, or takes away what is there.
fn set(json: &mut Json, place: &str, value: Option<Json>) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let parent = parent.split('/').skip(1).fold(json, |json, step| match json {
        Json::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        Json::Object(members) => members.get_mut(step).unwrap(),
        _ => panic!("nothing at {place}"),
    });
    match (parent, value) {
        (Json::Object(members), Some(value)) => drop(members.insert(name.to_owned(), value)),
        (Json::Object(members), None) => drop(members.remove(name)),
        (Json::Array(items), Some(value)) => items[name.parse::<usize>().unwrap()] = value,
        (Json::Array(items), None) => drop(items.remove(name.parse().unwrap())),
        _ => panic!("nothing at {place}"),
    }
}

/// At most a dozen indices, the first and the last among them: a place may hold thousands of bytes.
fn sample(length: usize) -> Vec<usize> {
    let step = length.div_ceil(SAMPLES).max(1);
    (0..length).step_by(step).chain(length.checked_sub(1)).collect()
}

/// The same bytes, decoded by who doesn't look at the bits that the padding leaves over.
fn stray_bits(text: &str) -> String {
    let Some(last) = text.trim_end_matches('=').chars().last().filter(|_| text.ends_with('=')) else { return text.to_owned() };
    let next = ALPHABET[ALPHABET.iter().position(|c| char::from(*c) == last).unwrap() + 1];
    let (before, padding) = text.split_at(text.trim_end_matches('=').len());
    format!("{}{}{padding}", &before[..before.len() - 1], char::from(next))
}

/// The same sequence with one byte more for its length than it needs (X.690 §8.1.3.5 allows that, §10.1 doesn't).
fn longer_length(der: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = match der {
        [0x30, length @ ..=0x7F, rest @ ..] => (vec![0x81, *length], rest),
        [0x30, 0x81, length, rest @ ..] => (vec![0x82, 0, *length], rest),
        [0x30, 0x82, high, low, rest @ ..] => (vec![0x83, 0, *high, *low], rest),
        _ => return None,
    };
    Some([&[0x30], length.as_slice(), rest].concat())
}

/// The other signature that ECDSA on P-256 accepts where it accepts this one: (r, n − s) for (r, s).
fn other_signature(der: &[u8]) -> Option<Vec<u8>> {
    let integer = |rest: &[u8]| -> Option<(Vec<u8>, usize)> {
        let [0x02, length, ..] = rest else { return None };
        let length = usize::from(*length);
        let bytes = rest.get(2..2 + length)?;
        Some((bytes.to_vec(), 2 + length))
    };
    let [0x30, length, rest @ ..] = der else { return None };
    if usize::from(*length) != rest.len() || rest.len() > 70 {
        return None;
    }
    let (_, r_end) = integer(rest)?;
    let (s, s_end) = integer(&rest[r_end..])?;
    if r_end + s_end != rest.len() || s.len() > 33 {
        return None;
    }
    let digits = &s[s.iter().position(|byte| *byte != 0)?..];
    let s: Vec<u8> = [vec![0; 32 - digits.len()], digits.to_vec()].concat();
    let (mut other, mut borrow) = (vec![0_u8; 32], 0_i16);
    for index in (0..32).rev() {
        let difference = i16::from(P256_ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        other[index] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let mut digits = other[other.iter().position(|byte| *byte != 0)?..].to_vec();
    if digits[0] & 0x80 != 0 {
        digits.insert(0, 0);
    }
    let length = |bytes: usize| u8::try_from(bytes).unwrap();
    let numbers = [&rest[..r_end], &[0x02, length(digits.len())], &digits].concat();
    Some([&[0x30, length(numbers.len())], numbers.as_slice()].concat())
}

fn object(name: &str, value: Json) -> Json {
    Json::Object([(name.to_owned(), value)].into_iter().collect())
}

/// The way that puts the other of two signatures that mean the same.
pub(crate) const OTHER_SIGNATURE: &str = "the other signature of ECDSA";
const MARK: &str = "the marked place";
const SAMPLES: usize = 11;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const P256_ORDER: [u8; 32] =
    *b"\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51";
