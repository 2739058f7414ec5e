//! Workflows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check;
use crate::attributes::Attributes;
use crate::command::{CreateWorkflow, UpdateWorkflow};
use crate::event::Event;
use crate::ids::{Id, TaskId, WorkflowId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::workflow::Revision;
use crate::state::{Task, TaskStatus, Workflow};
use crate::workflow_configuration::{Fault, WorkflowConfiguration};

/// How long a Worker may have to answer, in seconds (`routing.md` 2.9).
const RESERVATION_TIMEOUT_SECONDS_MAX: u32 = 86_400;
pub(super) const RESERVATION_TIMEOUT_SECONDS_DEFAULT: u32 = 120;
/// How many documents a Workflow has: the present one, and those that waiting Tasks still follow. Each change writes all
/// of them, and each may be a megabyte.
const REVISIONS_MAX: usize = 20;

impl Router {
    pub(super) fn create_workflow(&mut self, command: CreateWorkflow) -> Result<(), Rejection> {
        let CreateWorkflow { id, name, configuration, task_reservation_timeout_seconds } = command;
        check::unused(&self.state.workflows, id)?;
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.workflow_named(&name).map(|workflow| workflow.id), &name)?;
        check::room(self.state.workflows.len(), self.limits.workflows_max, "Workflows in the Workspace")?;
        let timeout = task_reservation_timeout_seconds.unwrap_or(RESERVATION_TIMEOUT_SECONDS_DEFAULT);
        let workflow = Workflow {
            id,
            name,
            revisions: vec![Revision { number: 1, configuration: self.configuration(&configuration)? }],
            task_reservation_timeout_seconds: reservation_timeout(timeout)?,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.emit(Event::WorkflowCreated { workflow: Arc::new(workflow) });
        Ok(())
    }

    pub(super) fn update_workflow(&mut self, command: UpdateWorkflow) -> Result<(), Rejection> {
        let UpdateWorkflow {
            id,
            expected_version,
            name,
            configuration,
            task_reservation_timeout_seconds,
            re_evaluate_tasks,
        } = command;
        let old = self.workflow(id, "workflowId")?;
        check::version(WorkflowId::KIND, expected_version, old.version)?;
        let mut new = Workflow::clone(&old);
        if let Some(name) = name {
            new.name = check::name(&name, "name")?;
            check::unique(id, self.state.workflow_named(&new.name).map(|workflow| workflow.id), &new.name)?;
        }
        if let Some(seconds) = task_reservation_timeout_seconds {
            new.task_reservation_timeout_seconds = reservation_timeout(seconds)?;
        }
        if let Some(document) = configuration
            && document != old.present().configuration.document
        {
            let number = old.present().number + 1;
            let configuration = self.configuration(&document)?;
            new.revisions.retain(|revision| self.index.is_followed(id, revision.number));
            let n_followed =
                if re_evaluate_tasks { self.n_followed_by_reserved(id) } else { new.revisions.len() };
            let what = "documents of the Workflow, with those that waiting Tasks still follow";
            check::room(n_followed, REVISIONS_MAX, what)?;
            new.revisions.push(Revision { number, configuration });
        }
        if new != *old {
            new.version += 1;
            new.updated_at = self.now;
            self.emit(Event::WorkflowUpdated { workflow: Arc::new(new) });
        }
        if re_evaluate_tasks {
            for task in self.pending_tasks_of(id) {
                self.redrive(task);
            }
        }
        Ok(())
    }

    fn pending_tasks_of(&self, id: WorkflowId) -> Vec<TaskId> {
        let pending = self.followers(id).filter(|(task, _)| task.status() == TaskStatus::Pending);
        pending.map(|(task, _)| task.id).collect()
    }

    /// How many documents are still followed when all pending Tasks have gone on to the present one.
    fn n_followed_by_reserved(&self, id: WorkflowId) -> usize {
        let reserved = self.followers(id).filter(|(task, _)| task.status() != TaskStatus::Pending);
        reserved.map(|(_, revision)| revision).collect::<BTreeSet<u32>>().len()
    }

    /// The Tasks in a step of the Workflow, each with the document that it follows.
    fn followers(&self, id: WorkflowId) -> impl Iterator<Item = (&Task, u32)> {
        self.state.tasks.values().filter_map(move |task| {
            let (workflow, revision) = task.followed()?;
            (workflow == id).then_some((&**task, revision))
        })
    }

    fn configuration(&self, document: &Attributes) -> Result<Arc<WorkflowConfiguration>, Rejection> {
        let limit = self.limits.workflow_configuration_bytes_max;
        if document.as_str().len() > limit {
            let what = "the workflow configuration is too long, in bytes";
            return Err(Rejection::LimitExceeded { what, limit, field: Some("configuration") });
        }
        let invalid = |faults| Rejection::InvalidWorkflow { field: "configuration", faults };
        let configuration = WorkflowConfiguration::parse(document).map_err(invalid)?;
        let unknown: Vec<Fault> = configuration
            .queues()
            .into_iter()
            .filter(|(queue, _)| !self.state.task_queues.contains_key(queue))
            .map(|(queue, path)| Fault {
                path,
                message: format!("there is no TaskQueue {queue} in this Workspace"),
                expression_error: None,
            })
            .collect();
        if unknown.is_empty() { Ok(Arc::new(configuration)) } else { Err(invalid(unknown)) }
    }
}

fn reservation_timeout(seconds: u32) -> Result<u32, Rejection> {
    check::range(seconds, 1, RESERVATION_TIMEOUT_SECONDS_MAX, "taskReservationTimeoutSeconds")
}
