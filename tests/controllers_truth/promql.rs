//! PromQL, as far as queries of controllers use it: its grammar. What it does not know is an error that names it.

mod evaluate;

use std::collections::BTreeMap;

use cutover::prometheus::Sample;

/// A label set, with the metric's name under `__name__`.
pub type Labels = BTreeMap<String, String>;

/// A series in order of time.
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// What an expression comes to at one instant.
pub enum Value {
    Scalar(f64),
    Vector(Vec<(Labels, f64)>),
}

/// A selector's condition on a label.
pub struct Matcher {
    label: String,
    operator: String,
    value: String,
}

/// Which labels an aggregation or a matching keeps.
#[derive(Clone)]
pub struct Grouping {
    without: bool,
    labels: Vec<String>,
    /// Whether several elements on the left may match one on the right.
    many: bool,
}

impl Grouping {
    /// What a matching that is not written leaves out.
    const NOTHING_BUT_THE_NAME: Grouping = Grouping { without: true, labels: Vec::new(), many: false };
}

pub enum Expression {
    Number(f64),
    Selector(Vec<Matcher>),
    /// An expression over a window, milliseconds: of samples as they are, or of an expression taken at multiples of a step.
    Range(Box<Expression>, i64, Option<i64>),
    Call(String, Vec<Expression>),
    Aggregation(String, Grouping, Box<Expression>),
    Binary {
        operator: String,
        bool: bool,
        matching: Grouping,
        sides: Box<[Expression; 2]>,
    },
}

const FUNCTIONS: [&str; 18] = [
    "rate",
    "increase",
    "histogram_quantile",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "changes",
    "resets",
    "abs",
    "clamp_min",
    "clamp_max",
    "absent",
    "vector",
    "scalar",
];
const AGGREGATIONS: [&str; 6] = ["sum", "avg", "min", "max", "count", "group"];
/// Binary operators, those that bind least first.
const OPERATORS: [&[&str]; 5] =
    [&["or"], &["and", "unless"], &["==", "!=", "<=", "<", ">=", ">"], &["+", "-"], &["*", "/", "%"]];

/// Splits a query into words, strings and signs.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.';
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let length = match first {
            '"' => rest[1..].find('"').ok_or("an open string")? + 2,
            // A range's colon stands between durations, a metric's within its name.
            _ if is_word(first) && first != ':' => match rest.find(|c| !is_word(c)).unwrap_or(rest.len()) {
                // The exponent of a number has a sign.
                end if is_number && rest[..end].ends_with('e') => {
                    let digits = rest[end + 1..].find(|c: char| !c.is_ascii_digit());
                    digits.map_or(rest.len(), |digits| end + 1 + digits)
                }
                end => end,
            },
            '=' | '!' | '<' | '>' if rest[1..].starts_with(['=', '~']) => 2,
            _ => first.len_utf8(),
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<String>,
    next: usize,
}

/// Reads a query.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let expression = parser.binary(0)?;
    if parser.next < parser.tokens.len() { Err(format!("`{}`", parser.peek())) } else { Ok(expression) }
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.next).map_or("", String::as_str)
    }

    fn take(&mut self) -> String {
        self.next += 1;
        self.tokens.get(self.next - 1).cloned().unwrap_or_default()
    }

    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.peek() == token;
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.takes(token) { Ok(()) } else { Err(format!("`{}` for `{token}`", self.peek())) }
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        if level == OPERATORS.len() {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        while OPERATORS[level].contains(&self.peek()) {
            let operator = self.take();
            let bool = self.takes("bool");
            let matching = match self.peek() {
                "on" | "ignoring" => {
                    Grouping { without: self.take() == "ignoring", labels: self.names()?, many: false }
                }
                _ => Grouping::NOTHING_BUT_THE_NAME,
            };
            let many = self.takes("group_left");
            if many && self.peek() == "(" && !self.names()?.is_empty() {
                return Err("group_left() with labels".to_owned());
            }
            let matching = Grouping { many, ..matching };
            let right = self.binary(level + 1)?;
            left = Expression::Binary { operator, bool, matching, sides: Box::new([left, right]) };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.takes("+") {
            return self.unary();
        }
        if self.takes("-") {
            let sides = Box::new([Expression::Number(-1.0), self.unary()?]);
            let matching = Grouping::NOTHING_BUT_THE_NAME;
            return Ok(Expression::Binary { operator: "*".to_owned(), bool: false, matching, sides });
        }
        let mut expression = self.primary()?;
        while self.takes("[") {
            let (range, mut step) = self.range()?;
            if self.takes(":") {
                step = Some(duration(&self.take())?);
            }
            self.expect("]")?;
            expression = Expression::Range(Box::new(expression), range, step);
        }
        Ok(expression)
    }

    /// A range and the step that may have been read with it, as in `5m:15s`.
    fn range(&mut self) -> Result<(i64, Option<i64>), String> {
        let text = self.take();
        match text.split_once(':') {
            Some((range, step)) => Ok((duration(range)?, Some(duration(step)?))),
            None => Ok((duration(&text)?, None)),
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        if self.takes("(") {
            let inner = self.binary(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let word = if self.peek() == "{" { String::new() } else { self.take() };
        if let Some(number) = number(&word) {
            return Ok(Expression::Number(number));
        }
        if AGGREGATIONS.contains(&word.as_str()) && matches!(self.peek(), "(" | "by" | "without") {
            return self.aggregation(word);
        }
        if self.takes("(") {
            if !FUNCTIONS.contains(&word.as_str()) {
                return Err(format!("{word}()"));
            }
            let mut arguments = Vec::new();
            while !self.takes(")") {
                arguments.push(self.binary(0)?);
                self.takes(",");
            }
            return Ok(Expression::Call(word, arguments));
        }
        self.selector(&word)
    }

    fn aggregation(&mut self, word: String) -> Result<Expression, String> {
        let mut grouping = self.grouping()?;
        self.expect("(")?;
        let inner = self.binary(0)?;
        self.expect(")")?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let everything = Grouping { without: false, labels: Vec::new(), many: false };
        Ok(Expression::Aggregation(word, grouping.unwrap_or(everything), Box::new(inner)))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, String> {
        match self.peek() {
            "by" | "without" => {
                Ok(Some(Grouping { without: self.take() == "without", labels: self.names()?, many: false }))
            }
            _ => Ok(None),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.takes(")") {
            names.push(self.take());
            self.takes(",");
        }
        Ok(names)
    }

    fn selector(&mut self, name: &str) -> Result<Expression, String> {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        if !is_name || (name.is_empty() && self.peek() != "{") {
            return Err(format!("`{name}`"));
        }
        let mut matchers = Vec::new();
        let mut add =
            |label: String, operator: String, value: String| matchers.push(Matcher { label, operator, value });
        if !name.is_empty() {
            add("__name__".to_owned(), "=".to_owned(), name.to_owned());
        }
        if self.takes("{") {
            while !self.takes("}") {
                let (label, operator, value) = (self.take(), self.take(), self.take());
                if !["=", "!=", "=~", "!~"].contains(&operator.as_str()) {
                    return Err(format!("`{operator}` in a selector"));
                }
                let value = value.trim_matches('"').replace("\\\\", "\\");
                if operator.ends_with('~') && value.contains(['(', '{', '^', '$']) {
                    return Err(format!("pattern `{value}`"));
                }
                add(label, operator, value);
                self.takes(",");
            }
        }
        Ok(Expression::Selector(matchers))
    }
}

/// A number, as in queries and label values.
pub fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => text.parse().ok(),
        _ => None,
    }
}

/// A duration such as `1m30s`, in milliseconds.
fn duration(text: &str) -> Result<i64, String> {
    let parsed = cutover::units::parse_duration(text).map_err(|_| format!("range `{text}`"))?;
    i64::try_from(parsed.0 / 1_000_000).map_err(|_| format!("range `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, value: f64) -> Sample {
        Sample { at, value }
    }

    /// Two counters of one service, by status.
    fn series() -> Vec<Series> {
        let counter = |status: &str, per_scrape: f64| {
            let pairs = [("__name__", "c_total"), ("job", "a.b"), ("status", status)];
            Series {
                labels: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                samples: (0..=20).map(|i| sample(i * 15_000, 1000.0 + i as f64 * per_scrape)).collect(),
            }
        };
        vec![counter("2xx", 15.0), counter("5xx", 5.0)]
    }

    fn values(query: &str) -> Vec<f64> {
        let expression = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        match expression.evaluate(&series(), 300_000).unwrap_or_else(|error| panic!("{query}: {error}")) {
            Value::Vector(vector) => vector.into_iter().map(|(_, value)| (value * 1e9).round() / 1e9).collect(),
            Value::Scalar(scalar) => vec![scalar],
        }
    }

    #[test]
    fn the_grammar_is_prometheus_own() {
        for (query, expected) in [
            ("1 + 2 * 3 - -4 / 2", vec![9.0]),
            ("2 > bool 1e-3", vec![1.0]),
            ("sum(rate(c_total[1m])) by (status)", vec![1.0, 0.333333333]),
            ("sum(rate(c_total{status=~\"[45]xx|never\", job=~\"a\\\\.b\"}[1m])) / sum(rate(c_total[1m]))", vec![0.25]),
            ("rate(c_total{status!~\"5.+\"}[1m]) > 0.5", vec![1.0]),
            ("rate(c_total[1m]) / on() group_left sum(rate(c_total[1m]))", vec![0.75, 0.25]),
            ("sum(rate(other_total[1m])) or vector(0)", vec![0.0]),
            ("count(c_total > 1250) unless on() absent(c_total)", vec![1.0]),
            ("max_over_time(sum(rate(c_total[1m]))[2m:30s])", vec![1.333333333]),
        ] {
            assert_eq!(values(query), expected, "{query}");
        }
    }

    #[test]
    fn what_is_not_computed_here_is_named() {
        for (query, form) in [("deriv(g[5m])", "deriv()"), ("topk(1, g)", "topk()"), ("g offset 5m", "`offset`")] {
            assert_eq!(parse(query).err().as_deref(), Some(form), "{query}");
        }
    }
}
