//! An evaluator of PromQL that only joins what `cutover::prometheus` computes: selection, grouping, matching, operators.

use std::collections::{BTreeMap, BTreeSet};

use cutover::prometheus::{Bucket, Sample, Window, histogram_quantile, instant, mean, sum};

use super::{Expression, Grouping, Labels, Matcher, OPERATORS, Series, Value, number};

/// Whether a pattern of literals, `.`, `[...]`, `*`, `+`, `?` and `|` matches the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.split('|').any(|alternative| matches_one(alternative, text))
}

fn matches_one(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let length = match first {
        '[' => pattern.find(']').map_or(pattern.len(), |end| end + 1),
        '\\' => 1 + pattern.chars().nth(1).map_or(0, char::len_utf8),
        _ => first.len_utf8(),
    };
    let (atom, rest) = pattern.split_at(length);
    let is_one = |c: char| match atom {
        "." => true,
        _ if first == '[' => atom[1..atom.len() - 1].contains(c),
        _ => atom.ends_with(c),
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

/// Some labels and a value: `None` leaves the element out.
type Element = Option<(Labels, f64)>;

/// What becomes of an element with these labels: the value that a comparison keeps, and the operands.
type Combine<'a> = &'a dyn Fn(&Labels, f64, f64, f64) -> Result<Element, String>;

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
        "vector" => Ok(Value::Vector(vec![(Labels::new(), argument(0)?.scalar(series, at)?)])),
        "scalar" => match argument(0)?.vector(series, at)?.as_slice() {
            [(_, value)] => Ok(Value::Scalar(*value)),
            _ => Ok(Value::Scalar(f64::NAN)),
        },
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
    element: Combine<'_>,
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
    if !matching.many && left.len() != left.iter().map(|(labels, _)| key(labels)).collect::<BTreeSet<_>>().len() {
        return Err("many to one".to_owned());
    }
    let matched = left.iter().filter_map(|(labels, a)| other.get(&key(labels)).map(|b| (labels, *a, *b)));
    let elements: Result<Vec<Element>, String> = matched
        .map(|(labels, a, b)| {
            let is_whole = matching.many || (matching.without && matching.labels.is_empty());
            let labels = if is_whole { labels.clone() } else { key(labels) };
            element(&labels, a, a, b)
        })
        .collect();
    Ok(elements?.into_iter().flatten().collect())
}
