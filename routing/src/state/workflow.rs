//! Workflows and the routing documents that are in use.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::WorkflowId;
use crate::state::task::RoutingStep;
use crate::time::Timestamp;
use crate::workflow_configuration::{Target, WorkflowConfiguration};

/// Rules that put Tasks into TaskQueues.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Workflow {
    /// The Workflow itself.
    pub id: WorkflowId,
    /// Unique in the Workspace without regard to case; at most 64 characters.
    pub name: String,
    /// The routing documents that are in use: the present one last, before it those that waiting Tasks still
    /// follow, because a changed document does not move Tasks that are under way. Never empty, in the order
    /// of their revisions.
    pub revisions: Vec<Revision>,
    /// How long a Worker has to answer a Reservation; 1 to 86,400 seconds.
    pub task_reservation_timeout_seconds: u32,
    /// Counts the changes of the fields above.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When one of the fields above changed last.
    pub updated_at: Timestamp,
    /// When it was deleted. From then on it is only read, by what refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// One routing document of a Workflow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Revision {
    /// 1 for the document that the Workflow was created with, then counting up.
    pub number: u32,
    /// The document.
    pub configuration: Arc<WorkflowConfiguration>,
}

impl Workflow {
    /// The document that new Tasks follow.
    #[must_use]
    pub fn present(&self) -> &Revision {
        self.revisions.last().expect("a Workflow has at least one revision")
    }

    /// The document that a Task under way follows.
    #[must_use]
    pub fn revision(&self, number: u32) -> &Arc<WorkflowConfiguration> {
        let at = self.revisions.binary_search_by_key(&number, |revision| revision.number);
        &self.revisions[at.expect("a revision stays while a waiting Task follows it")].configuration
    }

    /// The target of a step.
    #[must_use]
    pub fn target(&self, step: &RoutingStep) -> &Target {
        let configuration = self.revision(step.revision);
        match step.filter {
            Some(filter) => &configuration.filters[filter as usize].targets[step.target as usize],
            None => configuration.default_filter.as_ref().expect("the Task entered by the default filter"),
        }
    }
}
