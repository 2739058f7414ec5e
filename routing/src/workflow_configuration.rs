//! The routing document of a Workflow: filters, targets, timeouts.
//!
//! ```text
//! { "task_routing": {
//!     "filters": [ { "filter_friendly_name": "…", "expression": "…", "targets": [ Target, … ] }, … ],
//!     "default_filter": Target } }
//! ```
//!
//! A document is read once, when it is saved; all faults are reported together, each with its path. What is not
//! understood is kept and written back, but has no effect: documents exported from TaskRouter stay as they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attributes::Attributes;
use crate::expression::{self, Expression, Kind, OrderBy, Path};
use crate::ids::TaskQueueId;

/// The largest priority of a Task.
pub const PRIORITY_MAX: u32 = i32::MAX as u32;

/// A routing document, ready to use.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(into = "Attributes", try_from = "Attributes")]
pub struct WorkflowConfiguration {
    /// The document as it was given.
    pub document: Attributes,
    /// Tried from the first to the last; the first that is true takes the Task.
    pub filters: Vec<Filter>,
    /// Takes the Tasks that no filter wants.
    pub default_filter: Option<Target>,
}

/// Which Tasks, and where they go.
#[derive(Clone, PartialEq, Debug)]
pub struct Filter {
    /// For people and reports.
    pub name: Option<Arc<str>>,
    /// Over the attributes of the Task.
    pub expression: Expression,
    /// The steps, in order; never empty.
    pub targets: Vec<Target>,
}

/// One step: the TaskQueue to wait in, who may take the Task there, and how long it stays.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Where to wait. A step without a queue of its own inherits that of the step before.
    pub queue: TaskQueueId,
    /// The Task's priority from here on; `None` leaves it.
    pub priority: Option<u32>,
    /// How long the Task may stay; `None`: until its time to live ends.
    pub timeout_seconds: Option<u32>,
    /// Which Workers of the queue may take the Task.
    pub expression: Option<Expression>,
    /// The one Worker who may take the Task.
    pub known_worker: Option<KnownWorker>,
    /// Which of the candidates comes first; `None`: the one whose turn it is.
    pub order_by: Option<OrderBy>,
    /// Go on to the next step when nobody can be offered the Task at once, and this holds.
    pub skip_if: Option<Expression>,
}

/// Where a Task names the Worker that it is meant for.
#[derive(Clone, PartialEq, Debug)]
pub enum KnownWorker {
    /// The attribute holds the Worker's id.
    Id(Path),
    /// The attribute holds the Worker's name; capitals do not matter.
    Name(Path),
}

/// Something wrong with a document.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// Where, e.g. `["task_routing", "filters", "0", "targets", "1"]`.
    pub path: Vec<String>,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Where in the text of an expression, if the fault is a syntax error there.
    pub expression_error: Option<expression::Error>,
}

impl Fault {
    /// The path as one text: `task_routing.filters.0.targets.1`.
    #[must_use]
    pub fn path_text(&self) -> String {
        self.path.join(".")
    }
}

impl WorkflowConfiguration {
    /// Reads a document. Whether the TaskQueues exist is the caller's to check, with [`Self::queues`].
    pub fn parse(document: &Attributes) -> Result<WorkflowConfiguration, Vec<Fault>> {
        let value = document.to_value();
        let mut reader = Reader { faults: Vec::new() };
        let (filters, default_filter) = reader.document(&value);
        if reader.faults.is_empty() {
            Ok(WorkflowConfiguration { document: document.clone(), filters, default_filter })
        } else {
            Err(reader.faults)
        }
    }

    /// Every target, that of the default filter last.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.filters.iter().flat_map(|filter| &filter.targets).chain(&self.default_filter)
    }

    /// Every TaskQueue that the document names, with the path of the target.
    #[must_use]
    pub fn queues(&self) -> Vec<(TaskQueueId, Vec<String>)> {
        let steps = self.filters.iter().enumerate().flat_map(|(f, filter)| {
            filter.targets.iter().enumerate().map(move |(t, target)| {
                (
                    target.queue,
                    path(&["task_routing", "filters", &f.to_string(), "targets", &t.to_string(), "queue"]),
                )
            })
        });
        let default = self.default_filter.iter();
        steps
            .chain(default.map(|target| (target.queue, path(&["task_routing", "default_filter", "queue"]))))
            .collect()
    }
}

impl From<WorkflowConfiguration> for Attributes {
    fn from(configuration: WorkflowConfiguration) -> Attributes {
        configuration.document
    }
}

impl TryFrom<Attributes> for WorkflowConfiguration {
    type Error = String;
    fn try_from(document: Attributes) -> Result<WorkflowConfiguration, String> {
        WorkflowConfiguration::parse(&document)
            .map_err(|faults| format!("{}: {}", faults[0].path_text(), faults[0].message))
    }
}

fn path(segments: &[&str]) -> Vec<String> {
    segments.iter().map(|&segment| segment.to_owned()).collect()
}

/// Walks through a document and collects the faults.
struct Reader {
    faults: Vec<Fault>,
}

/// What a later target of the same filter takes over.
type Inherited = Option<TaskQueueId>;

impl Reader {
    fn document(&mut self, value: &Value) -> (Vec<Filter>, Option<Target>) {
        let at = path(&["task_routing"]);
        let Some(routing) = value.get("task_routing") else {
            self.fault(&at, "is missing: expected an object with \"filters\" and \"default_filter\"");
            return (Vec::new(), None);
        };
        let Some(routing) = self.object(&at, routing) else { return (Vec::new(), None) };

        let mut filters = Vec::new();
        match routing.get("filters") {
            None | Some(Value::Null) => {}
            Some(Value::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    let at = path(&["task_routing", "filters", &index.to_string()]);
                    filters.extend(self.filter(&at, entry));
                }
            }
            Some(_) => self.fault(&below(&at, "filters"), "expected a list of filters"),
        }

        let default_filter = match routing.get("default_filter") {
            None | Some(Value::Null) => None,
            Some(entry) => {
                let target = self.target(&below(&at, "default_filter"), entry, None);
                // The default filter is never left by time, so a timeout there means nothing.
                target.map(|target| Target { timeout_seconds: None, ..target })
            }
        };

        if routing.get("filters").is_none() && routing.get("default_filter").is_none() {
            self.fault(&at, "expected \"filters\", \"default_filter\" or both");
        }
        (filters, default_filter)
    }

    fn filter(&mut self, at: &[String], value: &Value) -> Option<Filter> {
        let filter = self.object(at, value)?;
        let expression = match filter.get("expression") {
            Some(Value::String(text)) => self.expression(&below(at, "expression"), Kind::Filter, text),
            _ => {
                self.fault(
                    &below(at, "expression"),
                    "expected an expression over the attributes of the Task",
                );
                None
            }
        };

        let mut targets = Vec::new();
        match filter.get("targets") {
            Some(Value::Array(entries)) if !entries.is_empty() => {
                let mut inherited: Inherited = None;
                for (index, entry) in entries.iter().enumerate() {
                    let at = below(&below(at, "targets"), &index.to_string());
                    if let Some(target) = self.target(&at, entry, inherited) {
                        inherited = Some(target.queue);
                        targets.push(target);
                    }
                }
            }
            _ => self.fault(&below(at, "targets"), "expected a list of at least one target"),
        }

        // Old documents say `friendly_name`; where both stand, it wins, as in TaskRouter's own libraries.
        let names = ["friendly_name", "filter_friendly_name", "friendlyName", "filterFriendlyName"];
        let name = names.iter().find_map(|key| filter.get(*key)?.as_str()).map(Arc::from);
        Some(Filter { name, expression: expression?, targets })
    }

    fn target(&mut self, at: &[String], value: &Value, inherited: Inherited) -> Option<Target> {
        let target = self.object(at, value)?;
        let faults_before = self.faults.len();

        let queue = match target.get("queue") {
            None | Some(Value::Null) => {
                if inherited.is_none() {
                    self.fault(&below(at, "queue"), "expected the id of a TaskQueue: WQ and 32 hex digits");
                }
                inherited
            }
            Some(Value::String(id)) if id.parse::<TaskQueueId>().is_ok() => id.parse().ok(),
            Some(other) => {
                let message = format!("{other} is not the id of a TaskQueue: expected WQ and 32 hex digits");
                self.fault(&below(at, "queue"), &message);
                None
            }
        };
        let priority = self.integer(
            at,
            target.get("priority").or_else(|| target.get("Priority")),
            "priority",
            0,
            PRIORITY_MAX,
        );
        let timeout_seconds = self.integer(at, target.get("timeout"), "timeout", 1, u32::MAX);
        let expression = match target.get("expression") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => self.expression(&below(at, "expression"), Kind::Target, text),
            Some(_) => {
                self.fault(&below(at, "expression"), "expected an expression over task.… and worker.…");
                None
            }
        };
        let known_worker = self.known_worker(at, target);
        let order_by = match target.get("order_by") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => self.order_by(&below(at, "order_by"), text),
            Some(_) => {
                self.fault(
                    &below(at, "order_by"),
                    "expected keys of the Worker: worker.level DESC, worker.rank",
                );
                None
            }
        };
        let skip_if = match target.get("skip_if") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => self.expression(&below(at, "skip_if"), Kind::SkipIf, text),
            Some(_) => {
                self.fault(
                    &below(at, "skip_if"),
                    "expected an expression over workers.…, such as workers.available == 0",
                );
                None
            }
        };

        let step =
            |queue| Target { queue, priority, timeout_seconds, expression, known_worker, order_by, skip_if };
        // A queue that is known lets the targets that inherit it be checked, too, where there are faults.
        debug_assert!(queue.is_some() || self.faults.len() > faults_before);
        queue.map(step)
    }

    fn known_worker(&mut self, at: &[String], target: &Map<String, Value>) -> Option<KnownWorker> {
        let (by_id, by_name) = (target.get("known_worker_sid"), target.get("known_worker_friendly_name"));
        let (key, value) = match (by_id, by_name) {
            (None | Some(Value::Null), None | Some(Value::Null)) => return None,
            (Some(value), None | Some(Value::Null)) => ("known_worker_sid", value),
            (None | Some(Value::Null), Some(value)) => ("known_worker_friendly_name", value),
            (Some(_), Some(_)) => {
                self.fault(at, "expected either known_worker_sid or known_worker_friendly_name, not both");
                return None;
            }
        };
        let path = value.as_str().and_then(|text| Path::parse(text).ok()?.strip_prefix("task"));
        match path {
            Some(path) if key == "known_worker_sid" => Some(KnownWorker::Id(path)),
            Some(path) => Some(KnownWorker::Name(path)),
            None => {
                self.fault(
                    &below(at, key),
                    "expected the path of an attribute of the Task, such as task.agent",
                );
                None
            }
        }
    }

    fn expression(&mut self, at: &[String], kind: Kind, text: &str) -> Option<Expression> {
        self.parsed(at, Expression::parse(kind, text))
    }

    fn order_by(&mut self, at: &[String], text: &str) -> Option<OrderBy> {
        self.parsed(at, OrderBy::parse(text))
    }

    fn parsed<T>(&mut self, at: &[String], parsed: Result<T, expression::Error>) -> Option<T> {
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let message = error.to_string();
                self.faults.push(Fault { path: at.to_vec(), message, expression_error: Some(error) });
                None
            }
        }
    }

    /// An integer, also written as a string, as exported documents have it.
    fn integer(
        &mut self,
        at: &[String],
        value: Option<&Value>,
        key: &str,
        min: u32,
        max: u32,
    ) -> Option<u32> {
        let value = match value {
            None | Some(Value::Null) => return None,
            Some(value) => value,
        };
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let in_range =
            number.and_then(|number| u32::try_from(number).ok()).filter(|n| (min..=max).contains(n));
        if in_range.is_none() {
            self.fault(&below(at, key), &format!("{value} is not an integer from {min} to {max}"));
        }
        in_range
    }

    fn object<'a>(&mut self, at: &[String], value: &'a Value) -> Option<&'a Map<String, Value>> {
        if !value.is_object() {
            self.fault(at, "expected an object");
        }
        value.as_object()
    }

    fn fault(&mut self, at: &[String], message: &str) {
        self.faults.push(Fault { path: at.to_vec(), message: message.to_owned(), expression_error: None });
    }
}

fn below(at: &[String], key: &str) -> Vec<String> {
    at.iter().cloned().chain([key.to_owned()]).collect()
}
