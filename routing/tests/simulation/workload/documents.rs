//! Attributes, and the documents of Workflows.

use routing::ids::*;
use routing::{Attributes, State};
use serde_json::{Value, json};

use super::features::SKILL_NAMES;
use super::{Workload, attributes};

impl Workload {
    pub(super) fn routing_document(&mut self, queues: &[TaskQueueId]) -> Attributes {
        let n_filters = self.random.below(4);
        let filters: Vec<Value> = (0..n_filters)
            .map(|filter| {
                let n_targets = 1 + self.random.below(3);
                let targets: Vec<Value> = (0..n_targets).map(|at| self.target(queues, at == 0)).collect();
                let expression = *self.random.pick(&self.features.filter_expressions);
                let name = if self.random.percent(50) {
                    Value::from(format!("Filter {filter}"))
                } else {
                    Value::Null
                };
                json!({ "filter_friendly_name": name, "expression": expression, "targets": targets })
            })
            .collect();
        let default_filter = if filters.is_empty() || self.random.percent(self.features.default_filter) {
            self.target(queues, true)
        } else {
            Value::Null
        };
        attributes(&json!({ "task_routing": { "filters": filters, "default_filter": default_filter } }))
    }

    fn target(&mut self, queues: &[TaskQueueId], needs_queue: bool) -> Value {
        let mut target = serde_json::Map::new();
        if needs_queue || self.random.percent(70) {
            target.insert("queue".to_owned(), json!(self.random.pick(queues)));
        }
        if self.random.percent(25) {
            let priority = *self.random.pick(&self.features.priorities);
            let text = self.random.percent(30);
            target.insert(
                "priority".to_owned(),
                if text { json!(priority.to_string()) } else { json!(priority) },
            );
        }
        if self.random.percent(self.features.steps_with_timeout) {
            target.insert("timeout".to_owned(), json!(self.random.pick(&self.features.step_timeouts)));
        }
        if self.random.percent(60) {
            target
                .insert("expression".to_owned(), json!(self.random.pick(&self.features.target_expressions)));
        }
        if self.random.percent(self.features.known_worker) {
            let (key, path) = *self.random.pick(&[
                ("known_worker_sid", "task.agent"),
                ("known_worker_friendly_name", "task.agent_name"),
            ]);
            target.insert(key.to_owned(), json!(path));
        }
        if self.random.percent(self.features.skip_if) {
            target.insert("skip_if".to_owned(), json!(self.random.pick(&self.features.skip_expressions)));
        }
        if self.random.percent(self.features.order_by) {
            target.insert("order_by".to_owned(), json!(self.random.pick(&self.features.orders)));
        }
        Value::Object(target)
    }

    pub(super) fn worker_attributes(&mut self) -> Attributes {
        let mut document = serde_json::Map::new();
        let skills: Vec<&str> = ["a", "b", "c"].into_iter().filter(|_| self.random.percent(60)).collect();
        document.insert("skills".to_owned(), json!(skills));
        if self.random.percent(90) {
            let level = self.random.below(6);
            // A number that is written as a text counts as a number.
            document.insert("level".to_owned(), if level == 3 { json!("3") } else { json!(level) });
        }
        if self.random.percent(80) {
            document.insert("language".to_owned(), json!(self.random.pick(&["en", "de", "es"])));
        }
        if self.random.percent(30) {
            document.insert("vip".to_owned(), json!(self.random.percent(50)));
        }
        if self.random.percent(15) {
            document.insert("odd".to_owned(), self.odd());
        }
        if self.random.percent(30) {
            let names: Vec<&str> = SKILL_NAMES.into_iter().filter(|_| self.random.percent(25)).collect();
            let routing = match self.random.below(8) {
                0 => self.odd(),
                1 => json!({ "skills": self.odd() }),
                2 => json!({ "skills": names, "levels": self.odd() }),
                _ => json!({ "skills": names, "levels": { "Spanish": self.random.below(5) } }),
            };
            document.insert("routing".to_owned(), routing);
        }
        attributes(&Value::Object(document))
    }

    pub(super) fn task_attributes(&mut self, state: &State) -> Attributes {
        let mut document = serde_json::Map::new();
        document.insert("kind".to_owned(), json!(self.random.pick(&["a", "b", "c", "d"])));
        if self.random.percent(60) {
            document.insert("skill".to_owned(), json!(self.random.pick(&["a", "b", "c", "d"])));
        }
        if self.random.percent(60) {
            document.insert("level".to_owned(), json!(self.random.below(6)));
        }
        if self.random.percent(40) {
            document.insert("language".to_owned(), json!(self.random.pick(&["en", "de", "fr"])));
        }
        if self.random.percent(20) {
            document.insert("urgent".to_owned(), json!(true));
        }
        if self.random.percent(50)
            && let Some(worker) = self.random.pick_value(&state.workers)
        {
            let agent = match self.random.below(8) {
                0 => Value::Null,
                1 => json!(WorkerId::minted(self.now, u64::MAX, self.tag)),
                2 => self.odd(),
                _ => json!(worker.id),
            };
            document.insert("agent".to_owned(), agent);
            let name = match self.random.below(6) {
                0 => worker.name.to_uppercase(),
                1 => "Nobody".to_owned(),
                _ => worker.name.clone(),
            };
            document.insert("agent_name".to_owned(), json!(name));
            if self.random.percent(30) {
                document.insert("excluded".to_owned(), json!([worker.id]));
            }
        }
        if self.random.percent(15) {
            document.insert("odd".to_owned(), self.odd());
        }
        attributes(&Value::Object(document))
    }

    /// What people put where something else is expected.
    fn odd(&mut self) -> Value {
        match self.random.below(8) {
            0 => Value::Null,
            1 => json!(-1.5e300),
            2 => json!(u64::MAX),
            3 => json!([[["deep"]], null, {}]),
            4 => json!({ "a-b": { "c": [1, 2] } }),
            5 => json!("ünïcödé \u{1F600} \"quoted\" \\ \n"),
            6 => json!(""),
            _ => json!("3.0"),
        }
    }
}
