//! `[analysis.NAME]`.

use super::kind::{DURATION, Kind, POSITIVE_DURATION, PROBABILITY, QUANTILE, Reals, word};
use super::{Key, Need, Table, When};

/// Most measurements, limits and samples.
const MOST: i64 = 1_000_000_000;
/// Ratios to stable's value.
const RATIO: Kind = Kind::Real(Reals::positive(1e15));
/// A value of the metric.
const METRIC_VALUE: Kind = Kind::Either(&[DURATION, PROBABILITY]);
/// The estimators that bound a value.
const BY_VALUE: When = When::With("estimator", &["exact", "prometheus"]);
const MANN_WHITNEY: When = When::With("estimator", &["mann_whitney"]);

pub(super) static ANALYSIS: Table = Table {
    path: "analysis.NAME",
    title: "An analysis: what is measured of the new version, and what a measurement must not exceed",
    intro: "Blue-greens and canaries name them. An analysis reads what a real controller would read, per attempt, from \
            arrival at the replica. With `estimator = \"exact\"` it sees the truth; with `\"prometheus\"` what a Prometheus \
            server would, from scraped histogram buckets over a rate window, with all its coarseness; with \
            `\"mann_whitney\"` it judges as Kayenta does: is the new version surely higher than stable? Then `tolerance` \
            and `max_ratio_to_stable` bound the shift, and `min_samples` counts points of each version ([model](model.md)).",
    keys: &[
        Key::needed(
            "metric",
            Kind::Choice(&[
                word("ttft", "time to first token"),
                word("tpot", "time from one token to the next"),
                word("e2e", "time to the last token"),
                word("error_rate", "share of attempts that fail"),
                word("truncation_rate", "share of attempts that are cut after their first token"),
                word("queue_time", "time until the replica admits it"),
            ]),
            "What is measured.",
        )
        .example("\"ttft\""),
        Key::value("quantile", QUANTILE, "0.99", "Which quantile of a latency.")
            .only(&[When::With("metric", &["ttft", "tpot", "e2e", "queue_time"])]),
        Key::words(
            "max",
            METRIC_VALUE,
            "`max_ratio_to_stable` instead",
            "A measurement up to this succeeds: a duration for a latency, a share for a rate.",
        )
        .example("\"2s\"")
        .only(&[BY_VALUE, When::Without("max_ratio_to_stable")]),
        Key::words(
            "max_ratio_to_stable",
            RATIO,
            "`max` instead; 1.0 with `mann_whitney`",
            "A measurement up to so many times stable's succeeds; with `mann_whitney`, the ratio of the means up to which nothing fails.",
        )
        .example("1.2"),
        Key::words(
            "fail_above",
            METRIC_VALUE,
            "what exceeds `max` fails",
            "Beyond this a measurement fails; between `max` and this it is inconclusive.",
        )
        .example("\"3s\"")
        .only(&[BY_VALUE, When::Without("max_ratio_to_stable")]),
        Key::words(
            "fail_above_ratio_to_stable",
            RATIO,
            "what exceeds `max_ratio_to_stable` fails",
            "The same, with the ratio.",
        )
        .example("1.5")
        .only(&[BY_VALUE, When::Without("max")]),
        Key::value("interval", Kind::Duration("100ms", ""), "\"60s\"", "Between measurements."),
        Key::words(
            "count",
            Kind::Whole(1, MOST),
            "it goes on until what it runs beside is done",
            "Measurements until it passes; needed wherever a verdict is waited for.",
        )
        .example("5"),
        Key::value("failure_limit", Kind::Whole(-1, MOST), "0", "Failed measurements that are tolerated; -1: any number."),
        Key::value(
            "consecutive_success_limit",
            Kind::Whole(0, MOST),
            "0",
            "Successes in a row by which it passes at once, and without which it does not; 0: off.",
        ),
        Key::value("inconclusive_limit", Kind::Whole(0, MOST), "0", "Inconclusive measurements that are tolerated."),
        Key::value("consecutive_error_limit", Kind::Whole(0, MOST), "4", "Errors in a row that are tolerated."),
        Key::value("initial_delay", DURATION, "\"0s\"", "Before the first measurement.").example("\"60s\""),
        Key::words("window", POSITIVE_DURATION, "as `interval`", "What a measurement looks back on.").example("\"5m\""),
        Key::value("min_samples", Kind::Whole(0, MOST), "0", "Fewer in the window are no data.").example("50"),
        Key::value("dry_run", Kind::Boolean, "false", "Whether it only looks on: its verdict is told, and decides nothing."),
        Key::value(
            "no_data",
            Kind::Choice(&[
                word("success", "no data is a success"),
                word("error", "no data is an error, as Argo's own where a query finds nothing"),
                word("inconclusive", "no data is inconclusive"),
            ]),
            "\"success\"",
            "What a measurement without data counts as.",
        ),
        Key::value(
            "estimator",
            Kind::Choice(&[
                word("exact", "the truth"),
                word("prometheus", "what scraped histogram buckets show"),
                word("mann_whitney", "Kayenta's comparison with stable"),
            ]),
            "\"exact\"",
            "How the metric is read.",
        ),
        Key::value(
            "scrape_interval",
            Kind::Duration("100ms", ""),
            "\"15s\"",
            "Between scrapes; the same in all of them, and at most half a window.",
        )
        .only(&[When::With("estimator", &["prometheus"])]),
        Key::value("step", POSITIVE_DURATION, "\"60s\"", "Of the window, for each point of a version; a window has 2 to 1000.").only(&[MANN_WHITNEY]),
        Key::value("confidence", QUANTILE, "0.98", "Two-sided confidence of the interval of the shift.").only(&[MANN_WHITNEY]),
        Key::value("tolerance", PROBABILITY, "0.25", "Share of the shift that the interval must stay above.").only(&[MANN_WHITNEY]),
    ],
    needs: &[Need::one(&["max", "max_ratio_to_stable"]).when(BY_VALUE)],
    example: "[analysis.ttft]\nmetric = \"ttft\"\nquantile = 0.99\nmax = \"2s\"\nfail_above = \"3s\"\ninterval = \"60s\"\n\
              count = 5\ninitial_delay = \"60s\"\nwindow = \"5m\"\nmin_samples = 50\nno_data = \"success\"\n\
              estimator = \"prometheus\"\nscrape_interval = \"15s\"\n\n[analysis.errors]\nmetric = \"error_rate\"\n\
              max = 0.01                            # a share: 1 %\n\n\
              [analysis.judge]                      # as Kayenta: is the new version surely higher than stable?\n\
              metric = \"e2e\"\nquantile = 0.5\nestimator = \"mann_whitney\"\nstep = \"30s\"\nwindow = \"30m\"\n\
              min_samples = 50\ninterval = \"30m\"\ncount = 1",
};
