//! Skills, and who has them (`routing.md` 1.13): whoever's attributes say so.

use std::sync::Arc;

use routing::Attributes;
use routing::command::*;
use routing::event::Event;
use routing::expression::{Comparison, Expression, Key, Node, Number, Operand, Path, Step, WorkerField};
use routing::ids::*;
use routing::state::skill::Levels;
use routing::state::{Skill, TargetWorkers, Worker};
use serde_json::{Map, Value, json};

use super::Model;
use super::checks::{self, Answer, Refusal, demand, find};

const LEVEL_MAX: u32 = 2_147_483_647;

impl Model {
    pub(super) fn create_skill(&mut self, command: CreateSkill) -> Answer {
        let CreateSkill { id, name, minimum_level, maximum_level } = command;
        demand(!self.skills.contains_key(&id), Refusal::bad_input("id"))?;
        let name = self.name_of_skill(id, &name)?;
        demand(self.skills.len() < self.limits.skills_max, Refusal::limit(None))?;
        let levels = levels(minimum_level, maximum_level)?;
        demand(levels.is_none() || can_have_levels(&name), Refusal::bad_input("name"))?;
        let skill = Skill { id, name, levels, version: 1, created_at: self.now, updated_at: self.now };
        self.skills.insert(id, skill.clone());
        self.record(Event::SkillCreated { skill: Arc::new(skill) });
        Ok(())
    }

    /// Where name and levels do not suit each other, the new one of the two is at fault, of two new ones the name.
    pub(super) fn update_skill(&mut self, command: UpdateSkill) -> Answer {
        let UpdateSkill { id, expected_version, name, minimum_level, maximum_level } = command;
        let old = find(&self.skills, id, "skillId")?;
        checks::version(expected_version, old.version)?;
        let at_fault = if name.is_some() { "name" } else { "minimumLevel" };
        let name = match name {
            None => old.name.clone(),
            Some(name) => self.name_of_skill(id, &name)?,
        };
        let minimum = minimum_level.unwrap_or(old.levels.map(|levels| levels.minimum));
        let maximum = maximum_level.unwrap_or(old.levels.map(|levels| levels.maximum));
        let levels = levels(minimum, maximum)?;
        demand(levels.is_none() || can_have_levels(&name), Refusal::bad_input(at_fault))?;
        demand(name == old.name || !self.is_in_use(&old.name), Refusal::in_use())?;
        if name != old.name || levels != old.levels {
            let skill = Skill { name, levels, version: old.version + 1, updated_at: self.now, ..old };
            self.skills.insert(id, skill.clone());
            self.record(Event::SkillUpdated { skill: Arc::new(skill) });
        }
        Ok(())
    }

    /// It is shown as it was.
    pub(super) fn delete_skill(&mut self, command: DeleteSkill) -> Answer {
        let DeleteSkill { id, expected_version } = command;
        let skill = find(&self.skills, id, "id")?;
        checks::version(expected_version, skill.version)?;
        demand(!self.is_in_use(&skill.name), Refusal::in_use())?;
        self.skills.remove(&id);
        self.record(Event::SkillDeleted { skill: Arc::new(skill) });
        Ok(())
    }

    pub(super) fn assign_skill(&mut self, command: AssignSkill) -> Answer {
        let AssignSkill { worker, skill, expected_version, level } = command;
        let worker = find(&self.workers, worker, "workerId")?;
        let skill = find(&self.skills, skill, "skillId")?;
        checks::version(expected_version, worker.version)?;
        let suits = match (skill.levels, level) {
            (None, None) => true,
            (Some(Levels { minimum, maximum }), Some(level)) => (minimum..=maximum).contains(&level),
            (None, Some(_)) | (Some(_), None) => false,
        };
        demand(suits, Refusal::bad_input("level"))?;
        let (mut names, mut levels) = written(&worker)?;
        if !names.contains(&json!(skill.name)) {
            names.push(json!(skill.name));
        }
        match level {
            Some(level) => drop(levels.insert(skill.name, json!(level))),
            None => levels = without(levels, &skill.name),
        }
        self.write_skills(worker, names, levels)
    }

    pub(super) fn unassign_skill(&mut self, command: UnassignSkill) -> Answer {
        let UnassignSkill { worker, skill, expected_version } = command;
        let worker = find(&self.workers, worker, "workerId")?;
        let skill = find(&self.skills, skill, "skillId")?;
        checks::version(expected_version, worker.version)?;
        let (mut names, levels) = written(&worker)?;
        names.retain(|name| *name != json!(skill.name));
        self.write_skills(worker, names, without(levels, &skill.name))
    }

    /// What has not changed stays as it is written, and so does everything else.
    fn write_skills(&mut self, worker: Worker, names: Vec<Value>, levels: Map<String, Value>) -> Answer {
        let (old_names, old_levels) = written(&worker)?;
        let mut document = tree(&worker.attributes);
        let has_routing = document.get("routing").is_some_and(Value::is_object);
        let mut changes = Vec::new();
        if names != old_names {
            changes.push(("skills", Value::Array(names)));
        }
        if levels != old_levels {
            changes.push(("levels", Value::Object(levels)));
        }
        if changes.is_empty() {
            return Ok(());
        }
        if !has_routing {
            document["routing"] = json!({});
        }
        for (key, value) in changes {
            document["routing"][key] = value;
        }
        let attributes = Attributes::of(&document).expect("an object");
        let characters = attributes.as_str().chars().count();
        demand(characters <= self.limits.attributes_characters_max, Refusal::limit(None))?;
        let worker = Worker { attributes, ..self.changed_worker(worker.id) };
        self.record_worker(worker, |worker| Event::WorkerAttributesUpdate { worker });
        Ok(())
    }

    /// Has a Worker the Skill, or does an expression name it?
    fn is_in_use(&self, name: &str) -> bool {
        let has = |worker: &Worker| match &tree(&worker.attributes)["routing"]["skills"] {
            Value::Array(names) => names.contains(&json!(name)),
            _ => false,
        };
        let of_queues = self.task_queues.values().any(|queue| match &queue.target_workers {
            TargetWorkers::Nobody => false,
            TargetWorkers::Matching(expression) => names_skill(expression, name),
        });
        let of_workflows = self.workflows.values().any(|workflow| {
            let document = &workflow.revisions.last().expect("there is one").configuration;
            let of_filters = document.filters.iter().flat_map(|filter| &filter.targets);
            of_filters.chain(&document.default_filter).any(|target| {
                let clauses = target.order_by.iter().flat_map(|order_by| order_by.clauses());
                target.expression.as_ref().is_some_and(|expression| names_skill(expression, name))
                    || clauses.into_iter().any(|clause| is_level(&clause.key.field, name))
            })
        });
        of_queues || of_workflows || self.workers.values().any(has)
    }

    fn name_of_skill(&self, id: SkillId, name: &str) -> Result<String, Refusal> {
        let others = self.skills.values().filter(|other| other.id != id);
        checks::name(name, others.map(|other| &other.name))
    }
}

/// Both or neither, from 0 on, and in order.
fn levels(minimum: Option<u32>, maximum: Option<u32>) -> Result<Option<Levels>, Refusal> {
    let (minimum, maximum) = match (minimum, maximum) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(Refusal::bad_input("maximumLevel")),
        (None, Some(_)) => return Err(Refusal::bad_input("minimumLevel")),
        (Some(minimum), Some(maximum)) => (minimum, maximum),
    };
    checks::within(minimum, 0..=LEVEL_MAX, "minimumLevel")?;
    checks::within(maximum, minimum..=LEVEL_MAX, "maximumLevel")?;
    Ok(Some(Levels { minimum, maximum }))
}

/// Its level is a key, in which a name behind a dot may begin with a digit.
fn can_have_levels(name: &str) -> bool {
    name.chars()
        .all(|character| character.is_alphabetic() || character.is_ascii_digit() || "_$".contains(character))
}

/// What stands in `routing.skills` and in `routing.levels`. NULL is as good as nothing; anything else of another type is
/// not touched.
fn written(worker: &Worker) -> Result<(Vec<Value>, Map<String, Value>), Refusal> {
    let document = tree(&worker.attributes);
    let routing = &document["routing"];
    demand(routing.is_object() || routing.is_null(), Refusal::bad_input("workerId"))?;
    let names = match &routing["skills"] {
        Value::Null => Vec::new(),
        Value::Array(names) => names.clone(),
        _ => return Err(Refusal::bad_input("workerId")),
    };
    let levels = match &routing["levels"] {
        Value::Null => Map::new(),
        Value::Object(levels) => levels.clone(),
        _ => return Err(Refusal::bad_input("workerId")),
    };
    Ok((names, levels))
}

/// The others stay in their order.
fn without(levels: Map<String, Value>, name: &str) -> Map<String, Value> {
    levels.into_iter().filter(|(other, _)| other != name).collect()
}

fn tree(attributes: &Attributes) -> Value {
    serde_json::from_str(attributes.as_str()).expect("attributes are JSON")
}

/// As one of those that it looks for in `routing.skills`, or by its level.
fn names_skill(expression: &Expression, name: &str) -> bool {
    let mut nodes = vec![expression.root()];
    while let Some(node) = nodes.pop() {
        match node {
            Node::And(inner) | Node::Or(inner) => nodes.extend(inner),
            Node::Comparison(Comparison { left, operator: _, right }) => {
                let is_found = (is_skills(left) && looks_for(right, name))
                    || (is_skills(right) && looks_for(left, name))
                    || reads_level(left, name)
                    || reads_level(right, name);
                if is_found {
                    return true;
                }
            }
        }
    }
    false
}

fn looks_for(operand: &Operand, name: &str) -> bool {
    match operand {
        Operand::List(elements) => elements.iter().any(|element| looks_for(element, name)),
        Operand::Text(text) => **text == *name,
        // A text that is a number is found as one (1.7).
        Operand::Number(Number::Integer(integer)) => name.parse() == Ok(*integer),
        Operand::Number(Number::Decimal(decimal)) => name.parse() == Ok(*decimal),
        Operand::Null | Operand::Boolean(_) | Operand::Key(_) => false,
    }
}

fn is_skills(operand: &Operand) -> bool {
    match operand {
        Operand::Key(Key::Worker(key)) => match &key.field {
            WorkerField::Attribute(path) => members(path) == ["routing", "skills"],
            _ => false,
        },
        _ => false,
    }
}

fn reads_level(operand: &Operand, name: &str) -> bool {
    match operand {
        Operand::Key(Key::Worker(key)) => is_level(&key.field, name),
        Operand::List(elements) => elements.iter().any(|element| reads_level(element, name)),
        _ => false,
    }
}

fn is_level(field: &WorkerField, name: &str) -> bool {
    match field {
        WorkerField::Attribute(path) => members(path).starts_with(&["routing", "levels", name]),
        WorkerField::Id
        | WorkerField::Name
        | WorkerField::ActivityId
        | WorkerField::ActivityName
        | WorkerField::Channel { .. } => false,
    }
}

/// The names that a path is made of; an index has none.
fn members(path: &Path) -> Vec<&str> {
    let steps = path.steps().iter();
    steps.map(|step| if let Step::Member(name) = step { name } else { "" }).collect()
}
