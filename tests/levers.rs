//! What a study of levers finds, held against what must come out: where the paper formula is right, where it misleads and by how
//! much, that the least fleet is the least, that orthogonal levers multiply.

mod support;

use std::sync::atomic::AtomicBool;

use cutover::ledger::Metric;
use cutover::report::{Answer, LeversAnswer, Style};
use cutover::scenario::Scenario;
use cutover::study::levers::{
    Bound, Breach, Candidate, Fewest, Lever, LeverVerdict, LeversResult, LeversStudy, Options, Sizes, Stop, Turn,
    Turned, WhyDropped, study,
};
use support::{mean_and_error, scenario, values};

/// Five replicas of a constant step, offered 70 % of a saturated rate of 2,000 tokens/s each, without a rollout.
const STEADY: &str = r#"
[study]
runs = 10
seed = 3
warm_up = "1m"
duration = "6m"
timeline_bin = "60s"
[traffic]
arrivals = { process = "poisson", rate = 35.0 }
prompt_tokens = 100
output_tokens = 200
[fleet]
replicas = 5
gpu_hour_usd = 3.0
[engine]
max_num_seqs = 16
max_num_batched_tokens = 8192
kv_cache_tokens = 400000
step_time = { base = "8ms" }
"#;

fn own(name: &str, settings: &[&str]) -> Lever {
    let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
    Lever { name: name.to_owned(), sentence: String::new(), turn: Turn::Own(settings) }
}

fn fleet(name: &str, sizes: Sizes) -> Lever {
    Lever { name: name.to_owned(), sentence: String::new(), turn: Turn::Replicas(sizes) }
}

/// The study of these levers on top of a text.
fn levers(text: &str, levers: Vec<Lever>, options: &Options, threads: usize) -> LeversResult {
    let load = |sets: &[String]| -> Result<Scenario, String> {
        Ok(scenario(text, &sets.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let base = scenario(text, &[]);
    let turn = |lever| Candidate::new(lever, (&base, &[]), options, &load).expect("it can be turned");
    let candidates: Vec<Candidate> = levers.into_iter().map(turn).collect();
    let stop = AtomicBool::new(false);
    let threads = Some(threads);
    let options = options.clone();
    let inputs = LeversStudy {
        base,
        candidates,
        left_out: Vec::new(),
        options,
        load: &load,
        threads,
        progress: &|_| {},
        stop: &stop,
    };
    study(inputs).expect("runs were finished")
}

fn turned<'a>(result: &'a LeversResult, name: &str) -> &'a Turned {
    result.levers.iter().find(|turned| turned.lever.name == name).expect("it was turned")
}

/// Sixteen sequences at 8 ms a token emit 16 / 8 ms = 2,000 tokens/s (prompts cost nothing but their step): at 70 % and $3 the
/// formula's $0.595, today's price is that, and what the formula says of a price or a fleet comes true.
#[test]
fn the_formula_is_right_about_prices_and_fleets_without_a_rollout() {
    let list = vec![own("half-price", &["fleet.gpu_hour_usd=1.5"]), fleet("one-fewer", Sizes::OneFewer)];
    let result = levers(STEADY, list, &Options::default(), 2);
    assert!((result.today.saturated_rate - 2_000.0).abs() < 1e-6, "{}", result.today.saturated_rate);
    let law = 3.0 / (2_000.0 * 0.7 * 3_600.0) * 1e6;
    for metric in [Metric::UsdPerMillionOutput, Metric::Formula] {
        let (mean, error) = mean_and_error(&values(&result.base, metric));
        assert!((mean - law).abs() < 5.0 * error && error < 0.005 * law, "{metric:?}: {mean} +- {error} against {law}");
    }
    let half = turned(&result, "half-price");
    assert!((half.formula_change + 0.5).abs() < 1e-12);
    assert!((half.same.change.estimate.value + 0.5).abs() < 1e-12, "a price scales every run");
    assert_eq!(half.verdict, LeverVerdict::PaysAtOnce);
    let fewer = turned(&result, "one-fewer");
    assert!((fewer.formula_change + 0.2).abs() < 1e-12);
    // The bill falls by exactly a fifth; useful tokens differ by what is in flight at the window's ends: at most five replicas'
    // sixteen sequences of 200 tokens on either side, of 35 x 200 x 360 tokens.
    let edges = 2.0 * 5.0 * 16.0 * 200.0 / (35.0 * 200.0 * 360.0);
    assert!((fewer.same.change.estimate.value + 0.2).abs() < edges, "{:?}", fewer.same.change);
    assert!(matches!(fewer.fewest, Fewest::NotSought));
}

/// Half the step time is twice the saturated rate and half the price by the formula. On the same fleet all tokens are served
/// either way, so that the bill per token stays: the prediction is off by a factor of two.
#[test]
fn the_formula_is_off_by_a_factor_of_two_about_a_faster_engine_on_the_same_fleet() {
    let result = levers(STEADY, vec![own("half-step", &["engine.step_time.base=4ms"])], &Options::default(), 2);
    let half = turned(&result, "half-step");
    assert!((half.formula_change + 0.5).abs() < 1e-9, "{}", half.formula_change);
    let edges = 2.0 * 5.0 * 16.0 * 200.0 / (35.0 * 200.0 * 360.0);
    let change = half.same.change.estimate;
    assert!(change.value.abs() < edges, "{change:?}");
    let (low, high) = change.interval.unwrap();
    assert!(low <= change.value && change.value <= high && high - low < edges);
    // Utilization halves instead.
    let ratio = half.same.utilization.value / result.today.utilization.value;
    assert!((ratio - 0.5).abs() < edges, "{ratio}");
    // With as few replicas as users allow, the engine pays.
    assert_eq!(half.verdict, LeverVerdict::PaysResized);
}

/// The least fleet keeps the promise and one replica fewer does not, in studies of their own.
#[test]
fn the_least_fleet_is_the_least() {
    let options = Options { ttft_p99: Some(0.6), ..Options::default() };
    let result = levers(STEADY, vec![own("half-step", &["engine.step_time.base=4ms"])], &options, 2);
    assert_eq!(result.promise.ttft, Bound::Seconds(0.6));
    let ttft = |settings: &[&str]| support::study(STEADY, settings).metric(Metric::TtftP99).mean;
    let half = turned(&result, "half-step");
    for (fewest, step) in [(&result.fewest_today, "8ms"), (&half.fewest, "4ms")] {
        let point = fewest.point().expect("it was found");
        assert!(point.replicas > 1 && point.replicas < 5);
        let step = format!("engine.step_time.base={step}");
        let with = |replicas: u32| ttft(&[&step, &format!("fleet.replicas={replicas}")]);
        let kept = with(point.replicas);
        assert_eq!(kept, point.ttft, "the same runs as in a study alone");
        assert!(kept.interval.unwrap().1 <= 0.6, "{kept:?}");
        assert!(with(point.replicas - 1).interval.unwrap().1 > 0.6);
    }
    // Twice as fast an engine needs about half as many.
    let needs = |fewest: &Fewest| fewest.point().map_or(0, |point| point.replicas);
    assert!(needs(&half.fewest) < needs(&result.fewest_today));
}

/// Two levers on the price alone multiply exactly, with one another and with the least fleet.
#[test]
fn levers_that_do_not_touch_one_another_multiply() {
    let text = STEADY.replace("gpu_hour_usd = 3.0", "gpus_per_replica = 2\ngpu_hour_usd = 3.0");
    let list = vec![own("half-price", &["fleet.gpu_hour_usd=1.5"]), own("one-gpu", &["fleet.gpus_per_replica=1"])];
    let result = levers(&text, list, &Options::default(), 2);
    let together = result.together.as_ref().expect("both help");
    assert_eq!(together.names, ["half-price", "one-gpu"]);
    let point = together.fewest.point().expect("it was found");
    assert_eq!(Some(point.replicas), result.fewest_today.point().map(|today| today.replicas));
    assert!((point.change.estimate.value - together.product_change).abs() < 1e-9, "{point:?}");
    assert!((together.same.change.estimate.value + 0.75).abs() < 1e-9);
    assert_eq!(result.best().map(|(name, _)| name).as_deref(), Some("together"));
}

/// Levers whose settings undo one another: the later one's price holds for both, so that the set would be dearer than its best
/// part, which is what comes out.
#[test]
fn together_is_never_dearer_than_its_best_part() {
    let text = STEADY.replace("runs = 10", "runs = 7").replace("duration = \"6m\"", "duration = \"2m\"");
    let list = vec![
        own("third", &["fleet.gpu_hour_usd=1.0"]),
        own("half-step", &["engine.step_time.base=4ms"]),
        own("two-thirds", &["fleet.gpu_hour_usd=2.0"]),
    ];
    let result = levers(&text, list, &Options::default(), 2);
    let together = result.together.as_ref().expect("three help");
    assert_eq!(together.names, ["third", "half-step"]);
    let [dropped] = together.dropped.as_slice() else { panic!("{:?}", together.dropped) };
    let WhyDropped::Dearer { without } = &dropped.why else { panic!("{dropped:?}") };
    assert!(dropped.name == "two-thirds" && (without.estimate.value + 0.5).abs() < 1e-9, "{dropped:?}");
    let price = |fewest: &Fewest| fewest.point().map_or(f64::INFINITY, |point| point.price.value);
    for turned in &result.levers {
        assert!(price(&together.fewest) <= price(&turned.fewest) * (1.0 + 1e-9), "{}", turned.lever.name);
    }
    // Where every other lever only undoes it, one alone is left.
    let list = vec![own("third", &["fleet.gpu_hour_usd=1.0"]), own("two-thirds", &["fleet.gpu_hour_usd=2.0"])];
    let alone = levers(&text, list, &Options::default(), 2);
    assert_eq!(alone.together.as_ref().map(|together| together.names.clone()), Some(vec!["third".to_owned()]));
    assert_eq!(alone.best().map(|(name, _)| name).as_deref(), Some("third"));
    let text = LeversAnswer::new(alone).text(Style { color: false, width: 100 });
    assert!(text.contains("third alone is the cheapest") && text.contains("without two-thirds"), "{text}");
}

/// What the scenario promises beside TTFT P99 binds: its objective, a check that holds today, and the utilization asked for.
/// Each keeps a fleet larger than TTFT P99 alone would, and is named with the number that broke it.
#[test]
fn a_fleet_keeps_the_objective_the_checks_and_the_utilization() {
    let text = STEADY.replace("runs = 10", "runs = 7").replace("duration = \"6m\"", "duration = \"3m\"");
    let check = |max: f64| format!("\n[[check]]\nmetric = \"tpot_p99_s\"\nstatistic = \"mean\"\nmax = {max}\n");
    let slo = "\n[slo]\nttft = \"300ms\"\nquantile = 0.99\nbin = \"30s\"\n";
    let loose = Options { ttft_p99: Some(60.0), ..Options::default() };
    let least = |text: &str, options: &Options| {
        let result = levers(text, vec![fleet("quarter-fewer", Sizes::OneFewer)], options, 2);
        let Fewest::Found { point, stop, .. } = &result.fewest_today else { panic!("{:?}", result.fewest_today) };
        (point.replicas, stop.clone().map(|stop| stop.breaches), LeversAnswer::new(result))
    };
    let (free, ..) = least(&text, &loose);
    // The step is constant: 70 % of five replicas are 3.5, and four are 87.5 % utilized.
    assert_eq!(free, 4);
    let (bound, stop, answer) = least(&text, &Options { max_utilization: Some(0.8), ..loose.clone() });
    assert_eq!(bound, 5);
    assert!(matches!(stop.as_deref(), Some([Breach::Utilization(found)]) if found.value > 0.8), "{stop:?}");
    let said = answer.text(Style { color: false, width: 100 });
    assert!(said.contains("utilized, not within 80 %") && said.contains(" !  5 -> 4"), "{said}");
    let (bound, stop, _) = least(&format!("{text}{slo}"), &loose);
    assert_eq!(bound, 5);
    assert!(matches!(stop.as_deref(), Some([Breach::Missed(_)])), "{stop:?}");
    // With a step of its own for each sequence four replicas are slower a token than five; a check that five do not keep
    // either promises nothing.
    let sloped = text.replace("base = \"8ms\"", "base = \"4ms\", per_sequence = \"250us\"");
    let tpot = |replicas: u32| {
        let fleet = format!("fleet.replicas={replicas}");
        support::study(&sloped, &[&fleet]).metric(Metric::TpotP99).mean.value
    };
    let (four, five) = (tpot(4), tpot(5));
    assert!(four > five);
    let (bound, stop, _) = least(&format!("{sloped}{}", check(0.5 * (four + five))), &loose);
    assert_eq!(bound, 5);
    assert!(matches!(stop.as_deref(), Some([Breach::Check(found)]) if found.metric == "tpot_p99_s"), "{stop:?}");
    assert_eq!(least(&format!("{sloped}{}", check(0.9 * five)), &loose).0, least(&sloped, &loose).0);
}

/// Byte for byte the same on one thread and on three, every estimate with its interval, every waterfall adding up.
#[test]
fn the_result_does_not_depend_on_threads_and_carries_intervals() {
    let text = STEADY.replace("runs = 10", "runs = 7").replace("duration = \"6m\"", "duration = \"2m\"");
    let list = || {
        vec![
            own("half-step", &["engine.step_time.base=4ms"]),
            own("half-price", &["fleet.gpu_hour_usd=1.5"]),
            fleet("one-fewer", Sizes::OneFewer),
        ]
    };
    let [one, three] = [1, 3].map(|threads| levers(&text, list(), &Options::default(), threads));
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    let (answer, other) = (LeversAnswer::new(one.clone()), LeversAnswer::new(three));
    let (charts, others) = (answer.charts().unwrap(), other.charts().unwrap());
    assert_eq!(charts.len(), 2);
    assert!(charts.iter().zip(&others).all(|(one, other)| one.png == other.png));
    for width in [72, 100] {
        let text = answer.text(Style { color: false, width });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        assert!(text.contains("half-step") && text.contains("if resized"), "{text}");
    }
    for turned in &one.levers {
        for point in std::iter::once(&turned.same).chain(turned.fewest.point()) {
            assert!(point.price.interval.is_some() && point.change.estimate.interval.is_some());
            assert!(point.ttft.interval.is_some() && point.ttft_difference.interval.is_some());
            assert_eq!(point.runs, 7);
            let parts: f64 = point.waterfall.iter().map(|part| part.value).sum();
            assert!((parts / point.price.value - 1.0).abs() < 1e-9);
        }
    }
}

/// What a promise that nobody keeps, and an action that sets the fleet's size, do to the search.
#[test]
fn fleets_that_cannot_be_sought_are_said_to_be() {
    let text = STEADY.replace("runs = 10", "runs = 6").replace("duration = \"6m\"", "duration = \"2m\"");
    let text = text.replace("replicas = 5", "replicas = 3").replace("rate = 35.0", "rate = 20.0");
    let half = || vec![own("half-step", &["engine.step_time.base=4ms"])];
    // A token takes 8 ms at least, and 4 ms at the faster engine.
    let out_of_reach = levers(&text, half(), &Options { ttft_p99: Some(0.002), ..Options::default() }, 2);
    assert!(matches!(out_of_reach.fewest_today, Fewest::OutOfReach(Stop { replicas: 12, .. })));
    assert_eq!(turned(&out_of_reach, "half-step").verdict, LeverVerdict::BreaksBound);
    let sized = format!("{text}\n[[action]]\nat = \"1m\"\ndo = \"set_replicas\"\nreplicas = 4\n");
    let fixed = levers(&sized, vec![own("half-price", &["fleet.gpu_hour_usd=1.5"])], &Options::default(), 2);
    assert!(fixed.fixed_fleet.is_some() && matches!(fixed.fewest_today, Fewest::NotSought));
    assert_eq!(turned(&fixed, "half-price").verdict, LeverVerdict::PaysAtOnce);
    assert!(turned(&fixed, "half-price").helps().is_some());
}
