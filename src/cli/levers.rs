//! `levers`: what moves the price of a token.

use super::arguments::{Given, LeversArguments};
use super::commands::{Beside, conclude};
use super::failure::{Ending, Failure};
use super::load::{output_directory, read, scenario, variant};
use super::progress::Progress;
use super::stop::on_interrupt;
use crate::profiles;
use crate::report::LeversAnswer;
use crate::report::files::{AS_WRITTEN, check_place};
use crate::scenario::{Scenario, split_list};
use crate::study::levers::{Candidate, GPU_PRICES, LeftOut, Lever, LeversStudy, Options, Turn, catalogue, study};
use crate::units::parse_duration;

/// Most runs where the command line asks for no number of them.
const MOST_RUNS: u64 = 100;
/// Most levers that are turned together, as a rule.
const MOST_TOGETHER: u64 = 6;
/// Similarity (Jaro-Winkler) below which a name is no suggestion.
const LEAST_SIMILARITY: f64 = 0.75;

/// `cutover levers`.
///
/// # Errors
/// The scenario, a lever or another argument is wrong, no lever is left, or results cannot be written.
pub fn levers(arguments: &LeversArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let options = options(arguments)?;
    let written = scenario(&arguments.scenario, simulating)?;
    let fewer_runs = simulating.runs.is_none() && written.study.runs > MOST_RUNS;
    let base_settings = if fewer_runs { vec![format!("study.runs={MOST_RUNS}")] } else { Vec::new() };
    let load = |further: &[String]| {
        let further: Vec<String> = base_settings.iter().chain(further).cloned().collect();
        variant(&arguments.scenario, simulating, &further)
    };
    let base = if fewer_runs { load(&[])? } else { written };
    let load_or_reason = |further: &[String]| {
        let given = base_settings.iter().chain(further).map(|setting| Given::by("--set", setting));
        read(&arguments.scenario, &simulating.given().into_iter().chain(given).collect::<Vec<Given>>())
            .map_err(|problems| problems.sentences())
    };
    let (candidates, left_out) = candidates(arguments, &base, &options, &load_or_reason)?;
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let progress = Progress::begin_at_most(&base.name, most_runs(&base, candidates.len()), simulating.quiet);
    let done = |runs: u64| progress.done(runs);
    let (threads, as_written) = (simulating.threads(), base.clone());
    let result = study(LeversStudy {
        base,
        candidates,
        left_out,
        options,
        load: &load_or_reason,
        threads,
        progress: &done,
        stop,
    });
    progress.finish();
    let result = result.ok_or(Failure::InterruptedAtOnce)?;
    let partial = result.partial;
    let answer = LeversAnswer::new(result);
    let beside = (!partial).then_some(Beside { folder: AS_WRITTEN, scenario: as_written });
    let interrupted =
        conclude(&answer, Ok(Vec::new()), beside, &directory, simulating, arguments.printing.format, stop)?;
    Ok(if partial || interrupted { Ending::Interrupted } else { Ending::Well })
}

/// About as many runs as a study takes at most: every lever once, and a search for each and for today; the same for those that
/// are turned together and for each that is left out of them.
fn most_runs(base: &Scenario, levers: usize) -> u64 {
    let searches = u64::from(base.fleet.replicas.max(2).ilog2());
    let sets = if levers > 1 { 1 + (levers as u64).min(MOST_TOGETHER) } else { 0 };
    base.study.runs * (levers as u64 + 1 + sets) * (1 + searches)
}

/// Reads what the scenario does not say.
fn options(arguments: &LeversArguments) -> Result<Options, Failure> {
    let wrong = |what: String| Failure::WrongUse(format!("error: {what}"));
    let positive = |option: &str, value: Option<f64>| match value {
        Some(value) if !(value > 0.0 && value.is_finite()) => {
            Err(wrong(format!("{option}: expected a number above zero, found {value}")))
        }
        value => Ok(value),
    };
    if let Some(bits) = arguments.weight_bits.filter(|bits| ![16, 8, 4].contains(bits)) {
        return Err(wrong(format!("--weight-bits: expected 16, 8 or 4, found {bits}")));
    }
    let ttft_p99 = match &arguments.ttft_p99 {
        None => None,
        Some(text) => match parse_duration(text) {
            Ok(duration) if !duration.is_zero() => Some(duration.seconds()),
            _ => return Err(wrong(format!("--ttft-p99: expected a duration above zero such as 2s, found `{text}`"))),
        },
    };
    let max_utilization = arguments.max_utilization.as_deref().map(utilization).transpose()?;
    Ok(Options {
        max_utilization,
        weights_gigabytes: positive("--weights-gb", arguments.weights_gb)?,
        weight_bits: arguments.weight_bits,
        memory_bandwidth: positive("--memory-bandwidth", arguments.memory_bandwidth)?,
        kv_bytes_per_token: positive("--kv-bytes-per-token", arguments.kv_bytes_per_token)?,
        gpu_prices: arguments.gpu_price.iter().map(|text| gpu_price(text)).collect::<Result<_, Failure>>()?,
        ttft_p99,
    })
}

/// Reads a share of the saturated rate: `85%`.
fn utilization(text: &str) -> Result<f64, Failure> {
    let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    percent.filter(|percent| *percent > 0.0 && percent.is_finite()).map(|percent| percent / 100.0).ok_or_else(|| {
        let expected = "expected a percentage above zero such as 85%";
        Failure::WrongUse(format!("error: --max-utilization: {expected}, found `{text}`"))
    })
}

fn gpu_price(text: &str) -> Result<(String, f64), Failure> {
    let wrong = |what: String| Failure::WrongUse(format!("error: --gpu-price {text}: {what}"));
    let (gpu, usd) = text.split_once('=').ok_or_else(|| wrong("expected GPU=USD, such as b200=4.5".to_owned()))?;
    let usd = usd.trim().trim_start_matches('$').parse::<f64>().ok().filter(|usd| *usd > 0.0 && usd.is_finite());
    let usd = usd.ok_or_else(|| wrong("expected a price above zero, in USD an hour".to_owned()))?;
    let gpu = gpu.trim().to_lowercase();
    let known: Vec<&str> = GPU_PRICES.iter().map(|price| price.gpu).collect();
    let in_library = profiles::all().iter().any(|profile| profile.gpu.name == gpu);
    if in_library { Ok((gpu, usd)) } else { Err(wrong(format!("there is no such GPU{}", suggestion(&gpu, &known)))) }
}

/// `; did you mean ...?` and all names.
fn suggestion(name: &str, names: &[&str]) -> String {
    let alike = |other: &&&str| strsim::jaro_winkler(name, other);
    let nearest = names.iter().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let nearest = nearest.filter(|nearest| alike(nearest) >= LEAST_SIMILARITY);
    let meant = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
    format!("{meant}\n  = help: there are {}", names.join(", "))
}

/// The levers to turn, and those that are left out with the reason.
fn candidates(
    arguments: &LeversArguments,
    base: &Scenario,
    options: &Options,
    load: &dyn Fn(&[String]) -> Result<Scenario, String>,
) -> Result<(Vec<Candidate>, Vec<LeftOut>), Failure> {
    let mut built_in = catalogue(base, options);
    let own = arguments.lever.iter().map(|text| own_lever(text)).collect::<Result<Vec<Lever>, Failure>>()?;
    let names: Vec<String> = built_in.iter().chain(&own).map(|lever| lever.name.clone()).collect();
    if let Some((_, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(Failure::WrongUse(format!("error: there are two levers {twice:?}; give yours another name")));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for asked in arguments.only.iter().chain(&arguments.skip) {
        if !names.contains(&asked.trim()) {
            let help = suggestion(asked.trim(), &names);
            return Err(Failure::WrongUse(format!("error: there is no lever {:?}{help}", asked.trim())));
        }
    }
    let listed = |list: &[String], lever: &Lever| list.iter().any(|name| name.trim() == lever.name);
    built_in.retain(|lever| arguments.only.is_empty() || listed(&arguments.only, lever));
    let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
    for lever in built_in.into_iter().chain(own) {
        let name = lever.name.clone();
        if listed(&arguments.skip, &lever) {
            left_out.push(LeftOut { name, reason: "--skip".to_owned() });
            continue;
        }
        let is_own = matches!(&lever.turn, Turn::Own(settings) if !settings.is_empty());
        match Candidate::new(lever, (base, &[]), options, load) {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) if is_own => return Err(Failure::WrongUse(format!("error: the lever {name:?}: {reason}"))),
            Err(reason) => left_out.push(LeftOut { name, reason }),
        }
    }
    if candidates.is_empty() {
        let why: Vec<String> = left_out.iter().map(|left| format!("  {}: {}", left.name, left.reason)).collect();
        return Err(Failure::WrongUse(format!("error: no lever is left to turn\n{}", why.join("\n"))));
    }
    Ok((candidates, left_out))
}

/// Reads `NAME: KEY=VALUE, KEY=VALUE`.
fn own_lever(text: &str) -> Result<Lever, Failure> {
    let wrong = || {
        Failure::WrongUse(format!(
            "error: --lever {text}: expected NAME: KEY=VALUE, KEY=VALUE, such as `small-batch: engine.max_num_seqs=64`"
        ))
    };
    let (name, settings) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim();
    let settings = split_list(settings, ',').map_err(|_| wrong())?;
    let settings: Vec<String> = settings.iter().map(|setting| setting.trim().to_owned()).collect();
    // A name that is a setting is one whose colon stands in a value.
    if name.is_empty() || name.contains('=') || settings.iter().any(|setting| !setting.contains('=')) {
        return Err(wrong());
    }
    Ok(Lever { name: name.to_owned(), sentence: settings.join(", "), turn: Turn::Own(settings) })
}
