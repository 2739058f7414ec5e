//! Runs every scenario of `tests/scenarios`. On failure, the report is the message.

use std::path::Path;

/// Scenarios may be renamed and joined, but they do not get fewer by accident.
const SCENARIOS_MIN: usize = 180;

#[test]
fn every_scenario_goes_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let report = scenarios::run_all(&[folder]);
    println!("{report}");
    assert!(report.has_passed(), "\n{report}");
    assert!(report.outcomes.len() >= SCENARIOS_MIN, "there are only {} scenarios", report.outcomes.len());
}
