//! Another simulator's replays of given requests, against our engine: every case of `tests/data/serving`, or of the
//! directory that `CUTOVER_SERVING_CASES` names, laid out alike. What a case is, and what counts as agreement, is told in
//! `tests/data/serving/README.md`; what is compared is printed.

use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cutover::profiles::{self, Basis, Spread, VidurFit};
use cutover::scenario;
use cutover::serving::{Engine, EngineModel, Notice, NoticeKind, Request};
use cutover::units::Time;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Seconds by which a stamp may differ where everything is known: the other simulator adds up floating-point seconds.
const EXACT: f64 = 1e-6;

/// What counts as agreement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bar {
    /// Same rules, same step times, room for everybody: every stamp.
    EveryStamp,
    /// Shares by which P50, P90 and P99 of TTFT, TPOT and E2E may differ; infinite where anything will do.
    Percentiles { ttft: [f64; 3], tpot: [f64; 3], e2e: [f64; 3] },
}

/// The step time is known and the cache is short: the rules of blocks differ.
const SHORT_OF_CACHE: Bar = Bar::Percentiles { ttft: [0.10, 0.05, 0.05], tpot: [0.03; 3], e2e: [0.03; 3] };
/// The step time is known and prompts are read first: how many at once differs.
const PREFILL_FIRST: Bar = Bar::Percentiles { ttft: [0.10; 3], tpot: [0.05; 3], e2e: [0.05; 3] };
/// The step time is a fit.
const FITTED: Bar = Bar::Percentiles {
    ttft: [0.08, f64::INFINITY, f64::INFINITY],
    tpot: [0.05, 0.08, f64::INFINITY],
    e2e: [0.05, 0.08, f64::INFINITY],
};

impl Bar {
    /// By which share the percentiles of a figure may differ.
    fn tolerated(&self, figure: &str) -> [f64; 3] {
        match (self, figure) {
            (Bar::EveryStamp, _) => [EXACT; 3],
            (Bar::Percentiles { ttft, .. }, "TTFT") => *ttft,
            (Bar::Percentiles { tpot, .. }, "TPOT") => *tpot,
            (Bar::Percentiles { e2e, .. }, _) => *e2e,
        }
    }

    fn words(&self) -> &'static str {
        match *self {
            Bar::EveryStamp => "step times known, room for everybody: every stamp within 1 us",
            SHORT_OF_CACHE => "step times known, short of cache: TTFT within 10, 5, 5 %, TPOT and E2E within 3 %",
            PREFILL_FIRST => "step times known, prompts first: TTFT within 10 %, TPOT and E2E within 5 %",
            Bar::Percentiles { .. } => {
                "step times fitted: TPOT and E2E within 5 and 8 % at P50 and P90, TTFT within 8 % at P50"
            }
        }
    }
}

impl Verdict {
    fn words(&self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::IsExcused => "disagrees, as its fit does",
            Verdict::Disagrees => "DISAGREES",
        }
    }
}

/// How far a fit is from the step times that it stands for.
struct FitError {
    /// (what the steps do, relative errors), of the kinds of steps that the case's scheduler makes.
    by_class: [(&'static str, Spread); 2],
}

impl FitError {
    /// Half of the steps of some kind are further off than the P50 of anything but TTFT may be.
    fn is_worse_than_the_bar(&self) -> bool {
        self.by_class.iter().any(|(_, error)| error.median > 0.05)
    }
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = |(name, error): &(&str, Spread)| {
            format!(
                "{name} steps are {:.1} % off in the median, {:.1} % at P95",
                error.median * 100.0,
                error.p95 * 100.0
            )
        };
        write!(f, "{}", self.by_class.iter().map(class).collect::<Vec<String>>().join("; "))
    }
}

/// When something happened to a request, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Stamps {
    arrived: f64,
    scheduled: f64,
    first_token: f64,
    finished: f64,
    output_tokens: f64,
}

impl Stamps {
    fn ttft(&self) -> f64 {
        self.first_token - self.arrived
    }

    fn e2e(&self) -> f64 {
        self.finished - self.arrived
    }

    /// Of an answer of one token there is none.
    fn tpot(&self) -> f64 {
        (self.finished - self.first_token) / (self.output_tokens - 1.0)
    }
}

/// A case as it was recorded.
struct Case {
    name: String,
    config: Value,
    /// (arrival, prompt tokens, output tokens).
    requests: Vec<[f64; 3]>,
    theirs: Vec<Stamps>,
}

impl Case {
    fn read(directory: &Path) -> Case {
        let config = serde_json::from_reader(File::open(directory.join("config.json")).expect("config.json"));
        let requests = columns(directory, "requests", ["arrival_time_s", "prefill_tokens", "decode_tokens"]);
        let names = ["request_id", "arrived_at_s", "scheduled_at_s", "prefill_completed_at_s", "completed_at_s"];
        let mut theirs = vec![Stamps::default(); requests.len()];
        for [id, arrived, scheduled, first_token, finished] in columns(directory, "results", names) {
            let output_tokens = requests[id as usize][2];
            theirs[id as usize] = Stamps { arrived, scheduled, first_token, finished, output_tokens };
        }
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Case { name, config: config.expect("JSON"), requests, theirs }
    }

    fn whole(&self, key: &str) -> Option<u64> {
        self.config[key].as_u64()
    }

    /// Whether the step time is known exactly.
    fn is_linear(&self) -> bool {
        !self.config["linear_coefficients"].is_null()
    }

    fn is_chunked(&self) -> bool {
        self.config["scheduler"] == "sarathi"
    }

    /// Whether the cache has room, all the time, for everybody who is there in full length.
    fn has_room_for_everybody(&self) -> bool {
        let replicas = self.whole("num_replicas").unwrap_or(1) as usize;
        let (size, blocks) = (self.whole("block_size_tokens").expect("a size"), self.whole("num_blocks_per_replica"));
        (0..replicas).all(|replica| {
            let mut changes: Vec<(f64, f64)> = Vec::new();
            for ([_, prompt, output], stamps) in self.requests.iter().zip(&self.theirs).skip(replica).step_by(replicas)
            {
                let held = ((prompt + output) / size as f64).ceil();
                changes.extend([(stamps.arrived, held), (stamps.finished, -held)]);
            }
            changes.sort_by(|one, other| one.0.total_cmp(&other.0));
            let most = changes.iter().scan(0.0, |held, change| {
                *held += change.1;
                Some(*held)
            });
            most.fold(0.0, f64::max) < 0.98 * blocks.expect("blocks") as f64
        })
    }

    fn bar(&self) -> Bar {
        match (self.is_linear(), self.is_chunked()) {
            (true, true) if self.has_room_for_everybody() => Bar::EveryStamp,
            (true, true) => SHORT_OF_CACHE,
            (true, false) => PREFILL_FIRST,
            (false, _) => FITTED,
        }
    }

    /// The fit to this case's step times, from the library that ships.
    fn fit(&self) -> Option<&'static VidurFit> {
        let text = |key: &str| self.config[key].as_str().unwrap_or_default().to_owned();
        let gpus = self.whole("tp")? as u32;
        let found = profiles::of_source(&text("model"), &text("device"), gpus);
        found.into_iter().find_map(|profile| match &profile.basis {
            Basis::Vidur(fit, _) => Some(fit),
            Basis::AiConfigurator(..) => None,
        })
    }

    /// The error of the fit, where the case has one.
    fn fit_error(&self) -> Option<FitError> {
        if self.is_linear() {
            return None;
        }
        let errors = &self.fit()?.rel_err_by_class;
        let other = if self.is_chunked() { ("mixed", errors.mixed) } else { ("prefill", errors.prefill_only) };
        Some(FitError { by_class: [("decode", errors.decode_only), other] })
    }

    fn step_time(&self) -> Option<scenario::StepTime> {
        let coefficients = &self.config["linear_coefficients"];
        if coefficients.is_null() {
            return self.fit().map(fitted);
        }
        let coefficient = |name: &str| coefficients[name].as_f64().expect("a coefficient") * 1e6;
        Some(scenario::StepTime {
            base: coefficient("a_ms"),
            base_table: Vec::new(),
            per_sequence: coefficient("b_ms_per_decode_seq"),
            per_kv_token: coefficient("c_ms_per_kv_token"),
            per_prefill_token: coefficient("d_ms_per_prefill_token"),
            per_prefill_token_squared: coefficient("e_ms_per_prefill_token_sq"),
            per_prefill_token_context: coefficient("f_ms_per_prefill_token_x_kv"),
        })
    }

    fn settings(&self) -> Option<scenario::Engine> {
        let block_size = self.whole("block_size_tokens").expect("a size");
        let tokens = self.whole("chunk_size").or(self.whole("max_tokens_in_batch")).expect("a budget");
        Some(scenario::Engine {
            max_num_seqs: self.whole("batch_size_cap").expect("a cap") as u32,
            max_num_batched_tokens: tokens as u32,
            chunked_prefill: self.is_chunked(),
            kv_cache_tokens: self.whole("num_blocks_per_replica").expect("blocks") * block_size,
            block_size: block_size as u32,
            kv_watermark: 0.01,
            step_time: self.step_time()?,
            ..scenario::Engine::default()
        })
    }

    /// Sends every `replicas`-th request to one engine each; returns the stamps of all.
    fn replay(&self) -> Option<Vec<Stamps>> {
        let model = Arc::new(EngineModel::new(&self.settings()?, 1.0));
        let replicas = self.whole("num_replicas").unwrap_or(1) as usize;
        let mut stamps = self.theirs.clone();
        for replica in 0..replicas {
            let mut engine = Engine::new(model.clone());
            let mut notices: Vec<Notice> = Vec::new();
            for (id, [arrival, prompt, output]) in self.requests.iter().enumerate().skip(replica).step_by(replicas) {
                let now = Time((arrival * 1e9).round() as i64);
                let (prompt_tokens, output_tokens) = (*prompt as u32, *output as u32);
                engine.run_before(now, &mut notices);
                engine.submit(now, Request { id: id as u32, prompt_tokens, output_tokens, luck: 0 }, &mut notices);
            }
            engine.run_before(Time::NEVER, &mut notices);
            for notice in notices {
                let stamps = &mut stamps[notice.id as usize];
                match notice.kind {
                    NoticeKind::Scheduled => stamps.scheduled = notice.time.seconds(),
                    NoticeKind::FirstToken => stamps.first_token = notice.time.seconds(),
                    NoticeKind::Finished => stamps.finished = notice.time.seconds(),
                    NoticeKind::Preempted => {}
                    NoticeKind::Cancelled => panic!("{notice:?}: nobody cancels"),
                }
            }
        }
        Some(stamps)
    }
}

/// The linear form, the engine's own, as its source fitted it: the same form for every case.
fn fitted(fit: &VidurFit) -> scenario::StepTime {
    scenario::StepTime {
        base: fit.a_ms * 1e6,
        base_table: Vec::new(),
        per_sequence: fit.b_ms_per_decode_seq * 1e6,
        per_kv_token: fit.c_ms_per_kv_token * 1e6,
        per_prefill_token: fit.d_ms_per_prefill_token * 1e6,
        per_prefill_token_squared: fit.e_ms_per_prefill_token_sq * 1e6,
        per_prefill_token_context: fit.f_ms_per_prefill_token_x_kv * 1e6,
    }
}

/// The named columns of a compressed table.
fn columns<const N: usize>(directory: &Path, table: &str, names: [&str; N]) -> Vec<[f64; N]> {
    let path = directory.join(format!("{table}.csv.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("a compressed table");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let header = table.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name);
    let places = names.map(|name| place(name).unwrap_or_else(|| panic!("{}: no column {name}", path.display())));
    let row = |row: csv::StringRecord| places.map(|place| row[place].parse().expect("a number"));
    table.records().map(|record| row(record.expect("a row"))).collect()
}

/// The value of rank ceil(q n).
fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((q * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1]
}

/// By which share our P50, P90 and P99 exceed theirs.
fn percentiles(ours: &[Stamps], theirs: &[Stamps], of: impl Fn(&Stamps) -> f64) -> [f64; 3] {
    let values = |stamps: &[Stamps]| stamps.iter().map(&of).filter(|value| value.is_finite()).collect::<Vec<f64>>();
    let (mut ours, mut theirs) = (values(ours), values(theirs));
    [0.5, 0.9, 0.99].map(|q| quantile(&mut ours, q) / quantile(&mut theirs, q) - 1.0)
}

/// The largest and the median of what is between our stamps and theirs, seconds.
fn apart(ours: &[Stamps], theirs: &[Stamps], of: impl Fn(&Stamps) -> f64) -> (f64, f64) {
    let mut apart: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| (of(ours) - of(theirs)).abs()).collect();
    (quantile(&mut apart, 1.0), quantile(&mut apart, 0.5))
}

/// Something to be read off the stamps, in seconds.
type Figure = fn(&Stamps) -> f64;

/// What came of a case.
enum Verdict {
    Agrees,
    /// It does not, and its step time's fit is known to be no better.
    IsExcused,
    Disagrees,
}

/// Compares a case and says what was found.
fn compare(case: &Case, out: &mut String) -> Verdict {
    let bar = case.bar();
    let _ = writeln!(out, "{}: {} requests, {}", case.name, case.requests.len(), bar.words());
    let Some(ours) = case.replay() else {
        let _ = writeln!(out, "  DISAGREES: no profile has its step times");
        return Verdict::Disagrees;
    };
    let figures: [(&str, Figure); 3] = [("TTFT", Stamps::ttft), ("E2E", Stamps::e2e), ("TPOT", Stamps::tpot)];
    let mut agrees = true;
    for (name, of) in figures {
        let shares = percentiles(&ours, &case.theirs, of);
        let tolerated = bar.tolerated(name);
        agrees &= shares.iter().zip(tolerated).all(|(share, tolerated)| share.abs() <= tolerated);
        let shares = shares.map(|share| format!("{:+.2} %", share * 100.0)).join(", ");
        // Of an answer of one token there is no TPOT to subtract.
        let (largest, median) =
            apart(&ours, &case.theirs, |stamps| Some(of(stamps)).filter(|it| it.is_finite()).unwrap_or(0.0));
        let _ = writeln!(
            out,
            "  {name:4}  per request: largest {largest:.9} s, median {median:.9} s apart; P50, P90, P99: {shares}"
        );
    }
    let stamps: [Figure; 3] = [|it| it.scheduled, |it| it.first_token, |it| it.finished];
    let worst = stamps.map(|of| apart(&ours, &case.theirs, of).0).into_iter().fold(0.0, f64::max);
    agrees &= bar != Bar::EveryStamp || worst <= EXACT;
    let fit = case.fit_error();
    if let Some(fit) = &fit {
        let _ = writeln!(out, "  fit   {fit}");
    }
    let verdict = match (agrees, fit) {
        (true, _) => Verdict::Agrees,
        (false, Some(fit)) if fit.is_worse_than_the_bar() => Verdict::IsExcused,
        (false, _) => Verdict::Disagrees,
    };
    let _ = writeln!(out, "  {}", verdict.words());
    verdict
}

/// The cases of a directory, by name.
fn cases(directory: &Path) -> Vec<Case> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.join("config.json").is_file());
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

#[test]
fn replays_agree_with_those_of_another_simulator() {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/serving");
    let directory = std::env::var_os("CUTOVER_SERVING_CASES").map_or(own, PathBuf::from);
    let cases = cases(&directory);
    assert!(!cases.is_empty(), "{}: no cases", directory.display());
    let (mut report, mut agreeing, mut excused, mut disagreeing) = (String::new(), 0, Vec::new(), Vec::new());
    for case in &cases {
        match compare(case, &mut report) {
            Verdict::Agrees => agreeing += 1,
            Verdict::IsExcused => excused.push(case.name.as_str()),
            Verdict::Disagrees => disagreeing.push(case.name.as_str()),
        }
    }
    if !excused.is_empty() {
        let _ = writeln!(report, "may disagree, as their step times' fits do: {}", excused.join(", "));
    }
    let _ = writeln!(report, "serving cases: {agreeing} of {} agree", cases.len());
    // Written past the test harness, which would keep it to itself.
    std::io::stdout().write_all(report.as_bytes()).expect("somebody listens");
    assert!(disagreeing.is_empty(), "disagree: {}", disagreeing.join(", "));
}
