//! How long the longest expressions take: `cargo bench -p routing --bench expressions`.
//!
//! Each shape is measured at a quarter of the allowed length and at the whole. Four times the text should take about
//! four times as long; what takes much more would be a way to hold the server up.

#![allow(clippy::disallowed_methods)] // A benchmark looks at the clock.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use routing::expression::{
    ChannelFacts, Expression, Facts, Kind, NESTING_MAX, SOURCE_CHARACTERS_MAX, TaskFacts, WorkerFacts,
};
use serde_json::{Value, json};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let worker = Someone { attributes: attributes() };
    for (name, shape) in SHAPES {
        let mut group = criterion.benchmark_group(*name);
        for length in [SOURCE_CHARACTERS_MAX / 4, SOURCE_CHARACTERS_MAX] {
            let source = shape(length);
            assert!(source.chars().count() <= length, "{name}");
            group.bench_function(BenchmarkId::new("parse", length), |bencher| {
                bencher.iter(|| black_box(Expression::parse(Kind::Queue, black_box(&source)).is_ok()));
            });
            let Ok(expression) = Expression::parse(Kind::Queue, &source) else { continue };
            let facts = Facts {
                task: TaskFacts::None,
                worker: Some(&worker),
                workers: None,
                now_ms: 1_709_210_096_000,
            };
            group.bench_function(BenchmarkId::new("evaluate", length), |bencher| {
                bencher.iter(|| black_box(expression.is_true(black_box(&facts))));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

type Shape = fn(usize) -> String;

/// Texts of about a length, each of which could be the worst in its way. The last ones are errors.
const SHAPES: &[(&str, Shape)] = &[
    ("conditions that are all looked at", |length| joined("a == 1", " OR ", length)),
    ("searches in the longest list", |length| joined("l HAS 1", " OR ", length)),
    ("searches in texts", |length| joined("t CONTAINS 'z'", " OR ", length)),
    ("comparisons of a list with lists", |length| joined("l IN [1,2,3]", " OR ", length)),
    ("paths", |length| joined("d.d.d.d.d.d.d.d == 1", " OR ", length)),
    ("one list", |length| format!("x IN [{}]", joined("1", ",", length - 7))),
    ("one text", |length| format!("x == '{}'", "\\'".repeat((length - 7) / 2))),
    ("parentheses", |length| {
        let inner = format!("{}a == 1{}", "(".repeat(NESTING_MAX), ")".repeat(NESTING_MAX));
        joined(&inner, " AND ", length)
    }),
    ("no end of a text", |length| format!("x == '{}", "a".repeat(length - 6))),
    ("no end of parentheses", |length| "(".repeat(length)),
    ("no end of a list", |length| format!("x IN [{}", joined("1", ",", length - 6))),
    ("nonsense at the end", |length| format!("{} %", joined("a == 1", " OR ", length - 2))),
];

fn joined(part: &str, separator: &str, length: usize) -> String {
    let n = (length + separator.len()) / (part.len() + separator.len());
    vec![part; n].join(separator)
}

/// As much as a Worker's attributes may hold.
fn attributes() -> Value {
    let list: Vec<u32> = vec![7; 900];
    let text = "y".repeat(2_000);
    json!({ "a": 2, "l": list, "t": text, "d": { "d": { "d": { "d": { "d": { "d": { "d": { "d": 2 } } } } } } } })
}

struct Someone {
    attributes: Value,
}

impl WorkerFacts for Someone {
    fn attributes(&self) -> &Value {
        &self.attributes
    }

    fn id(&self) -> &str {
        "WK00000000000000000000000000000001"
    }

    fn name(&self) -> &str {
        "Ann"
    }

    fn activity_id(&self) -> Cow<'_, str> {
        "WA00000000000000000000000000000001".into()
    }

    fn activity_name(&self) -> &str {
        "Available"
    }

    fn channel(&self, _: &str) -> Option<ChannelFacts> {
        None
    }
}
