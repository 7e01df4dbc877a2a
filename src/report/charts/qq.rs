//! `qq.png`: can the fitted lengths be trusted? Recorded quantiles against fitted ones, prompts and answers side by side, with
//! a band of 10 %.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels;
use super::numbers;
use super::theme::{self, Stroke};
use crate::fit::{Candidate, LengthFit};
use crate::random::Distribution;
use crate::report::fit::Fitted;
use crate::study::quantile_ranks;

/// Half the width of the band of good agreement.
const BAND: f64 = 0.1;
/// Quantiles that are held against each other, per mille; those that too few requests have are left out.
const QUANTILES: [u32; 15] = [10, 20, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950, 990, 999];
/// Those that are named.
const NAMED: [u32; 4] = [100, 500, 900, 990];
/// Quantiles without which there is nothing to trust.
const FEWEST: usize = 5;
/// Half the side of a mark, points.
const MARK: f64 = 2.6;

/// One quantile as recorded, with its interval, and as fitted, tokens.
struct Pair {
    per_mille: u32,
    recorded: f64,
    interval: Option<(f64, f64)>,
    fitted: f64,
}

impl Pair {
    fn is_within_band(&self) -> bool {
        (self.fitted / self.recorded - 1.0).abs() <= BAND
    }
}

/// The sheet; `None` where prompts or answers are all equally long, or too few for their quantiles.
pub fn sheet(fitted: &Fitted<'_>) -> Option<Sheet> {
    let lengths = [("prompt", &fitted.fit.prompt_tokens), ("answer", &fitted.fit.output_tokens)];
    let all = lengths.map(|(noun, length)| (noun, length.recommended(), pairs(length)));
    let is_told = |length: &LengthFit, pairs: &[Pair]| length.values.distinct() > 1 && pairs.len() >= FEWEST;
    if lengths.iter().zip(&all).any(|((_, length), (_, _, pairs))| !is_told(length, pairs)) {
        return None;
    }
    let mut canvas = Canvas::new();
    let requests = format!("{} requests", numbers::fixed(fitted.fit.traffic.requests as f64, 0));
    let question = "Can the fitted lengths be trusted?";
    let top = labels::heading_of(&mut canvas, question, fitted.name, &requests) + 44.0;
    let middle = theme::WIDTH / 2.0;
    for (at, (noun, candidate, pairs)) in all.iter().enumerate() {
        let left = if at == 0 { theme::PANEL_LEFT } else { middle + 44.0 };
        let right = if at == 0 { middle - 16.0 } else { theme::WIDTH - 2.0 * theme::MARGIN };
        draw(&mut canvas, (left, right, top), noun, candidate, pairs);
    }
    let words = "On the line the fit has the recorded quantile; the band is 10 % to each side. Whiskers: 95 % intervals of the \
                 recorded quantiles.";
    let at = (theme::PANEL_LEFT, 496.0);
    canvas.text(Text::new(words, at, Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    let alt_text =
        all.iter().map(|(noun, candidate, pairs)| told(noun, candidate, pairs)).collect::<Vec<_>>().join(" ");
    Some(Sheet { file_name: "qq.png".to_owned(), canvas, alt_text })
}

fn pairs(length: &LengthFit) -> Vec<Pair> {
    let total = length.values.total();
    let rank = |rank: u64| length.values.quantile((rank - 1) as f64 / (total - 1).max(1) as f64);
    let pair = |per_mille: u32| {
        let share = f64::from(per_mille) / 1_000.0;
        let interval = quantile_ranks(share, total)?;
        Some(Pair {
            per_mille,
            recorded: length.values.quantile(share),
            interval: Some((rank(interval.0), rank(interval.1))),
            fitted: quantile(&length.recommended().distribution, share),
        })
    };
    QUANTILES.into_iter().filter_map(pair).collect()
}

/// The least whole number of tokens that a draw, rounded up, stays at or below with this probability.
fn quantile(distribution: &Distribution, share: f64) -> f64 {
    let above = |tokens: f64| distribution.survival(tokens) > 1.0 - share + 1e-12;
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while above(high) && high < 1e9 {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if above(middle) { low = middle } else { high = middle }
    }
    high
}

fn draw(canvas: &mut Canvas, (left, right, top): (f64, f64, f64), noun: &str, candidate: &Candidate, pairs: &[Pair]) {
    let values = || pairs.iter().flat_map(|pair| [pair.recorded, pair.fitted]).filter(|value| *value > 0.0);
    let (low, high) = values().fold((f64::INFINITY, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let low = if low.is_finite() { low } else { 1.0 };
    let axis = Axis::logarithmic(low / 1.25, high * 1.25);
    let panel = Panel { left, top, right, bottom: 446.0, x: axis, y: axis };
    let ticks = axis.ticks(9);
    panel.grid(canvas, &ticks);
    let diagonal = |factor: f64| {
        // Only as far as both ends are on the panel.
        let (from, to) = (axis.low * factor.recip().max(1.0), axis.high * factor.recip().min(1.0));
        [panel.at(from, from * factor), panel.at(to, to * factor)]
    };
    let [lower, upper] = [diagonal(1.0 - BAND), diagonal(1.0 + BAND)];
    let corners =
        vec![lower[0], panel.at(axis.low, axis.low), upper[0], upper[1], panel.at(axis.high, axis.high), lower[1]];
    canvas.area(corners, theme::STABLE_TINT);
    canvas.line(diagonal(1.0).to_vec(), Stroke::solid(theme::STABLE_INK, 1.2));
    for pair in pairs {
        let at = panel.at(pair.recorded, pair.fitted);
        if let Some((low, high)) = pair.interval {
            canvas.whisker(panel.at(low, pair.fitted), panel.at(high, pair.fitted));
        }
        let color = if pair.is_within_band() { theme::NEW } else { theme::ALERT };
        canvas.rectangle((at.0 - MARK, at.1 - MARK), (at.0 + MARK, at.1 + MARK), color);
        if !pair.is_within_band() {
            let inner = MARK - 1.2;
            canvas.rectangle((at.0 - inner, at.1 - inner), (at.0 + inner, at.1 + inner), theme::PAPER);
        }
    }
    name_quantiles(canvas, &panel, pairs);
    panel.left_axis_beside(canvas, &ticks, &format!("fitted {noun}, tokens (log)"));
    panel.lower_axis(canvas, &ticks, Some(&format!("recorded {noun}, tokens (log)")));
    let poor = pairs.iter().filter(|pair| !pair.is_within_band()).count();
    let verdict = match poor {
        0 => "all quantiles within 10 %".to_owned(),
        poor => format!("{poor} of {} quantiles beyond 10 % (hollow)", pairs.len()),
    };
    let color = if poor == 0 { theme::NEW } else { theme::ALERT };
    let words = format!("{noun}: {}, {verdict}", candidate.kind.name());
    let size = labels::fitting_size(&words, theme::LABEL_SIZE, right - left, true);
    canvas.text(Text::new(words, (left, top - 16.0), Anchor::Start, color).size(size).bold());
}

/// Names of some quantiles, right of their marks and below the line, one below another where they would meet.
fn name_quantiles(canvas: &mut Canvas, panel: &Panel, pairs: &[Pair]) {
    let named: Vec<&Pair> = pairs.iter().filter(|pair| NAMED.contains(&pair.per_mille)).collect();
    let place = |pair: &&Pair| panel.at(pair.interval.map_or(pair.recorded, |(_, high)| high), pair.fitted);
    // From above: the greatest first.
    let wishes: Vec<(f64, f64)> = named.iter().rev().map(|pair| (place(pair).1 + 9.0, 12.0)).collect();
    let centres = labels::spread(&wishes, panel.top, panel.bottom - 6.0);
    for (pair, y) in named.iter().rev().zip(centres) {
        let name = Text::new(format!("P{}", pair.per_mille / 10), (0.0, y), Anchor::Start, theme::MUTED)
            .size(theme::TICK_SIZE);
        let x = (place(pair).0 + 7.0).min(panel.right - name.width());
        canvas.text(Text { at: (x, y), ..name });
    }
}

fn told(noun: &str, candidate: &Candidate, pairs: &[Pair]) -> String {
    let within = pairs.iter().filter(|pair| pair.is_within_band()).count();
    let name = candidate.kind.name();
    format!(
        "{within} of {} recorded quantiles of the {noun}s are within 10 % of the fitted ones ({name}).",
        pairs.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Family;

    #[test]
    fn quantiles_of_whole_tokens_are_those_of_the_distribution() {
        let lognormal = Distribution { family: Family::Lognormal { median: 800.0, sigma: 1.0 }, max: 4_000.0 };
        assert_eq!(quantile(&lognormal, 0.5), 800.0);
        // exp(1.2816) * 800.
        assert_eq!(quantile(&lognormal, 0.9), 2_882.0);
        assert_eq!(quantile(&lognormal, 0.999), 4_000.0);
        assert_eq!(quantile(&Distribution::constant(7.0), 0.3), 7.0);
    }
}
