//! Canonical JSON as TUF signs it (OLPC's, as securesystemslib writes it), which isn't RFC 8785: in strings only quotation marks and
//! backslashes are escaped, and there are no fractions.

use countersign::json::Json;

pub(super) fn bytes(json: &Json) -> Vec<u8> {
    let mut text = String::new();
    write(json, &mut text);
    text.into_bytes()
}

fn write(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(_) => out.push_str(&json.as_integer().expect("a whole number").to_string()),
        Json::String(text) => string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (place, (name, value)) in members.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                string(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
    out.push('"');
}
