//! The Workspace of a story: the router, its clock, and what is called how.

use std::collections::BTreeMap;
use std::sync::Arc;

use routing::command::TaskChannelRef;
use routing::event::{Actor, Object};
use routing::ids::{
    ActivityId, Id, SkillId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId, WorkspaceTag,
};
use routing::index::explain::Explanation;
use routing::state::{Task, TaskChannel, Worker};
use routing::time::Timestamp;
use routing::{Limits, Recorded, Rejection, Router, State};

use crate::format::Text;
use crate::suggest::instead;
use crate::time::Span;
use crate::yaml::Fault;

const TAG: WorkspaceTag = WorkspaceTag(1);

/// One Workspace, with a clock that only the story moves.
pub(crate) struct World {
    router: Router,
    limits: Limits,
    starts: Timestamp,
    n_minted: u64,
    tasks: BTreeMap<String, TaskId>,
    /// The only Workflow that the file sets up, for Tasks that name none.
    only_workflow: Option<WorkflowId>,
    news: Vec<Recorded>,
}

impl World {
    /// A Workspace as a server would found it.
    pub fn found(starts: Timestamp, limits: Limits) -> World {
        let id = WorkspaceId::minted(starts, 1, TAG);
        let mut router = Router::found(id, "Story".to_owned(), limits.clone(), starts);
        router.take_events();
        World {
            router,
            limits,
            starts,
            // Far above the sequences that the router makes ids of.
            n_minted: 1 << 40,
            tasks: BTreeMap::new(),
            only_workflow: None,
            news: Vec::new(),
        }
    }

    /// The set-up is done: from here on, things happen.
    pub fn begin(&mut self, set_up_workflows: &[WorkflowId]) {
        self.only_workflow = if let [only] = set_up_workflows { Some(*only) } else { None };
        self.news.clear();
    }

    pub fn state(&self) -> &State {
        self.router.state()
    }

    pub fn now(&self) -> Timestamp {
        self.router.now()
    }

    pub fn starts(&self) -> Timestamp {
        self.starts
    }

    /// How long after the start that is.
    pub fn since_start(&self, at: Timestamp) -> Span {
        Span(at.milliseconds_since(self.starts))
    }

    /// Why a Task waits, or was not offered to this Worker.
    pub fn explain(&self, task: TaskId, worker: Option<WorkerId>, first: usize) -> Option<Explanation> {
        self.router.explain(task, worker, first)
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.router.next_deadline()
    }

    pub fn only_workflow(&self) -> Option<WorkflowId> {
        self.only_workflow
    }

    /// The events since they were last taken.
    pub fn news(&self) -> &[Recorded] {
        &self.news
    }

    pub fn take_news(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.news)
    }

    pub fn apply(&mut self, command: routing::Command) -> Result<(), Rejection> {
        let answer = self.router.apply(command, Actor::Admin("story".into()));
        self.news.extend(self.router.take_events());
        answer.map(|_| ())
    }

    /// Moves the clock, and stops wherever something is due, as the timer of a running server does.
    pub fn advance(&mut self, to: Timestamp) {
        while let Some(due) = self.router.next_deadline().filter(|due| (self.now()..=to).contains(due)) {
            self.router.tick(due);
            if self.router.next_deadline() == Some(due) {
                break; // A deadline that stays would hold up the story for ever.
            }
        }
        self.router.tick(to);
        self.news.extend(self.router.take_events());
    }

    /// The server ends, and begins again at `at` with what it finds in the database.
    pub fn restart(&mut self, at: Timestamp) {
        self.load(loaded_anew(self.router.state()));
        self.router.tick(at);
        self.news.extend(self.router.take_events());
    }

    pub fn mint<I: Id>(&mut self) -> I {
        self.n_minted += 1;
        I::minted(self.now(), self.n_minted, TAG)
    }

    pub fn call_task(&mut self, name: &str, id: TaskId) {
        self.tasks.insert(name.to_owned(), id);
    }

    fn load(&mut self, state: State) {
        self.router = Router::load(state, self.limits.clone(), self.now());
    }
}

/// The state as rows would give it back: every object put in its place again, and nothing that is derived.
fn loaded_anew(state: &State) -> State {
    let mut anew = State::before(Arc::clone(&state.workspace));
    anew.sequence = state.sequence;
    anew.at = state.at;
    let objects = (state.activities.values().cloned().map(Object::Activity))
        .chain(state.task_channels.values().cloned().map(Object::TaskChannel))
        .chain(state.skills.values().cloned().map(Object::Skill))
        .chain(state.task_queues.values().cloned().map(Object::TaskQueue))
        .chain(state.workflows.values().cloned().map(Object::Workflow))
        .chain(state.workers.values().cloned().map(Object::Worker))
        .chain(state.deleted.activities.values().cloned().map(Object::Activity))
        .chain(state.deleted.task_channels.values().cloned().map(Object::TaskChannel))
        .chain(state.deleted.task_queues.values().cloned().map(Object::TaskQueue))
        .chain(state.deleted.workflows.values().cloned().map(Object::Workflow))
        .chain(state.deleted.workers.values().cloned().map(Object::Worker))
        .chain(state.tasks.values().cloned().map(Object::Task))
        .chain(state.reservations.values().cloned().map(Object::Reservation));
    for object in objects {
        anew.put(object);
    }
    anew.finish_loading();
    anew
}

// ---- names to objects ----

impl World {
    pub fn task_id(&self, name: &Text) -> Result<TaskId, Fault> {
        let known = || self.tasks.keys().cloned().collect();
        self.tasks.get(&name.value).copied().ok_or_else(|| unknown("Task", name, known))
    }

    pub fn worker(&self, name: &Text) -> Result<Arc<Worker>, Fault> {
        let known = || self.state().workers.values().map(|worker| worker.name.clone()).collect();
        self.state().worker_named(&name.value).cloned().ok_or_else(|| unknown("Worker", name, known))
    }

    /// The Worker, or who was called so and was deleted, as long as something refers to them.
    pub fn worker_ever(&self, name: &Text) -> Result<Arc<Worker>, Fault> {
        let lower_case = name.value.to_lowercase();
        let mut deleted = self.state().deleted.workers.values();
        let mut namesake = || deleted.find(|worker| worker.name.to_lowercase() == lower_case).cloned();
        self.worker(name).or_else(|unknown| namesake().ok_or(unknown))
    }

    pub fn activity(&self, name: &Text) -> Result<ActivityId, Fault> {
        let known = || self.state().activities.values().map(|activity| activity.name.clone()).collect();
        let found = self.state().activity_named(&name.value).map(|activity| activity.id);
        found.ok_or_else(|| unknown("Activity", name, known))
    }

    pub fn skill(&self, name: &Text) -> Result<SkillId, Fault> {
        let known = || self.state().skills.values().map(|skill| skill.name.clone()).collect();
        let found = self.state().skill_named(&name.value).map(|skill| skill.id);
        found.ok_or_else(|| unknown("Skill", name, known))
    }

    pub fn queue(&self, name: &Text) -> Result<TaskQueueId, Fault> {
        let known = || self.state().task_queues.values().map(|queue| queue.name.clone()).collect();
        let found = self.state().task_queue_named(&name.value).map(|queue| queue.id);
        found.ok_or_else(|| unknown("TaskQueue", name, known))
    }

    pub fn workflow(&self, name: &Text) -> Result<WorkflowId, Fault> {
        let known = || self.state().workflows.values().map(|workflow| workflow.name.clone()).collect();
        let found = self.state().workflow_named(&name.value).map(|workflow| workflow.id);
        found.ok_or_else(|| unknown("Workflow", name, known))
    }

    pub fn channel(&self, name: &Text) -> Result<Arc<TaskChannel>, Fault> {
        let known =
            || self.state().task_channels.values().map(|channel| channel.unique_name.clone()).collect();
        let found = self.state().task_channel_named(&name.value).cloned();
        found.ok_or_else(|| unknown("Task Channel", name, known))
    }

    /// The Task Channel, for a command that names it.
    pub fn channel_ref(&self, name: Option<&Text>) -> Result<TaskChannelRef, Fault> {
        match name {
            None => Ok(TaskChannelRef::UniqueName("default".to_owned())),
            Some(name) => Ok(TaskChannelRef::Id(self.channel(name)?.id)),
        }
    }

    /// The ids of whatever has this name.
    fn ids_named(&self, name: &str) -> Vec<String> {
        let state = self.state();
        let ids = [
            state.worker_named(name).map(|worker| worker.id.to_string()),
            state.activity_named(name).map(|activity| activity.id.to_string()),
            state.task_queue_named(name).map(|queue| queue.id.to_string()),
            state.workflow_named(name).map(|workflow| workflow.id.to_string()),
        ];
        ids.into_iter().flatten().collect()
    }

    /// The text with every `${name}` replaced by the id of what has the name.
    pub fn filled_in(&self, text: &Text) -> Result<String, Fault> {
        let mut filled = String::new();
        let mut rest = text.value.as_str();
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, behind)) = behind.split_once('}') else {
                return Err(Fault::new(text.at, "\"${\" begins a name; the \"}\" behind it is missing"));
            };
            let id = match self.ids_named(name).as_slice() {
                [id] => id.clone(),
                [] => {
                    let message = format!("there is no Worker, Activity, TaskQueue or Workflow {name:?}");
                    return Err(Fault::new(text.at, message));
                }
                _ => return Err(Fault::new(text.at, format!("{name:?} is the name of several things"))),
            };
            filled.push_str(before);
            filled.push_str(&id);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn unknown(kind: &str, name: &Text, known: impl FnOnce() -> Vec<String>) -> Fault {
    let known = known();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = instead(&name.value, &known);
    Fault::new(name.at, format!("there is no {kind} {:?}{hint}", name.value))
}

// ---- objects to names ----

impl World {
    pub fn task(&self, id: TaskId) -> Option<&Arc<Task>> {
        self.state().tasks.get(&id)
    }

    pub fn task_name(&self, id: TaskId) -> String {
        let found = self.tasks.iter().find(|(_, known)| **known == id);
        found.map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }

    pub fn worker_name(&self, id: WorkerId) -> &str {
        self.state().worker(id).map_or("a Worker who was deleted", |worker| &worker.name)
    }

    pub fn queue_name(&self, id: TaskQueueId) -> &str {
        self.state().task_queue(id).map_or("a TaskQueue that was deleted", |queue| &queue.name)
    }

    pub fn workflow_name(&self, id: WorkflowId) -> &str {
        self.state().workflow(id).map_or("a Workflow that was deleted", |workflow| &workflow.name)
    }

    /// The names in a text about ids: what the router says is shown in the words of the file.
    pub fn in_words(&self, text: &str) -> String {
        let state = self.state();
        let named = (state.workers.values().map(|worker| (worker.id.to_string(), &worker.name)))
            .chain(state.activities.values().map(|activity| (activity.id.to_string(), &activity.name)))
            .chain(state.task_queues.values().map(|queue| (queue.id.to_string(), &queue.name)))
            .chain(state.workflows.values().map(|workflow| (workflow.id.to_string(), &workflow.name)))
            .chain(self.tasks.iter().map(|(name, id)| (id.to_string(), name)));
        named.fold(text.to_owned(), |text, (id, name)| text.replace(&id, name))
    }
}
