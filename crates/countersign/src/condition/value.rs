//! The values of conditions: those of a statement are lent, never copied.
//! What is done with them, and what that costs, stands in `evaluate`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::json::{Json, Object};

/// A value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
}

#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Lent(&'a str),
    Made(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    Lent(&'a [Json]),
    Made(Rc<Vec<Value<'a>>>),
}

#[derive(Clone, Debug)]
pub(super) enum Map<'a> {
    Lent(&'a Object),
    Made(Rc<BTreeMap<String, Value<'a>>>),
}

impl<'a> Value<'a> {
    /// Lends a value of JSON: a whole number is an `int`, any other a `double`.
    pub(super) fn of(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => json.as_integer().map_or(Self::Double(*number), Self::Int),
            Json::String(text) => Self::Text(Text::Lent(text)),
            Json::Array(items) => Self::List(List::Lent(items)),
            Json::Object(members) => Self::Map(Map::Lent(members)),
        }
    }

    /// Makes a map of members.
    pub(super) fn record(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self::Map(Map::Made(Rc::new(members.into_iter().collect())))
    }

    /// Makes a list.
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(List::Made(Rc::new(items)))
    }

    /// Makes a text.
    pub(super) fn text(text: String) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    /// Returns the name of the value's type.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Double(_) => "a double",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Lent(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lent(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Lent(items) => items.get(index).map(Value::of),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value<'a>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> Map<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lent(members) => members.len(),
            Self::Made(members) => members.len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        match self {
            Self::Lent(members) => members.get(key).map(Value::of),
            Self::Made(members) => members.get(key).cloned(),
        }
    }

    /// Iterates over the keys, in their order.
    pub(super) fn keys(&self) -> Box<dyn Iterator<Item = Value<'a>> + '_> {
        match self {
            Self::Lent(members) => Box::new(members.keys().map(|key| Value::Text(Text::Lent(key)))),
            Self::Made(members) => Box::new(members.keys().map(|key| Value::text(key.clone()))),
        }
    }
}

/// Compares numbers of one type or two, exactly (langdef.md, "Numeric Values": cross-type comparison).
pub(super) fn compare_numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Double(b)) => compare_int(*a, *b),
        (Value::Double(a), Value::Int(b)) => compare_int(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

fn compare_int(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= TWO_TO_63 {
        return Some(Ordering::Less);
    }
    if double < -TWO_TO_63 {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range of i64, as was just checked")]
    let whole = double.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| 0.0.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

pub(super) const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
