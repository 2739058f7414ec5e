//! `switchyard test`: routing tests in YAML, with a virtual clock.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub struct Test {
    /// Files, and directories in which every *.yaml is run.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Test {
    /// Prints the report. Something that is not as expected is the error, so that the process ends with 1.
    pub fn run(&self) -> anyhow::Result<()> {
        let report = scenarios::run_all(&self.files);
        super::print(&match self.format {
            Format::Text => report.to_string(),
            Format::Json => format!("{:#}", report.to_json()),
        })?;
        let (n_failed, n_all) = (report.n_failed(), report.outcomes.len());
        anyhow::ensure!(report.has_passed(), "{n_failed} of {n_all} routing tests failed");
        Ok(())
    }
}
