//! Made-up traces for the tests of reports and charts, small and fitted once.

use std::sync::LazyLock;

use rand::Rng as _;

use crate::fit::TraceFit;
use crate::random::{Purpose, RunKey, Stream, unit_interval};
use crate::trace::{Trace, TraceRequest};

/// A draw of a request: its lengths, and seconds to the next.
type Draw = fn(&mut Stream, u32) -> (f64, f64, f64);

fn uniform(stream: &mut Stream) -> f64 {
    unit_interval(stream.next_u64())
}

fn fitted(requests: u32, draw: Draw) -> TraceFit {
    let mut stream = RunKey::new(11, 0).stream(Purpose::PromptTokens);
    let mut now = 0.0;
    let requests: Vec<TraceRequest> = (0..requests)
        .map(|number| {
            let (prompt, output, gap) = draw(&mut stream, number);
            let arrival = (now * 1e3) as i64 * 1_000_000;
            now += gap;
            TraceRequest { arrival, prompt_tokens: prompt.ceil() as u32, output_tokens: output.ceil() as u32 }
        })
        .collect();
    TraceFit::of(&Trace::of(&requests, "made up").expect("a trace"))
}

/// Three thousand requests of which a third bears one template's prompt and has short answers, at a rate that changes
/// fivefold every few minutes.
pub fn bursty() -> &'static TraceFit {
    static FIT: LazyLock<TraceFit> = LazyLock::new(|| {
        fitted(3_000, |stream, number| {
            let rate = if number / 300 % 2 == 0 { 5.0 } else { 1.0 };
            let gap = -(1.0 - uniform(stream)).ln() / rate;
            if uniform(stream) < 0.33 {
                (395.0 + 10.0 * uniform(stream), 5.0 + 20.0 * uniform(stream), gap)
            } else {
                (30.0 / uniform(stream).max(2e-3), -250.0 * (1.0 - uniform(stream)).ln() + 1.0, gap)
            }
        })
    });
    &FIT
}

/// A thousand requests stamped in batches of ten every two seconds.
pub fn batched() -> &'static TraceFit {
    static FIT: LazyLock<TraceFit> = LazyLock::new(|| {
        fitted(1_000, |stream, number| {
            let gap = if number % 10 == 9 { 2.0 } else { 0.0 };
            (-4_000.0 * (1.0 - uniform(stream)).ln() + 1.0, 20.0 + 400.0 * uniform(stream).powi(3), gap)
        })
    });
    &FIT
}

/// Prompts that are always the same, and long answers, now and then for a week.
pub fn constant() -> &'static TraceFit {
    static FIT: LazyLock<TraceFit> = LazyLock::new(|| {
        fitted(400, |stream, _| (512.0, 50_000.0 * uniform(stream).powi(2) + 1.0, 3_000.0 * uniform(stream)))
    });
    &FIT
}

/// Prompts of five templates, which nothing fits.
pub fn poor() -> &'static TraceFit {
    static FIT: LazyLock<TraceFit> = LazyLock::new(|| {
        fitted(2_000, |stream, number| {
            let prompt = [20.0, 90.0, 400.0, 2_000.0, 9_000.0][number as usize % 5];
            (prompt, 100.0 * (3.0 * uniform(stream)).exp(), uniform(stream))
        })
    });
    &FIT
}

/// Two requests, the least that a trace can have.
pub fn least() -> &'static TraceFit {
    static FIT: LazyLock<TraceFit> =
        LazyLock::new(|| fitted(2, |_, number| (10.0 + f64::from(number), 20.0 + 5.0 * f64::from(number), 0.5)));
    &FIT
}
