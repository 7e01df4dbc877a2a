//! PromQL, as far as the recorded queries use it: its grammar, and an evaluator that only joins what
//! `cutover::prometheus` computes. What it does not know is an error that names it.

use std::collections::BTreeMap;

use cutover::prometheus::{Bucket, Sample, Window, histogram_quantile, instant, mean, sum};

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

// ------------------------------------------------------------------------------------------------ reading

const FUNCTIONS: [&str; 16] = [
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
        let length = match first {
            '"' => rest[1..].find('"').ok_or("an open string")? + 2,
            // A range's colon stands between durations, a metric's within its name.
            _ if is_word(first) && first != ':' => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
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
                "on" | "ignoring" => Grouping { without: self.take() == "ignoring", labels: self.names()? },
                _ => Grouping { without: true, labels: Vec::new() },
            };
            let right = self.binary(level + 1)?;
            left = Expression::Binary { operator, bool, matching, sides: Box::new([left, right]) };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.takes("-") {
            let sides = Box::new([Expression::Number(-1.0), self.unary()?]);
            let matching = Grouping { without: true, labels: Vec::new() };
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
        let everything = Grouping { without: false, labels: Vec::new() };
        Ok(Expression::Aggregation(word, grouping.unwrap_or(everything), Box::new(inner)))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, String> {
        match self.peek() {
            "by" | "without" => Ok(Some(Grouping { without: self.take() == "without", labels: self.names()? })),
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
                add(label, operator, value.trim_matches('"').to_owned());
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

// ------------------------------------------------------------------------------------------------ matching

/// Whether a pattern of literals, `.`, `[...]`, `*`, `+`, `?` and `|` matches the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.split('|').any(|alternative| matches_one(alternative, text))
}

fn matches_one(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let length = if first == '[' { pattern.find(']').map_or(pattern.len(), |end| end + 1) } else { first.len_utf8() };
    let (atom, rest) = pattern.split_at(length);
    let is_one = |c: char| match atom {
        "." => true,
        _ if first == '[' => atom[1..atom.len() - 1].contains(c),
        _ => c == first,
    };
    let (least, most, rest) = match rest.chars().next() {
        Some('*') => (0, usize::MAX, &rest[1..]),
        Some('+') => (1, usize::MAX, &rest[1..]),
        Some('?') => (0, 1, &rest[1..]),
        _ => (1, 1, rest),
    };
    let run = text.chars().take_while(|c| is_one(*c)).count().min(most);
    (least..=run).any(|taken| matches_one(rest, text.split_at(text.chars().take(taken).map(char::len_utf8).sum()).1))
}

impl Matcher {
    fn accepts(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match self.operator.as_str() {
            "=" => value == self.value,
            "!=" => value != self.value,
            "=~" => matches(&self.value, value),
            _ => !matches(&self.value, value),
        }
    }
}

impl Grouping {
    fn of(&self, labels: &Labels) -> Labels {
        let is_kept = |label: &str| self.labels.iter().any(|named| named == label) != self.without;
        let kept = labels.iter().filter(|(label, _)| is_kept(label) && (!self.without || *label != "__name__"));
        kept.map(|(label, value)| (label.clone(), value.clone())).collect()
    }
}

fn nameless(mut labels: Labels) -> Labels {
    labels.remove("__name__");
    labels
}

// ------------------------------------------------------------------------------------------------ evaluating

/// Some labels and a value: `None` leaves the element out.
type Element = Option<(Labels, f64)>;

impl Expression {
    /// What a query comes to at `at` milliseconds.
    pub fn evaluate(&self, series: &[Series], at: i64) -> Result<Value, String> {
        Ok(match self {
            Expression::Number(number) => Value::Scalar(*number),
            Expression::Selector(matchers) => {
                let selected = series.iter().filter(|series| matchers.iter().all(|it| it.accepts(&series.labels)));
                let found = selected.filter_map(|series| {
                    instant(series.samples.iter().copied(), at).map(|value| (series.labels.clone(), value))
                });
                Value::Vector(found.collect())
            }
            Expression::Range(..) => return Err("a bare range".to_owned()),
            Expression::Call(function, arguments) => call(function, arguments, series, at)?,
            Expression::Aggregation(function, grouping, inner) => {
                Value::Vector(aggregate(function, grouping, inner.vector(series, at)?))
            }
            Expression::Binary { operator, bool, matching, sides } => {
                let [left, right] = [&sides[0], &sides[1]].map(|side| side.evaluate(series, at));
                binary(operator, *bool, matching, left?, right?)?
            }
        })
    }

    fn vector(&self, series: &[Series], at: i64) -> Result<Vec<(Labels, f64)>, String> {
        match self.evaluate(series, at)? {
            Value::Vector(vector) => Ok(vector),
            Value::Scalar(_) => Err("a scalar for a vector".to_owned()),
        }
    }

    fn scalar(&self, series: &[Series], at: i64) -> Result<f64, String> {
        match self.evaluate(series, at)? {
            Value::Scalar(scalar) => Ok(scalar),
            Value::Vector(_) => Err("a vector for a scalar".to_owned()),
        }
    }

    /// A range vector: its series, with the window that it takes of them.
    fn range(&self, series: &[Series], at: i64) -> Result<(Vec<Series>, Window), String> {
        let Expression::Range(inner, range, step) = self else { return Err("no range".to_owned()) };
        let window = Window { at, range: *range };
        match (inner.as_ref(), step) {
            (Expression::Selector(matchers), None) => {
                let selected = series.iter().filter(|series| matchers.iter().all(|it| it.accepts(&series.labels)));
                let copy = |it: &Series| Series { labels: it.labels.clone(), samples: it.samples.clone() };
                Ok((selected.map(copy).collect(), window))
            }
            (_, None) => Err("a range of an expression".to_owned()),
            (inner, Some(step)) => Ok((subquery(inner, series, window, *step)?, window)),
        }
    }
}

/// An expression at the multiples of a step within a window, as series.
fn subquery(inner: &Expression, series: &[Series], window: Window, step: i64) -> Result<Vec<Series>, String> {
    let mut found: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    let first = (window.at - window.range).div_euclid(step) + 1;
    for at in (first..=window.at.div_euclid(step)).map(|multiple| multiple * step) {
        for (labels, value) in match inner.evaluate(series, at)? {
            Value::Vector(vector) => vector,
            Value::Scalar(scalar) => vec![(Labels::new(), scalar)],
        } {
            found.entry(labels).or_default().push(Sample { at, value });
        }
    }
    Ok(found.into_iter().map(|(labels, samples)| Series { labels, samples }).collect())
}

fn call(function: &str, arguments: &[Expression], series: &[Series], at: i64) -> Result<Value, String> {
    let argument = |i: usize| arguments.get(i).ok_or_else(|| format!("{function}() without its arguments"));
    let each = |of: &dyn Fn(f64) -> f64| -> Result<Value, String> {
        let vector = argument(0)?.vector(series, at)?;
        Ok(Value::Vector(vector.into_iter().map(|(labels, value)| (nameless(labels), of(value))).collect()))
    };
    match function {
        "histogram_quantile" => {
            let (q, vector) = (argument(0)?.scalar(series, at)?, argument(1)?.vector(series, at)?);
            Ok(Value::Vector(quantiles(q, vector)))
        }
        "abs" => each(&f64::abs),
        "clamp_min" => argument(1)?.scalar(series, at).and_then(|least| each(&|value| value.max(least))),
        "clamp_max" => argument(1)?.scalar(series, at).and_then(|most| each(&|value| value.min(most))),
        "absent" => {
            let is_absent = argument(0)?.vector(series, at)?.is_empty();
            Ok(Value::Vector(is_absent.then(|| (Labels::new(), 1.0)).into_iter().collect()))
        }
        _ => {
            let (selected, window) = argument(0)?.range(series, at)?;
            let labels = |it: &Series| {
                if function == "last_over_time" { it.labels.clone() } else { nameless(it.labels.clone()) }
            };
            let element = |it: &Series| -> Element { over_time(function, it, window).map(|value| (labels(it), value)) };
            Ok(Value::Vector(selected.iter().filter_map(element).collect()))
        }
    }
}

/// What a function makes of the samples of one series in a window; `None`: nothing.
fn over_time(function: &str, series: &Series, window: Window) -> Option<f64> {
    let samples = || series.samples.iter().copied();
    let values: Vec<f64> = window.samples(samples()).map(|sample| sample.value).collect();
    let pairs =
        |differs: fn(f64, f64) -> bool| values.windows(2).filter(|pair| differs(pair[0], pair[1])).count() as f64;
    match function {
        "rate" => return window.rate(samples()),
        "increase" => return window.increase(samples()),
        _ if values.is_empty() => return None,
        _ => {}
    }
    Some(match function {
        "avg_over_time" => mean(values),
        "sum_over_time" => sum(values),
        "min_over_time" => values.into_iter().fold(f64::NAN, f64::min),
        "max_over_time" => values.into_iter().fold(f64::NAN, f64::max),
        "count_over_time" => values.len() as f64,
        "changes" => pairs(|a, b| a != b && !(a.is_nan() && b.is_nan())),
        "resets" => pairs(|a, b| b < a),
        "last_over_time" => values[values.len() - 1],
        _ => 1.0,
    })
}

/// `histogram_quantile`: a quantile for each group of buckets.
fn quantiles(q: f64, vector: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let mut groups: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for (labels, count) in vector {
        let mut labels = nameless(labels);
        if let Some(upper) = labels.remove("le").and_then(|bound| number(&bound)) {
            groups.entry(labels).or_default().push(Bucket { upper, count });
        }
    }
    groups.into_iter().map(|(labels, buckets)| (labels, histogram_quantile(q, &buckets))).collect()
}

fn aggregate(function: &str, grouping: &Grouping, mut vector: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    vector.sort_by(|a, b| a.0.cmp(&b.0));
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for (labels, value) in vector {
        groups.entry(grouping.of(&labels)).or_default().push(value);
    }
    let of = |values: Vec<f64>| match function {
        "sum" => sum(values),
        "avg" => mean(values),
        "min" => values.into_iter().fold(f64::NAN, f64::min),
        "max" => values.into_iter().fold(f64::NAN, f64::max),
        "count" => values.len() as f64,
        _ => 1.0,
    };
    groups.into_iter().map(|(labels, values)| (labels, of(values))).collect()
}

/// An operator on two numbers: what it comes to, and for a comparison whether it holds.
fn operate(operator: &str, a: f64, b: f64) -> Result<(f64, bool), String> {
    let computed = |value| Ok((value, true));
    let compared = |holds| Ok((a, holds));
    match operator {
        "+" => computed(a + b),
        "-" => computed(a - b),
        "*" => computed(a * b),
        "/" => computed(a / b),
        "%" => computed(a % b),
        "==" => compared(a == b),
        "!=" => compared(a != b),
        "<" => compared(a < b),
        "<=" => compared(a <= b),
        ">" => compared(a > b),
        ">=" => compared(a >= b),
        other => Err(format!("`{other}`")),
    }
}

fn binary(operator: &str, bool: bool, matching: &Grouping, left: Value, right: Value) -> Result<Value, String> {
    let is_comparison = OPERATORS[2].contains(&operator);
    let keeps_name = is_comparison && !bool;
    let named = |labels: &Labels| if keeps_name { labels.clone() } else { nameless(labels.clone()) };
    let kept = |(value, holds): (f64, bool)| match (is_comparison, bool) {
        (true, true) => Some(f64::from(u8::from(holds))),
        (true, false) => holds.then_some(value),
        (false, _) => Some(value),
    };
    let element = |labels: &Labels, of: f64, a: f64, b: f64| -> Result<Element, String> {
        let (value, holds) = operate(operator, a, b)?;
        let value = if is_comparison { of } else { value };
        Ok(kept((value, holds)).map(|value| (named(labels), value)))
    };
    let elements: Result<Vec<Element>, String> = match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => {
            let (value, holds) = operate(operator, a, b)?;
            return Ok(Value::Scalar(if is_comparison { f64::from(u8::from(holds)) } else { value }));
        }
        (Value::Scalar(a), Value::Vector(vector)) => {
            vector.iter().map(|(labels, b)| element(labels, *b, a, *b)).collect()
        }
        (Value::Vector(vector), Value::Scalar(b)) => {
            vector.iter().map(|(labels, a)| element(labels, *a, *a, b)).collect()
        }
        (Value::Vector(left), Value::Vector(right)) => {
            return vectors(operator, matching, left, right, &element).map(Value::Vector);
        }
    };
    Ok(Value::Vector(elements?.into_iter().flatten().collect()))
}

/// Two vectors, matched one to one; set operators by what is on either side.
fn vectors(
    operator: &str,
    matching: &Grouping,
    left: Vec<(Labels, f64)>,
    right: Vec<(Labels, f64)>,
    element: &dyn Fn(&Labels, f64, f64, f64) -> Result<Element, String>,
) -> Result<Vec<(Labels, f64)>, String> {
    let key = |labels: &Labels| matching.of(labels);
    let other: BTreeMap<Labels, f64> = right.iter().map(|(labels, value)| (key(labels), *value)).collect();
    let is_matched = |labels: &Labels| other.contains_key(&key(labels));
    match operator {
        "and" => return Ok(left.into_iter().filter(|(labels, _)| is_matched(labels)).collect()),
        "unless" => return Ok(left.into_iter().filter(|(labels, _)| !is_matched(labels)).collect()),
        "or" => {
            let own: Vec<Labels> = left.iter().map(|(labels, _)| key(labels)).collect();
            let added = right.into_iter().filter(|(labels, _)| !own.contains(&key(labels)));
            return Ok(left.into_iter().chain(added).collect());
        }
        _ => {}
    }
    if left.len() != left.iter().map(|(labels, _)| key(labels)).collect::<std::collections::BTreeSet<_>>().len() {
        return Err("many to one".to_owned());
    }
    let matched = left.iter().filter_map(|(labels, a)| other.get(&key(labels)).map(|b| (labels, *a, *b)));
    let elements: Result<Vec<Element>, String> = matched
        .map(|(labels, a, b)| {
            let labels = if matching.without && matching.labels.is_empty() { labels.clone() } else { key(labels) };
            element(&labels, a, a, b)
        })
        .collect();
    Ok(elements?.into_iter().flatten().collect())
}
