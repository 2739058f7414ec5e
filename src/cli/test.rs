//! `test`: routing tests in YAML, with a virtual clock.

use std::path::PathBuf;
use std::process::ExitCode;

use switchyard::config::setting;

use super::{Format, exit_code, print};

/// Run routing tests: set-ups and stories in YAML, with a virtual clock, without a server or a database.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Files, and directories in which every *.yaml is run.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// How the report is printed: text or json.
    #[arg(long, default_value = "text", value_parser = setting(str::parse::<Format>))]
    format: Format,
}

impl Test {
    /// Runs all of them and prints the report.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Test { files, format } = self;
        let report = scenarios::run_all(&files);
        match format {
            Format::Text => print(&report.to_string())?,
            Format::Json => print(&format!("{:#}", report.to_json()))?,
        }
        Ok(exit_code(report.has_passed()))
    }
}
