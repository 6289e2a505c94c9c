//! Conditions in CEL over one verified statement and the question, never over all evidence.
//! Which requirement has one, and what follows from it, is the policy's and the decision's affair.
//!
//! A condition is an expression of the Common Expression Language (<https://github.com/google/cel-spec>, `langdef.md`)
//! that is true or false. It sees these variables, and nothing else:
//!
//! | variable | what it holds |
//! |---|---|
//! | `statement` | `subject`, `predicateType` and `predicate`, as signed |
//! | `predicate` | the same as `statement.predicate` |
//! | `signer` | `id`, `kind` (`human`, `agent`, `automation`) and `person` (or null), as the policy has them |
//! | `question` | `artifact` (a digest set), `resource` and `environment` |
//! | `at` | when the question is asked, as RFC 3339 text in UTC |
//!
//! A requirement for the result of one gate among several selects it by its name:
//! `condition: 'predicate.configuration[0].name == "gate:unit-tests"'`.
//!
//! There are the operators, `has`, `all`, `exists`, `exists_one`, `map`, `filter`, and the functions `size`,
//! `startsWith`, `endsWith`, `contains`, `int`, `double` and `string`; no clock, no regular expressions, no bytes, no
//! unsigned numbers. A whole number of a statement is an `int`, any other a `double`. The parser is the crate `cel`;
//! evaluation is ours, since it has to end within a bound on whatever a signer states: every step costs, and beyond
//! [`limits::CONDITION_STEPS`] nothing is evaluated.

mod evaluate;
mod expression;
mod value;

use crate::json::Json;
use crate::limits;
use crate::statement::Statement;
use crate::time::Time;

use evaluate::Scope;
use expression::Expression;
use value::Value;

pub use evaluate::EvaluationError;
pub use expression::NotACondition;

/// An expression that is true or false of one statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    expression: Expression,
}

/// What a condition is evaluated on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The statement, whose signature was verified.
    pub statement: &'a Statement,
    /// What the policy says of the signer.
    pub signer: Json,
    /// What was asked.
    pub question: Json,
    /// When it was asked.
    pub at: Time,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// [`NotACondition`] for more than [`limits::CONDITION_BYTES`], deep nesting, anything but CEL, variables and functions
    /// that there are none of, and for what is plainly neither true nor false.
    pub fn parse(source: &str) -> Result<Self, NotACondition> {
        let expression = expression::parse(source, &VARIABLES)?;
        if expression.is_never_bool() { Err(NotACondition::NeverBool) } else { Ok(Self { expression }) }
    }

    /// Evaluates the condition.
    ///
    /// # Errors
    /// [`EvaluationError`] where something is absent or of another type, where the result is neither true nor false,
    /// and where it takes too many steps: never true.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
        // INVARIANT: a descriptor holds only strings, maps of strings and values that are JSON already.
        let subject = Json::of(&facts.statement.subject).unwrap_or_default();
        let predicate_type = Json::from(facts.statement.predicate_type.as_str());
        let at = Json::from(facts.at.to_string());
        let predicate = &facts.statement.predicate;
        let statement = [("subject", &subject), ("predicateType", &predicate_type), ("predicate", predicate)];
        let statement = Value::record(statement.map(|(name, value)| (name.to_owned(), Value::of(value))));
        let variables = [
            ("statement", statement),
            ("predicate", Value::of(predicate)),
            ("signer", Value::of(&facts.signer)),
            ("question", Value::of(&facts.question)),
            ("at", Value::of(&at)),
        ];
        let mut scope = Scope::new(variables, limits::CONDITION_STEPS);
        match scope.evaluate(&self.expression)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(EvaluationError::NotABool(other.type_name())),
        }
    }
}

const VARIABLES: [&str; 5] = ["statement", "predicate", "signer", "question", "at"];

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(source: &str, predicate: &str) -> Result<bool, EvaluationError> {
        let statement = Statement {
            subject: vec![crate::statement::ResourceDescriptor::new("demo.tar", crate::digest::Digest::sha256(b"x"))],
            predicate_type: "https://example.test/p".to_owned(),
            predicate: Json::parse(predicate.as_bytes()).unwrap(),
        };
        let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
        let facts = Facts {
            statement: &statement,
            signer: json(r#"{"id":"ci","kind":"automation","person":null}"#),
            question: json(r#"{"artifact":{"sha256":"00"},"environment":"staging","resource":"demo.tar"}"#),
            at: "2025-12-15T00:00:00Z".parse().unwrap(),
        };
        Condition::parse(source).unwrap_or_else(|error| panic!("{source}: {error}")).holds(&facts)
    }

    #[test]
    fn sees_the_statement_the_signer_and_the_question_and_nothing_else() {
        for source in [
            "statement.predicateType == 'https://example.test/p'",
            "statement.subject[0].name == 'demo.tar' && 'sha256' in statement.subject[0].digest",
            "statement.predicate == predicate",
            "signer.id == 'ci' && signer.kind != 'human' && signer.person == null",
            "question.environment == 'staging' && question.artifact.sha256 == '00'",
            "at == '2025-12-15T00:00:00Z' && at < '2026'",
        ] {
            assert_eq!(evaluated(source, r#"{"a":1}"#), Ok(true), "{source}");
        }
        for source in ["now", "env.HOME == ''", "x", "predicate.all(a, b)", "[1].map(a, a) == a"] {
            assert!(matches!(Condition::parse(source), Err(NotACondition::NoVariable(_))), "{source}");
        }
        for source in ["now() == ''", "timestamp('2025-12-15T00:00:00Z') == 1", "'a'.matches('a')", "size(1, 2) == 1", "'a'.size(1) == 1"] {
            assert!(matches!(Condition::parse(source), Err(NotACondition::NoFunction(_))), "{source}");
        }
    }

    /// From the language definition: "Logical Operators", "Macros", "Equality", "Numeric Values", "Runtime Errors".
    #[test]
    fn means_what_the_language_definition_says() {
        let predicate =
            r#"{"n":2,"f":1.5,"s":"gate:unit","t":true,"z":null,"l":[1,2,3],"o":{"a":{"b":"c"}},"e":[],"m":[{"k":"a"},{"k":"b"}]}"#;
        for source in [
            "true",
            "!false",
            "predicate.t",
            "1 + 2 * 3 == 7",
            "(1 + 2) * 3 == 9",
            "7 / 2 == 3",
            "-7 % 3 == -1",
            "1.5 * 2.0 == 3.0",
            "predicate.n == 2 && predicate.n == 2.0 && predicate.n > predicate.f",
            "-predicate.n == -2",
            "int(2.9) == 2",
            "double(predicate.n) + predicate.f == 3.5",
            "string(predicate.n) == '2'",
            "int('7') == 7",
            "'a' + 'b' == 'ab'",
            "'a' < 'b'",
            "false < true",
            "predicate.s.startsWith('gate:') && predicate.s.endsWith('unit') && predicate.s.contains('e:u')",
            "size(predicate.s) == 9 && predicate.l.size() == 3 && size('ä') == 1 && size(predicate.o) == 1",
            "2 in predicate.l && !(4 in predicate.l) && 'a' in predicate.o && 2.0 in [1, 2]",
            "predicate.l[0] == 1 && predicate['s'] == 'gate:unit' && predicate.o.a['b'] == 'c'",
            "predicate.z == null && predicate.z != 0",
            "has(predicate.z) && !has(predicate.none) && has(predicate.o.a.b) && !has(predicate.o.a.none)",
            "predicate.l.all(x, x > 0) && predicate.e.all(x, x > 0) && !predicate.e.exists(x, true)",
            "predicate.l.exists(x, x == 2) && predicate.l.exists_one(x, x > 2) && !predicate.l.exists_one(x, x > 1)",
            "predicate.l.map(x, x * x) == [1, 4, 9] && predicate.l.filter(x, x != 2) == [1, 3] && predicate.l.map(x, x > 1, x + 1) == [3, 4]",
            "predicate.o.all(k, k == 'a') && predicate.m.exists(x, predicate.m.all(y, y.k <= 'b' && x.k == 'a'))",
            "predicate.l + [4] == [1, 2, 3, 4]",
            "{'a': {'b': 'c'}} == predicate.o",
            "predicate.t ? predicate.n == 2 : predicate.none",
            // What decides a conjunction or a disjunction decides it whatever the other side is.
            "predicate.none || true",
            "!(predicate.none && false)",
            "true || predicate.none == 1",
            "!predicate.l.all(x, x > 1 && predicate.none)",
            "predicate.l.exists(x, x == 3 || predicate.none)",
            "1 != 'a' && !(1 == 'a') && null != false && [] != {}",
            "[[1], [2]] == [[1.0], [2]] && [1] != [1, 2]",
            "9007199254740993 != 9007199254740992.0",
            "9007199254740993 > 9007199254740992.0",
        ] {
            assert_eq!(evaluated(source, predicate), Ok(true), "{source}");
        }
    }

    #[test]
    fn what_is_absent_or_of_another_type_is_an_error_and_never_true() {
        let predicate = r#"{"n":2,"f":1.5,"s":"a","l":[1],"o":{}}"#;
        for source in [
            "predicate.none",
            "predicate.none == 1",
            "predicate.none != 1",
            "!predicate.none",
            "predicate.n.a == 1",
            "has(predicate.none.a)",
            "predicate.l[1] == 1",
            "predicate.l[-1] == 1",
            "predicate.l['a'] == 1",
            "predicate['none'] == 1",
            "predicate.n",
            "predicate.n + predicate.f == 3.5",
            "predicate.n + 'a' == 'a'",
            "1 / 0 == 1",
            "1 % 0 == 1",
            "9223372036854775807 + 1 > 0",
            "-(-9223372036854775807 - 1) > 0",
            "predicate.n && true",
            "predicate.n ? true : true",
            "1 in predicate.n",
            "predicate.s < 1",
            "predicate.n.all(x, true)",
            "predicate.s.all(x, true)",
            "predicate.l.all(x, x)",
            "size(1) == 1",
            "int('x') == 1",
            "int(1e300) == 1",
            "predicate.n.startsWith('a')",
            "{'a': 1, 'a': 1} == {'a': 1}",
            "{1: 1} == {}",
            "predicate.none || predicate.none",
            "predicate.l < predicate.l",
        ] {
            let found = evaluated(source, predicate);
            assert!(found.as_ref().is_err_and(|error| !error.is_limit()), "{source}: {found:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_expression_or_too_deep() {
        for source in
            ["", " ", "1 +", "a.b(", "'x", "\0", "@", "1;", "true true", "a.?b", "a[?0]", "'\\ud800' == ''", "99999999999999999999 == 1"]
        {
            assert!(matches!(Condition::parse(source), Err(NotACondition::Syntax { .. })), "{source}: {:?}", Condition::parse(source));
        }
        let brackets = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Condition::parse(&brackets(16)).is_ok());
        assert_eq!(Condition::parse(&brackets(60)), Err(NotACondition::TooDeep));
        assert_eq!(Condition::parse(&format!("1{} == 1", "+1".repeat(100))), Err(NotACondition::TooDeep));
        assert_eq!(Condition::parse(&format!("'{}' == ''", "a".repeat(limits::CONDITION_BYTES))), Err(NotACondition::TooLong));
        for source in [
            "1",
            "null",
            "'true'",
            "[true]",
            "{}",
            "-1",
            "at",
            "statement",
            "1 + 1",
            "size(predicate)",
            "true ? 1 : 'a'",
            "[1].map(a, true)",
            "[true].filter(a, a)",
        ] {
            assert_eq!(Condition::parse(source), Err(NotACondition::NeverBool), "{source}");
        }
        for source in
            ["predicate", "predicate.a", "predicate[0]", "false", "true ? 1 : false", "[true].exists_one(a, a)", "[at].all(at, at)"]
        {
            assert!(Condition::parse(source).is_ok(), "{source}");
        }
        assert_eq!(Condition::parse("size(b'a') == 1"), Err(NotACondition::Unsupported("bytes")));
        assert_eq!(Condition::parse("1u == 1u"), Err(NotACondition::Unsupported("an unsigned number")));
        assert_eq!(Condition::parse("Foo{a: 1} == 1"), Err(NotACondition::Unsupported("a message")));
        let error = Condition::parse("predicate.a ==\n  ==").unwrap_err();
        assert!(matches!(error, NotACondition::Syntax { line: 2, .. }), "{error:?}");
    }

    /// The signer of a statement chooses how much there is in it.
    #[test]
    fn a_statement_can_make_evaluation_fail_and_never_last() {
        let many = format!("[{}]", vec!["1"; 100_000].join(","));
        let long = format!("\"{}\"", "a".repeat(4 << 20));
        for source in [
            "predicate.all(a, predicate.all(b, predicate.all(c, true)))",
            "predicate.map(a, predicate) == []",
            "predicate.map(a, a).map(a, a) == []",
            "predicate.all(a, predicate == predicate)",
            "predicate.all(a, !(0 in predicate))",
            "predicate.all(a, size(predicate + predicate) > 0)",
        ] {
            assert!(evaluated(source, &many).is_err_and(|error| error.is_limit()), "{source}");
        }
        for source in [
            "predicate + predicate == ''",
            "predicate.contains('b')",
            "size(predicate) == 1",
            "[predicate, predicate].all(a, a < predicate)",
        ] {
            assert!(evaluated(source, &long).is_err_and(|error| error.is_limit()), "{source}");
        }
        // Over the limit isn't false, so that nothing else can make it true.
        let error = evaluated("predicate.all(a, predicate.all(b, true)) || true", &many);
        assert!(error.is_err_and(|error| error.is_limit()));
        let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
        assert_eq!(evaluated("predicate == predicate", &deep), Ok(true));
    }

    #[test]
    fn a_condition_of_any_shape_ends_soon_on_any_statement() {
        let nested = (0..6).fold("true".to_owned(), |inner, n| format!("[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9].all(x{n}, {inner})"));
        assert!(evaluated(&nested, "0").is_err_and(|error| error.is_limit()));
        let doubling =
            (0..8).fold("'aaaaaaaaaaaaaaaa'".to_owned(), |inner, n| format!("[{inner}].map(x{n}, x{n} + x{n} + x{n} + x{n})[0]"));
        assert!(evaluated(&format!("{doubling} == ''"), "0").is_err_and(|error| error.is_limit()));
    }
}
