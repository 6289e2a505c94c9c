//! What a condition is made of, after everything that can't be evaluated was refused.
//! The grammar is the crate `cel`'s; what is left of it here is as much as evaluation knows.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::Parser;

use crate::limits::{self, quoted};

/// One expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Variable(String),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// `of.field`
    Select(Box<Expression>, String),
    /// `has(of.field)`
    Has(Box<Expression>, String),
    Not(Box<Expression>),
    Negated(Box<Expression>),
    /// True of all but false, errors included: whether a loop may go on.
    NotFalse(Box<Expression>),
    And(Box<[Expression; 2]>),
    Or(Box<[Expression; 2]>),
    Binary(Operator, Box<[Expression; 2]>),
    /// `condition ? then : otherwise`
    Choice(Box<[Expression; 3]>),
    Call(Function, Vec<Expression>),
    Loop(Box<Loop>),
}

impl Expression {
    /// Returns true if it's plain that the result is no truth value. Of what a statement holds nobody knows before.
    pub(super) fn is_never_bool(&self) -> bool {
        use Operator::{Add, Divide, Multiply, Remainder, Subtract};
        match self {
            Self::Null | Self::Int(_) | Self::Double(_) | Self::Text(_) | Self::List(_) | Self::Map(_) | Self::Negated(_) => true,
            Self::Variable(name) => name != PREDICATE,
            Self::Binary(operator, _) => matches!(operator, Add | Subtract | Multiply | Divide | Remainder),
            Self::Choice(parts) => {
                let [_, then, otherwise] = &**parts;
                then.is_never_bool() && otherwise.is_never_bool()
            }
            Self::Call(function, _) => matches!(function, Function::Size | Function::Int | Function::Double | Function::Text),
            Self::Loop(of) => match &of.result {
                // Steps keep the kind of what they begin with: a truth value, a number or a list.
                Self::Variable(name) if *name == of.result_name => of.start.is_never_bool(),
                result => result.is_never_bool(),
            },
            Self::Bool(_) | Self::Select(..) | Self::Has(..) | Self::Not(_) | Self::NotFalse(_) | Self::And(_) | Self::Or(_) => false,
        }
    }
}

/// What a macro over a list or a map unfolds to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loop {
    pub(super) range: Expression,
    pub(super) item: String,
    pub(super) result_name: String,
    pub(super) start: Expression,
    pub(super) goes_on: Expression,
    pub(super) step: Expression,
    pub(super) result: Expression,
}

/// An operator between two values that are both needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Index,
}

/// A function by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Int,
    Double,
    Text,
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotACondition {
    /// It's over the limit.
    #[error("is longer than {} bytes", limits::CONDITION_BYTES)]
    TooLong,
    /// It's nested over the limit.
    #[error("is nested too deeply; write it as several requirements")]
    TooDeep,
    /// It's no CEL.
    #[error("is no CEL expression: {problem}, in line {line} of the condition, column {column}")]
    Syntax {
        /// What the parser says.
        problem: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// A variable isn't one of those that conditions see.
    #[error("there is no variable {}; a condition sees `statement`, `predicate`, `signer`, `question` and `at`", quoted(.0))]
    NoVariable(String),
    /// A function isn't one of those that there are, or not with so many arguments.
    #[error("there is no function {}, or it takes another number of arguments", quoted(.0))]
    NoFunction(String),
    /// Whatever the statement says, the result is neither true nor false.
    #[error("is neither true nor false, whatever a statement says; compare it with something")]
    NeverBool,
    /// A part of CEL that no statement in JSON needs.
    #[error("{0} is not supported: no statement in JSON holds one")]
    Unsupported(&'static str),
}

/// Reads an expression over these variables.
pub(super) fn parse(source: &str, variables: &[&str]) -> Result<Expression, NotACondition> {
    if source.len() > limits::CONDITION_BYTES {
        return Err(NotACondition::TooLong);
    }
    let parsed = Parser::new().max_recursion_depth(NESTING).parse(source).map_err(|errors| {
        let first = errors.errors.first();
        let text = first.map_or("it can't be read", |error| error.msg.lines().next().unwrap_or_default());
        if text.contains("Recursion limit") {
            return NotACondition::TooDeep;
        }
        let place = |of: Option<isize>| of.and_then(|place| usize::try_from(place).ok()).unwrap_or_default().max(1);
        let (line, column) = (place(first.map(|error| error.pos.0)), place(first.map(|error| error.pos.1)));
        // What the grammar would rather have had there is a list of its own words.
        let problem = text.strip_prefix("Syntax error: ").unwrap_or(text).split(" expecting ").next().unwrap_or_default();
        let problem = problem.chars().take(PROBLEM_CHARACTERS).collect();
        NotACondition::Syntax { problem, line, column }
    })?;
    let mut reader = Reader { known: variables.iter().map(|name| (*name).to_owned()).collect(), depth: 0 };
    reader.read(parsed.expr)
}

struct Reader {
    /// The variables that can be seen from here.
    known: Vec<String>,
    depth: usize,
}

impl Reader {
    fn boxed(&mut self, expr: IdedExpr) -> Result<Box<Expression>, NotACondition> {
        self.read(expr.expr).map(Box::new)
    }

    fn read(&mut self, expr: Expr) -> Result<Expression, NotACondition> {
        self.depth += 1;
        // A chain of operators is as deep as it's long.
        if self.depth > limits::CONDITION_DEPTH {
            return Err(NotACondition::TooDeep);
        }
        let read = self.read_one(expr);
        self.depth -= 1;
        read
    }

    fn read_one(&mut self, expr: Expr) -> Result<Expression, NotACondition> {
        Ok(match expr {
            Expr::Literal(LiteralValue::Null) => Expression::Null,
            Expr::Literal(LiteralValue::Boolean(value)) => Expression::Bool(value.into_inner()),
            Expr::Literal(LiteralValue::Int(value)) => Expression::Int(value.into_inner()),
            Expr::Literal(LiteralValue::Double(value)) => Expression::Double(value.into_inner()),
            Expr::Literal(LiteralValue::String(value)) => Expression::Text(value.inner().to_owned()),
            Expr::Literal(LiteralValue::Bytes(_)) => return Err(NotACondition::Unsupported("bytes")),
            Expr::Literal(LiteralValue::UInt(_)) => return Err(NotACondition::Unsupported("an unsigned number")),
            Expr::Struct(_) => return Err(NotACondition::Unsupported("a message")),
            Expr::Unspecified => return Err(NotACondition::Unsupported("an empty expression")),
            Expr::Ident(name) if self.known.contains(&name) => Expression::Variable(name),
            Expr::Ident(name) => return Err(NotACondition::NoVariable(name)),
            Expr::Select(select) => {
                let of = self.boxed(*select.operand)?;
                if select.test { Expression::Has(of, select.field) } else { Expression::Select(of, select.field) }
            }
            Expr::List(list) => Expression::List(self.all(list.elements)?),
            Expr::Map(map) => {
                let entries = map.entries.into_iter().map(|entry| match entry.expr {
                    EntryExpr::MapEntry(entry) => Ok((self.read(entry.key.expr)?, self.read(entry.value.expr)?)),
                    EntryExpr::StructField(_) => Err(NotACondition::Unsupported("a message")),
                });
                Expression::Map(entries.collect::<Result<_, _>>()?)
            }
            Expr::Call(call) => self.call(call)?,
            Expr::Comprehension(comprehension) => self.comprehension(*comprehension)?,
        })
    }

    fn all(&mut self, expressions: Vec<IdedExpr>) -> Result<Vec<Expression>, NotACondition> {
        expressions.into_iter().map(|expression| self.read(expression.expr)).collect()
    }

    fn call(&mut self, call: CallExpr) -> Result<Expression, NotACondition> {
        let name = call.func_name;
        let is_method = call.target.is_some();
        let arguments = self.all(call.target.map(|target| *target).into_iter().chain(call.args).collect())?;
        let missing = |_| NotACondition::NoFunction(shown(&name).to_owned());
        let one = |arguments: Vec<Expression>| <[Expression; 1]>::try_from(arguments).map(|[only]| Box::new(only));
        let two = |arguments: Vec<Expression>| <[Expression; 2]>::try_from(arguments).map(Box::new);
        if let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == name) {
            return Ok(Expression::Binary(*operator, two(arguments).map_err(missing)?));
        }
        let function = |function, takes: usize, method: bool| {
            if arguments.len() == takes && method { Ok(Expression::Call(function, arguments.clone())) } else { Err(missing(Vec::new())) }
        };
        match name.as_str() {
            operators::LOGICAL_AND => Ok(Expression::And(two(arguments).map_err(missing)?)),
            operators::LOGICAL_OR => Ok(Expression::Or(two(arguments).map_err(missing)?)),
            operators::LOGICAL_NOT => Ok(Expression::Not(one(arguments).map_err(missing)?)),
            operators::NEGATE => Ok(Expression::Negated(one(arguments).map_err(missing)?)),
            operators::NOT_STRICTLY_FALSE => Ok(Expression::NotFalse(one(arguments).map_err(missing)?)),
            operators::CONDITIONAL => Ok(Expression::Choice(<[Expression; 3]>::try_from(arguments).map(Box::new).map_err(missing)?)),
            "size" => function(Function::Size, 1, true),
            "startsWith" => function(Function::StartsWith, 2, is_method),
            "endsWith" => function(Function::EndsWith, 2, is_method),
            "contains" => function(Function::Contains, 2, is_method),
            "int" => function(Function::Int, 1, !is_method),
            "double" => function(Function::Double, 1, !is_method),
            "string" => function(Function::Text, 1, !is_method),
            _ => Err(missing(Vec::new())),
        }
    }

    fn comprehension(&mut self, of: ComprehensionExpr) -> Result<Expression, NotACondition> {
        if of.iter_var2.is_some() {
            return Err(NotACondition::Unsupported("a macro with two variables"));
        }
        let range = self.read(of.iter_range.expr)?;
        let start = self.read(of.accu_init.expr)?;
        let outside = self.known.len();
        self.known.push(of.accu_var.clone());
        let result = self.read(of.result.expr)?;
        self.known.push(of.iter_var.clone());
        let goes_on = self.read(of.loop_cond.expr)?;
        let step = self.read(of.loop_step.expr)?;
        self.known.truncate(outside);
        Ok(Expression::Loop(Box::new(Loop { range, item: of.iter_var, result_name: of.accu_var, start, goes_on, step, result })))
    }
}

/// The one variable that could be anything.
const PREDICATE: &str = "predicate";

/// An operator's name as it's written.
fn shown(name: &str) -> &str {
    name.trim_matches(['_', '@'])
}

const OPERATORS: [(&str, Operator); 13] = [
    (operators::ADD, Operator::Add),
    (operators::SUBSTRACT, Operator::Subtract),
    (operators::MULTIPLY, Operator::Multiply),
    (operators::DIVIDE, Operator::Divide),
    (operators::MODULO, Operator::Remainder),
    (operators::EQUALS, Operator::Equal),
    (operators::NOT_EQUALS, Operator::NotEqual),
    (operators::LESS, Operator::Less),
    (operators::LESS_EQUALS, Operator::LessOrEqual),
    (operators::GREATER, Operator::Greater),
    (operators::GREATER_EQUALS, Operator::GreaterOrEqual),
    (operators::IN, Operator::In),
    (operators::INDEX, Operator::Index),
];
/// How deep the parser goes: twice what the language definition asks of every implementation.
const NESTING: u16 = 24;
const PROBLEM_CHARACTERS: usize = 120;
