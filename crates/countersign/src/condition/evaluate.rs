//! Evaluates an expression within a number of steps, by the rules of CEL's language definition (`langdef.md`).
//! What an expression may be made of stands in `expression`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::expression::{Expression, Function, Loop, Operator};
use super::value::{Map, TWO_TO_63, Text, Value, compare_numbers};
use crate::limits::{self, quoted};

/// Why a condition is neither true nor false of a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// It would take more steps than are allowed.
    #[error("it takes more than {} steps", limits::CONDITION_STEPS)]
    TooManySteps,
    /// A map has no such member.
    #[error("there is no member {}", quoted(.0))]
    NoMember(String),
    /// A list has no such place.
    #[error("a list has no place {0}")]
    NoPlace(i64),
    /// A value is of a type that can't be used so.
    #[error("{0} can't be used on {1}")]
    WrongType(&'static str, &'static str),
    /// A number is out of its type's range, divided by zero, or not a number at all.
    #[error("a number is out of range, divided by zero, or no number")]
    Number,
    /// A map is written with one key twice, or with one that isn't text.
    #[error("the keys of a map must be strings, each once")]
    Keys,
    /// The result is neither true nor false.
    #[error("the result is {0}, and neither true nor false")]
    NotABool(&'static str),
}

impl EvaluationError {
    /// Returns true if a limit of ours, not the statement's shape, is to blame.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooManySteps)
    }
}

type Evaluated<'a> = Result<Value<'a>, EvaluationError>;

/// The variables that can be seen, and the steps that are left.
pub(super) struct Scope<'a> {
    variables: Vec<(&'a str, Evaluated<'a>)>,
    steps: usize,
}

impl<'a> Scope<'a> {
    /// Makes the variables known.
    pub(super) fn new(variables: impl IntoIterator<Item = (&'a str, Value<'a>)>, steps: usize) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name, Ok(value))).collect(), steps }
    }

    /// Evaluates an expression; its depth was bounded when it was read.
    pub(super) fn evaluate(&mut self, expression: &'a Expression) -> Evaluated<'a> {
        self.spend(1)?;
        match expression {
            Expression::Null => Ok(Value::Null),
            Expression::Bool(value) => Ok(Value::Bool(*value)),
            Expression::Int(value) => Ok(Value::Int(*value)),
            Expression::Double(value) => Ok(Value::Double(*value)),
            Expression::Text(text) => Ok(Value::Text(Text::Lent(text))),
            Expression::Variable(name) => {
                let variable = self.variables.iter().rev().find(|(known, _)| known == name);
                variable.map_or_else(|| Err(EvaluationError::NoMember(name.clone())), |(_, value)| value.clone())
            }
            Expression::List(items) => Ok(Value::list(items.iter().map(|item| self.evaluate(item)).collect::<Result<_, _>>()?)),
            Expression::Map(entries) => self.map(entries),
            Expression::Select(of, field) => {
                let Value::Map(map) = self.evaluate(of)? else { return Err(EvaluationError::NoMember(field.clone())) };
                map.get(field).ok_or_else(|| EvaluationError::NoMember(field.clone()))
            }
            Expression::Has(of, field) => match self.evaluate(of)? {
                Value::Map(map) => Ok(Value::Bool(map.get(field).is_some())),
                other => Err(EvaluationError::WrongType("`has`", other.type_name())),
            },
            Expression::Not(of) => match self.evaluate(of)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                other => Err(EvaluationError::WrongType("`!`", other.type_name())),
            },
            Expression::Negated(of) => match self.evaluate(of)? {
                Value::Int(value) => value.checked_neg().map(Value::Int).ok_or(EvaluationError::Number),
                Value::Double(value) => Ok(Value::Double(-value)),
                other => Err(EvaluationError::WrongType("`-`", other.type_name())),
            },
            Expression::NotFalse(of) => match self.evaluate(of) {
                Err(error) if error.is_limit() => Err(error),
                value => Ok(Value::Bool(!matches!(value, Ok(Value::Bool(false))))),
            },
            Expression::And(sides) => self.logic(sides, false),
            Expression::Or(sides) => self.logic(sides, true),
            Expression::Binary(operator, sides) => {
                let [a, b] = &**sides;
                let (a, b) = (self.evaluate(a)?, self.evaluate(b)?);
                self.binary(*operator, &a, &b)
            }
            Expression::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                match self.evaluate(condition)? {
                    Value::Bool(true) => self.evaluate(then),
                    Value::Bool(false) => self.evaluate(otherwise),
                    other => Err(EvaluationError::WrongType("`?`", other.type_name())),
                }
            }
            Expression::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|argument| self.evaluate(argument)).collect::<Result<_, _>>()?;
                self.call(*function, &arguments)
            }
            Expression::Loop(of) => self.repeat(of),
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), EvaluationError> {
        self.steps = self.steps.checked_sub(steps).ok_or(EvaluationError::TooManySteps)?;
        Ok(())
    }

    /// Reading or copying that much text.
    fn spend_text(&mut self, text: &Text<'_>) -> Result<(), EvaluationError> {
        self.spend(text.as_str().len() / BYTES_PER_STEP + 1)
    }

    fn map(&mut self, entries: &'a [(Expression, Expression)]) -> Evaluated<'a> {
        let mut members = BTreeMap::new();
        for (key, value) in entries {
            let Value::Text(key) = self.evaluate(key)? else { return Err(EvaluationError::Keys) };
            self.spend_text(&key)?;
            let value = self.evaluate(value)?;
            if members.insert(key.as_str().to_owned(), value).is_some() {
                return Err(EvaluationError::Keys);
            }
        }
        Ok(Value::Map(Map::Made(Rc::new(members))))
    }

    /// "Logical Operators": one side that decides is enough, whatever the other is; a limit is no value at all.
    fn logic(&mut self, sides: &'a [Expression; 2], decisive: bool) -> Evaluated<'a> {
        let mut undecided = None;
        for side in sides {
            match self.evaluate(side) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Ok(other) => {
                    undecided.get_or_insert(EvaluationError::WrongType("a logical operator", other.type_name()));
                }
                Err(error) if error.is_limit() => return Err(error),
                Err(error) => {
                    undecided.get_or_insert(error);
                }
            }
        }
        undecided.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn binary(&mut self, operator: Operator, a: &Value<'a>, b: &Value<'a>) -> Evaluated<'a> {
        match operator {
            Operator::Equal => self.equal(a, b).map(Value::Bool),
            Operator::NotEqual => self.equal(a, b).map(|equal| Value::Bool(!equal)),
            Operator::Less => self.compare(a, b).map(|order| Value::Bool(order == Some(Ordering::Less))),
            Operator::LessOrEqual => self.compare(a, b).map(|order| Value::Bool(order.is_some_and(Ordering::is_le))),
            Operator::Greater => self.compare(a, b).map(|order| Value::Bool(order == Some(Ordering::Greater))),
            Operator::GreaterOrEqual => self.compare(a, b).map(|order| Value::Bool(order.is_some_and(Ordering::is_ge))),
            Operator::In => self.is_in(a, b).map(Value::Bool),
            Operator::Index => index(a, b),
            Operator::Add => self.add(a, b),
            Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => arithmetic(operator, a, b),
        }
    }

    /// "Equality": values of different types are unequal, numbers are compared by their value.
    fn equal(&mut self, a: &Value<'_>, b: &Value<'_>) -> Result<bool, EvaluationError> {
        self.spend(1)?;
        Ok(match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => {
                self.spend_text(a)?;
                a.as_str() == b.as_str()
            }
            (Value::List(a), Value::List(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.equal(&a, &b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for key in a.keys() {
                    let Value::Text(key) = key else { return Ok(false) };
                    self.spend_text(&key)?;
                    match (a.get(key.as_str()), b.get(key.as_str())) {
                        (Some(a), Some(b)) if self.equal(&a, &b)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
        })
    }

    /// Orders two values; `None` where one of them is not a number at all.
    fn compare(&mut self, a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, EvaluationError> {
        match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(b))),
            (Value::Text(a), Value::Text(b)) => {
                self.spend_text(a)?;
                Ok(Some(a.as_str().cmp(b.as_str())))
            }
            (Value::Int(_) | Value::Double(_), Value::Int(_) | Value::Double(_)) => Ok(compare_numbers(a, b)),
            (a, _) => Err(EvaluationError::WrongType("an order", a.type_name())),
        }
    }

    fn is_in(&mut self, item: &Value<'_>, of: &Value<'_>) -> Result<bool, EvaluationError> {
        match (item, of) {
            (_, Value::List(list)) => {
                for other in list.iter() {
                    if self.equal(item, &other)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Text(key), Value::Map(map)) => {
                self.spend_text(key)?;
                Ok(map.get(key.as_str()).is_some())
            }
            (_, Value::Map(_)) => Ok(false),
            (_, other) => Err(EvaluationError::WrongType("`in`", other.type_name())),
        }
    }

    fn add(&mut self, a: &Value<'a>, b: &Value<'a>) -> Evaluated<'a> {
        match (a, b) {
            (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or(EvaluationError::Number),
            (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
            (Value::Text(a), Value::Text(b)) => {
                self.spend_text(a)?;
                self.spend_text(b)?;
                Ok(Value::text([a.as_str(), b.as_str()].concat()))
            }
            (Value::List(a), Value::List(b)) => {
                self.spend(a.len().saturating_add(b.len()))?;
                Ok(Value::list(a.iter().chain(b.iter()).collect()))
            }
            (a, b) => Err(EvaluationError::WrongType("`+`", if matches!(a, Value::Int(_) | Value::Double(_)) { b } else { a }.type_name())),
        }
    }

    fn call(&mut self, function: Function, arguments: &[Value<'a>]) -> Evaluated<'a> {
        for argument in arguments {
            if let Value::Text(text) = argument {
                self.spend_text(text)?;
            }
        }
        let length = |length: usize| i64::try_from(length).map(Value::Int).map_err(|_| EvaluationError::Number);
        match (function, arguments) {
            (Function::Size, [Value::Text(text)]) => length(text.as_str().chars().count()),
            (Function::Size, [Value::List(list)]) => length(list.len()),
            (Function::Size, [Value::Map(map)]) => length(map.len()),
            (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => Ok(Value::Bool(text.as_str().starts_with(part.as_str()))),
            (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => Ok(Value::Bool(text.as_str().ends_with(part.as_str()))),
            (Function::Contains, [Value::Text(text), Value::Text(part)]) => Ok(Value::Bool(text.as_str().contains(part.as_str()))),
            (Function::Int, [Value::Int(value)]) => Ok(Value::Int(*value)),
            (Function::Int, [Value::Double(value)]) if value.abs() < TWO_TO_63 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "within the range of i64, as was just checked")]
                Ok(Value::Int(*value as i64))
            }
            (Function::Int, [Value::Text(text)]) => text.as_str().parse().map(Value::Int).map_err(|_| EvaluationError::Number),
            #[expect(clippy::cast_precision_loss, reason = "the nearest double, as the language definition says")]
            (Function::Double, [Value::Int(value)]) => Ok(Value::Double(*value as f64)),
            (Function::Double, [Value::Double(value)]) => Ok(Value::Double(*value)),
            (Function::Double, [Value::Text(text)]) => text.as_str().parse().map(Value::Double).map_err(|_| EvaluationError::Number),
            (Function::Text, [Value::Text(text)]) => Ok(Value::Text(text.clone())),
            (Function::Text, [Value::Int(value)]) => Ok(Value::text(value.to_string())),
            (Function::Text, [Value::Bool(value)]) => Ok(Value::text(value.to_string())),
            (Function::Int, [Value::Double(_)]) => Err(EvaluationError::Number),
            (_, [first, ..]) => Err(EvaluationError::WrongType("a function", first.type_name())),
            (_, []) => Err(EvaluationError::WrongType("a function", "nothing")),
        }
    }

    /// "Macros": what is collected may hold an error, which a later item can still make of no account.
    fn repeat(&mut self, of: &'a Loop) -> Evaluated<'a> {
        let range = self.evaluate(&of.range)?;
        let mut collected = self.evaluate(&of.start);
        let items: Box<dyn Iterator<Item = Value<'a>> + '_> = match &range {
            Value::List(list) => Box::new(list.iter()),
            Value::Map(map) => Box::new(map.keys()),
            other => return Err(EvaluationError::WrongType("a macro", other.type_name())),
        };
        for item in items {
            let outside = self.variables.len();
            self.variables.push((&of.result_name, collected));
            self.variables.push((&of.item, Ok(item)));
            let stepped = match self.evaluate(&of.goes_on) {
                Ok(Value::Bool(true)) => Ok(Some(self.evaluate(&of.step))),
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            };
            self.variables.truncate(outside + 1);
            let (_, before) = self.variables.pop().unwrap_or(("", Ok(Value::Null)));
            match stepped? {
                Some(Err(error)) if error.is_limit() => return Err(error),
                Some(next) => collected = next,
                None => {
                    collected = before;
                    break;
                }
            }
        }
        self.variables.push((&of.result_name, collected));
        let result = self.evaluate(&of.result);
        self.variables.pop();
        result
    }
}

fn index<'a>(of: &Value<'a>, by: &Value<'_>) -> Evaluated<'a> {
    match (of, by) {
        (Value::List(list), Value::Int(place)) => {
            usize::try_from(*place).ok().and_then(|index| list.get(index)).ok_or(EvaluationError::NoPlace(*place))
        }
        (Value::Map(map), Value::Text(key)) => {
            map.get(key.as_str()).ok_or_else(|| EvaluationError::NoMember(key.as_str().chars().take(limits::QUOTED_CHARACTERS).collect()))
        }
        (Value::List(_) | Value::Map(_), by) => Err(EvaluationError::WrongType("a place", by.type_name())),
        (of, _) => Err(EvaluationError::WrongType("`[]`", of.type_name())),
    }
}

fn arithmetic<'a>(operator: Operator, a: &Value<'_>, b: &Value<'_>) -> Evaluated<'a> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => {
            let result = match operator {
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Value::Int).ok_or(EvaluationError::Number)
        }
        (Value::Double(a), Value::Double(b)) => match operator {
            Operator::Subtract => Ok(Value::Double(a - b)),
            Operator::Multiply => Ok(Value::Double(a * b)),
            Operator::Divide => Ok(Value::Double(a / b)),
            _ => Err(EvaluationError::WrongType("`%`", "a double")),
        },
        (Value::Int(_) | Value::Double(_), b) => Err(EvaluationError::WrongType("arithmetic with another type", b.type_name())),
        (a, _) => Err(EvaluationError::WrongType("arithmetic", a.type_name())),
    }
}

/// How much text is read or copied at the price of one step.
const BYTES_PER_STEP: usize = 16;
