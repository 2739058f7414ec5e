//! `check`: what is wrong or suspicious about routing documents, without a server.
//!
//! The faults are those for which a server refuses a document, but for one: which TaskQueues exist is known to the
//! server alone.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use routing::Attributes;
use routing::expression;
use routing::warnings::{self, Warning};
use routing::workflow_configuration::{Fault, WorkflowConfiguration};
use serde::Serialize;
use serde_json::Value;
use switchyard::config::setting;

use super::{Format, exit_code, print, visible};

/// Check routing documents of Workflows.
///
/// A document is JSON as TaskRouter exports it: {"task_routing": …}, or a whole Workflow with the document in its
/// configuration. Whether the TaskQueues exist is not checked.
///
/// The exit code is 1 when there is an error in any of the files, or a warning with --deny-warnings.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Exit with 1 for warnings, too.
    #[arg(long)]
    deny_warnings: bool,

    /// How the report is printed: text or json.
    #[arg(long, default_value = "text", value_parser = setting(str::parse::<Format>))]
    format: Format,
}

/// All files.
#[derive(Serialize)]
struct Report {
    files: Vec<Checked>,
}

/// One file.
#[derive(Serialize)]
struct Checked {
    file: String,
    errors: Vec<Remark>,
    warnings: Vec<Remark>,
}

/// Something about a document.
#[derive(Serialize)]
struct Remark {
    /// Only warnings have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Where in the document, such as `task_routing.filters.0`; empty for the document as a whole.
    path: String,
    message: String,
    /// In the text at `path`: of the expression, or of the whole file.
    #[serde(flatten)]
    position: Option<Position>,
}

#[derive(Clone, Copy, Serialize)]
struct Position {
    line: u32,
    column: u32,
}

impl Check {
    /// Checks every file and prints what was found.
    pub fn run(self, document_bytes_max: usize) -> anyhow::Result<ExitCode> {
        let Check { files, deny_warnings, format } = self;
        let files = files.iter().map(|file| Checked::of(file, document_bytes_max)).collect();
        let report = Report { files };
        match format {
            Format::Text => print(&report.to_string())?,
            Format::Json => print(&serde_json::to_string(&report)?)?,
        }
        let is_denied = deny_warnings && report.n_warnings() > 0;
        Ok(exit_code(report.n_errors() == 0 && !is_denied))
    }
}

impl Report {
    fn n_errors(&self) -> usize {
        self.files.iter().map(|file| file.errors.len()).sum()
    }

    fn n_warnings(&self) -> usize {
        self.files.iter().map(|file| file.warnings.len()).sum()
    }
}

impl Checked {
    fn of(file: &Path, document_bytes_max: usize) -> Checked {
        let mut checked =
            Checked { file: file.display().to_string(), errors: Vec::new(), warnings: Vec::new() };
        match read(file).and_then(|text| routing_document(&text)) {
            Ok(document) => checked.look_over(&document, document_bytes_max),
            Err(remark) => checked.errors.push(remark),
        }
        checked
    }

    fn look_over(&mut self, document: &Value, bytes_max: usize) {
        let Some(attributes) = Attributes::of(document) else {
            let levels = routing::attributes::NESTING_MAX;
            self.errors.push(Remark::error("", format!("expected a JSON object of at most {levels} levels")));
            return;
        };
        let bytes = attributes.as_str().len();
        if bytes > bytes_max {
            let message = format!("the document has {bytes} bytes, of at most {bytes_max}");
            self.errors.push(Remark::error("", message));
        }
        if let Err(faults) = WorkflowConfiguration::parse(&attributes) {
            self.errors.extend(faults.into_iter().map(Remark::from));
        }
        self.warnings.extend(warnings::of_document(document).into_iter().map(Remark::from));
    }
}

/// The content of a file, or of standard input.
fn read(file: &Path) -> Result<Vec<u8>, Remark> {
    let mut content = Vec::new();
    let outcome = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut content))
    };
    outcome.map(|_| content).map_err(|error| Remark::error("", format!("cannot be read: {error}")))
}

/// The routing document in a text. The Workflows of TaskRouter's API hold it as a text in a text.
fn routing_document(text: &[u8]) -> Result<Value, Remark> {
    let mut value: Value = serde_json::from_slice(text).map_err(|error| Remark::no_json("", &error))?;
    if value.get("task_routing").is_some() {
        return Ok(value);
    }
    match value.get_mut("configuration").map(Value::take) {
        None => Ok(value),
        Some(Value::String(text)) => {
            serde_json::from_str(&text).map_err(|error| Remark::no_json("configuration", &error))
        }
        Some(document) => Ok(document),
    }
}

impl Remark {
    fn error(path: &str, message: String) -> Remark {
        Remark { code: None, path: path.to_owned(), message, position: None }
    }

    fn no_json(path: &str, error: &serde_json::Error) -> Remark {
        let from_one = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let position = Position { line: from_one(error.line()), column: from_one(error.column()) };
        Remark { position: Some(position), ..Remark::error(path, format!("is not JSON: {error}")) }
    }
}

impl From<Fault> for Remark {
    fn from(fault: Fault) -> Remark {
        let error = fault.expression_error.as_ref();
        let position = error.map(|error| Position { line: error.line, column: error.column });
        Remark { code: None, path: fault.path_text(), message: fault.message, position }
    }
}

impl From<Warning> for Remark {
    fn from(warning: Warning) -> Remark {
        let position =
            warning.position.map(|expression::Position { line, column }| Position { line, column });
        let (code, path) = (Some(warning.code.as_str()), warning.path_text());
        Remark { code, path, message: warning.message, position }
    }
}

/// A line for each remark and a last one with their numbers.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { file, errors, warnings } in &self.files {
            for error in errors {
                writeln!(f, "{}: error: {error}", visible(file))?;
            }
            for warning in warnings {
                writeln!(f, "{}: warning: {warning}", visible(file))?;
            }
        }
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        write!(
            f,
            "{}: {}, {}",
            count(self.files.len(), "file"),
            count(self.n_errors(), "error"),
            count(self.n_warnings(), "warning")
        )
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remark { code, path, message, position } = self;
        if !path.is_empty() {
            write!(f, "{}: ", visible(path))?;
        }
        // The message of an error names the position itself.
        if let (Some(_), Some(Position { line, column })) = (code, position) {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&visible(message))?;
        code.map_or(Ok(()), |code| write!(f, " [{code}]"))
    }
}
