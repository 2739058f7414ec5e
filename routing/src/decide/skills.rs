//! Skills, and who has them.
//!
//! To give a Worker a Skill is to write it into the Worker's attributes, where expressions look for it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::check::{self, user};
use crate::attributes::Attributes;
use crate::command::{AssignSkill, CreateSkill, DeleteSkill, UnassignSkill, UpdateSkill};
use crate::event::Event;
use crate::ids::{Id, SkillId, WorkerId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::skill::{self, LEVEL_MAX, Levels, Skill};
use crate::state::{TargetWorkers, TaskQueue, Worker, Workflow};

impl Router {
    pub(super) fn create_skill(&mut self, command: CreateSkill) -> Result<(), Rejection> {
        let CreateSkill { id, name, minimum_level, maximum_level } = command;
        check::unused(&self.state.skills, id)?;
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.skill_named(&name).map(|skill| skill.id), &name)?;
        check::room(self.state.skills.len(), self.limits.skills_max, "Skills in the Workspace")?;
        let levels = levels(minimum_level, maximum_level)?;
        check_level_can_be_named(&name, levels, "name")?;
        let skill = Skill { id, name, levels, version: 1, created_at: self.now, updated_at: self.now };
        self.emit(Event::SkillCreated { skill: Arc::new(skill) });
        Ok(())
    }

    pub(super) fn update_skill(&mut self, command: UpdateSkill) -> Result<(), Rejection> {
        let UpdateSkill { id, expected_version, name, minimum_level, maximum_level } = command;
        let old = self.skill(id, "skillId")?;
        check::version(SkillId::KIND, expected_version, old.version)?;
        let mut new = Skill::clone(&old);
        // Whichever of the two is new is at fault where they do not suit each other.
        let mut at_fault = "minimumLevel";
        if let Some(name) = name {
            new.name = check::name(&name, "name")?;
            check::unique(id, self.state.skill_named(&new.name).map(|skill| skill.id), &new.name)?;
            at_fault = "name";
        }
        new.levels = levels(
            minimum_level.unwrap_or(old.levels.map(|levels| levels.minimum)),
            maximum_level.unwrap_or(old.levels.map(|levels| levels.maximum)),
        )?;
        check_level_can_be_named(&new.name, new.levels, at_fault)?;
        if new.name != old.name {
            self.check_skill_unused(&old, "renamed")?;
        }
        if new != *old {
            new.version += 1;
            new.updated_at = self.now;
            self.emit(Event::SkillUpdated { skill: Arc::new(new) });
        }
        Ok(())
    }

    pub(super) fn delete_skill(&mut self, command: DeleteSkill) -> Result<(), Rejection> {
        let DeleteSkill { id, expected_version } = command;
        let skill = self.skill(id, "id")?;
        check::version(SkillId::KIND, expected_version, skill.version)?;
        self.check_skill_unused(&skill, "deleted")?;
        self.emit(Event::SkillDeleted { skill });
        Ok(())
    }

    pub(super) fn assign_skill(&mut self, command: AssignSkill) -> Result<(), Rejection> {
        let AssignSkill { worker, skill, expected_version, level } = command;
        let worker = self.worker(worker, "workerId")?;
        let skill = self.skill(skill, "skillId")?;
        check::version(WorkerId::KIND, expected_version, worker.version)?;
        check_level(&skill, level)?;
        self.rewrite_skills(&worker, |written| {
            if !written.skills.iter().any(|name| *name == *skill.name) {
                written.skills.push(skill.name.as_str().into());
            }
            match level {
                Some(level) => drop(written.levels.insert(skill.name.clone(), level.into())),
                // Left over from when the Skill had levels, or from another program.
                None => drop(written.levels.shift_remove(&skill.name)),
            }
        })
    }

    pub(super) fn unassign_skill(&mut self, command: UnassignSkill) -> Result<(), Rejection> {
        let UnassignSkill { worker, skill, expected_version } = command;
        let worker = self.worker(worker, "workerId")?;
        let skill = self.skill(skill, "skillId")?;
        check::version(WorkerId::KIND, expected_version, worker.version)?;
        self.rewrite_skills(&worker, |written| {
            written.skills.retain(|name| *name != *skill.name);
            written.levels.shift_remove(&skill.name);
        })
    }

    /// Writes the attributes of a Worker anew, where that changes them. Everything else in them stays.
    fn rewrite_skills(
        &mut self,
        worker: &Arc<Worker>,
        change: impl FnOnce(&mut Written),
    ) -> Result<(), Rejection> {
        let mut document = worker.attributes.to_value();
        let before = Written::of(&document)?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        after.put_into(&mut document, &before);
        let attributes =
            Attributes::of(&document).expect("an object, and nowhere deeper than it was or may be");
        let limit = self.limits.attributes_characters_max;
        if attributes.characters() > limit {
            let what = "the attributes of the Worker would be too long, in characters";
            return Err(Rejection::LimitExceeded { what, limit, field: None });
        }
        let (version, updated_at) = (worker.version + 1, self.now);
        let worker = Worker { attributes, version, updated_at, ..Worker::clone(worker) };
        self.emit(Event::WorkerAttributesUpdate { worker: Arc::new(worker) });
        Ok(())
    }

    /// Refuses where a Worker has the Skill or an expression names it. Workers are many, but Skills come and go rarely.
    fn check_skill_unused(&self, skill: &Skill, action: &'static str) -> Result<(), Rejection> {
        let state = &self.state;
        let queues = state.lookups.task_queue_names.values().map(|id| &state.task_queues[id]);
        let queues = queues.filter(|queue| queue_names(queue, &skill.name));
        let workflows = state.lookups.workflow_names.values().map(|id| &state.workflows[id]);
        let workflows = workflows.filter(|workflow| workflow_names(workflow, &skill.name));
        let workers = state.lookups.worker_names.values().map(|id| &state.workers[id]);
        let workers = workers.filter(|worker| skill.is_assigned_to(worker));
        // Expressions first: they are few, and have to be changed one by one.
        let users = queues
            .map(|queue| user(queue.id, Some(&queue.name), "names it"))
            .chain(workflows.map(|workflow| user(workflow.id, Some(&workflow.name), "names it")))
            .chain(workers.map(|worker| user(worker.id, Some(&worker.name), "has it")));
        check::not_in_use(SkillId::KIND, action, users)
    }
}

/// What the attributes of a Worker say about skills.
#[derive(Clone, PartialEq)]
struct Written {
    /// `routing.skills`; names, and whatever else somebody has put there.
    skills: Vec<Value>,
    /// `routing.levels`.
    levels: Map<String, Value>,
}

impl Written {
    /// NULL is as good as nothing; anything else of another type is not overwritten.
    fn of(document: &Value) -> Result<Written, Rejection> {
        let missing = Value::Null;
        let member = |value: &'_ Value, key| value.get(key).cloned().unwrap_or_default();
        let routing = match document.get("routing").unwrap_or(&missing) {
            routing @ (Value::Object(_) | Value::Null) => routing,
            _ => return Err(misshapen("routing", "an object")),
        };
        let skills = match member(routing, "skills") {
            Value::Array(skills) => skills,
            Value::Null => Vec::new(),
            _ => return Err(misshapen("routing.skills", "a list")),
        };
        let levels = match member(routing, "levels") {
            Value::Object(levels) => levels,
            Value::Null => Map::new(),
            _ => return Err(misshapen("routing.levels", "an object")),
        };
        Ok(Written { skills, levels })
    }

    /// What has not changed stays as it is written.
    fn put_into(self, document: &mut Value, before: &Written) {
        let document = document.as_object_mut().expect("attributes are an object");
        let routing = document.entry("routing").or_insert(Value::Null);
        if routing.is_null() {
            *routing = Value::Object(Map::new());
        }
        let routing = routing.as_object_mut().expect("looked at before");
        if self.skills != before.skills {
            routing.insert("skills".to_owned(), Value::Array(self.skills));
        }
        if self.levels != before.levels {
            routing.insert("levels".to_owned(), Value::Object(self.levels));
        }
    }
}

fn misshapen(path: &str, expected: &str) -> Rejection {
    let message = format!(
        "the attribute {path} of the Worker is not {expected}, so that no Skill can be written there: \
         correct the attributes first"
    );
    check::bad_input("workerId", message)
}

/// Both or neither, and in order.
fn levels(minimum: Option<u32>, maximum: Option<u32>) -> Result<Option<Levels>, Rejection> {
    let (minimum, maximum) = match (minimum, maximum) {
        (None, None) => return Ok(None),
        (Some(minimum), Some(maximum)) => (minimum, maximum),
        (Some(_), None) => {
            return Err(check::bad_input(
                "maximumLevel",
                "a Skill has both a minimumLevel and a maximumLevel, or neither",
            ));
        }
        (None, Some(_)) => {
            return Err(check::bad_input(
                "minimumLevel",
                "a Skill has both a minimumLevel and a maximumLevel, or neither",
            ));
        }
    };
    check::range(minimum, 0, LEVEL_MAX, "minimumLevel")?;
    check::range(maximum, 0, LEVEL_MAX, "maximumLevel")?;
    if minimum > maximum {
        let message = format!("the maximumLevel {maximum} is below the minimumLevel {minimum}");
        return Err(check::bad_input("maximumLevel", message));
    }
    Ok(Some(Levels { minimum, maximum }))
}

/// Expressions name a level by a key, so the name must be one.
fn check_level_can_be_named(
    name: &str,
    levels: Option<Levels>,
    field: &'static str,
) -> Result<(), Rejection> {
    if levels.is_none() || skill::is_key_segment(name) {
        return Ok(());
    }
    let message = format!(
        "a Skill with levels has a name of letters, digits, _ and $ only, since expressions name its level as \
         routing.levels.<name>; {name:?} is none"
    );
    Err(check::bad_input(field, message))
}

fn check_level(skill: &Skill, level: Option<u32>) -> Result<(), Rejection> {
    let name = &skill.name;
    let message = match (skill.levels, level) {
        (None, None) => return Ok(()),
        (None, Some(_)) => format!("the Skill {name} has no levels: leave it out"),
        (Some(Levels { minimum, maximum }), None) => {
            format!("the Skill {name} has levels: say which, from {minimum} to {maximum}")
        }
        (Some(levels), Some(level)) if levels.contain(level) => return Ok(()),
        (Some(Levels { minimum, maximum }), Some(level)) => {
            format!("{level} is no level of the Skill {name}, which has those from {minimum} to {maximum}")
        }
    };
    Err(check::bad_input("level", message))
}

fn queue_names(queue: &TaskQueue, skill: &str) -> bool {
    match &queue.target_workers {
        TargetWorkers::Nobody => false,
        TargetWorkers::Matching(expression) => expression.names_skill(skill),
    }
}

/// In the present document: older ones, which waiting Tasks may follow, cannot be corrected any more.
fn workflow_names(workflow: &Workflow, skill: &str) -> bool {
    workflow.present().configuration.targets().any(|target| {
        target.expression.as_ref().is_some_and(|expression| expression.names_skill(skill))
            || target.order_by.as_ref().is_some_and(|order| order.names_skill(skill))
    })
}
