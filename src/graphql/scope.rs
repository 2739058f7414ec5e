//! A moment of a Workspace, as somebody sees it.
//!
//! Every view holds a [`Scope`], and every step from one view to another goes through it: first to the object,
//! as it was at the scope's moment, and then through [`Scope::see`], the one place where the policy is asked.
//! So a query sees one moment, however deep it goes, and what somebody may not see is absent wherever it is
//! asked for.

use std::sync::Arc;

use async_graphql::Context;
use routing::State;
use routing::event::Object;
use routing::ids::{
    ActivityId, Id, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, WorkerChannelId, WorkerId,
    WorkflowId, WorkspaceId,
};
use routing::time::Timestamp;

use super::error::{Error, Result};
use super::types::activity::Activity;
use super::types::reservation::Reservation;
use super::types::skill::Skill;
use super::types::task::Task;
use super::types::task_channel::TaskChannel;
use super::types::task_queue::TaskQueue;
use super::types::worker::Worker;
use super::types::worker_channel::WorkerChannel;
use super::types::workflow::Workflow;
use super::types::workspace::Workspace;
use crate::auth::policy::{self, Sight, Visible};
use crate::caller::{self, Caller, WorkspaceAccess};

/// A moment of a Workspace, as somebody sees it. Cheap to clone.
#[derive(Clone)]
pub struct Scope(Arc<WorkspaceAccess>);

/// A GraphQL type that shows an object of the core.
pub trait View: Sized {
    /// What it shows.
    type Object: Visible;

    /// The view. Called by [`Scope`] alone, which asks before whether the viewer may see the object.
    fn over(scope: Scope, object: Arc<Self::Object>) -> Self;
}

impl Scope {
    /// What the access shows.
    pub fn of(access: WorkspaceAccess) -> Scope {
        Scope(Arc::new(access))
    }

    /// The Workspace that the input `field` names.
    pub async fn workspace_named(ctx: &Context<'_>, field: &str, id: WorkspaceId) -> Result<Scope> {
        enter(Caller::of(ctx)?.workspace(id).await, field, id)
    }

    /// The Workspace of the object that the input `field` names. Whether the object exists is not asked; where
    /// there is no Workspace, the answer is that there is no such object.
    pub async fn around(ctx: &Context<'_>, field: &str, id: impl Id) -> Result<Scope> {
        enter(Caller::of(ctx)?.workspace_of(id).await, field, id)
    }

    /// What the viewer may do here.
    pub fn access(&self) -> &WorkspaceAccess {
        &self.0
    }

    /// The Workspace at this moment, whole: to find objects in, not to show them. Showing is [`Scope::see`].
    pub fn state(&self) -> &State {
        self.0.state()
    }

    /// The time of this moment.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// The one Worker whose affairs the viewer sees, where it is not everything.
    pub fn own_worker(&self) -> Option<WorkerId> {
        match self.0.sight() {
            Sight::Everything => None,
            Sight::OwnWork(worker) => Some(worker),
        }
    }

    /// May the viewer see the object?
    pub fn sees(&self, object: &impl Visible) -> bool {
        object.is_visible(self.0.sight(), self.state(), self.now())
    }

    /// May the viewer see the object where it is part of an event?
    pub fn sees_in_event(&self, object: &Object) -> bool {
        policy::sees_object(self.0.sight(), object, self.state(), self.now())
    }

    /// The view of an object, if the viewer may see it.
    pub fn see<V: View>(&self, object: &Arc<V::Object>) -> Option<V> {
        self.sees(&**object).then(|| V::over(self.clone(), Arc::clone(object)))
    }

    /// The view of an object that the viewer has just changed. It is shown although the change may have been the
    /// very one that took it out of sight; what is reached from it is not.
    pub fn show_what_the_viewer_changed<V: View>(&self, object: &Arc<V::Object>) -> V {
        V::over(self.clone(), Arc::clone(object))
    }

    /// Refuses where the viewer does not see how the Workspace routes.
    pub fn check_sees_configuration(&self) -> Result<()> {
        if self.0.sight().includes_configuration() {
            return Ok(());
        }
        Err(Error::Forbidden { message: "a Worker does not see the configuration", field: None })
    }

    /// The Workspace itself.
    pub fn workspace(&self) -> Workspace {
        Workspace::of(self.clone())
    }

    /// The Activity, deleted or not.
    pub fn activity(&self, id: ActivityId) -> Option<Activity> {
        self.see(self.state().activity(id)?)
    }

    /// The Task Channel, deleted or not.
    pub fn task_channel(&self, id: TaskChannelId) -> Option<TaskChannel> {
        self.see(self.state().task_channel(id)?)
    }

    /// The Skill.
    pub fn skill(&self, id: SkillId) -> Option<Skill> {
        self.see(self.state().skills.get(&id)?)
    }

    /// The TaskQueue; one that was deleted as long as something refers to it.
    pub fn task_queue(&self, id: TaskQueueId) -> Option<TaskQueue> {
        self.see(self.state().task_queue(id)?)
    }

    /// The Workflow; likewise.
    pub fn workflow(&self, id: WorkflowId) -> Option<Workflow> {
        self.see(self.state().workflow(id)?)
    }

    /// The Worker; likewise.
    pub fn worker(&self, id: WorkerId) -> Option<Worker> {
        self.see(self.state().worker(id)?)
    }

    /// The worker channel. Its id leads to the Worker once its Task Channel is known, and there are few of them.
    pub fn worker_channel(&self, id: WorkerChannelId) -> Option<WorkerChannel> {
        self.state().task_channels.values().find_map(|channel| {
            let worker = self.worker(id.worker(channel.id))?;
            Some(WorkerChannel::of(worker, channel))
        })
    }

    /// The Task.
    pub fn task(&self, id: TaskId) -> Option<Task> {
        self.see(self.state().tasks.get(&id)?)
    }

    /// The Reservation.
    pub fn reservation(&self, id: ReservationId) -> Option<Reservation> {
        self.see(self.state().reservations.get(&id)?)
    }
}

fn enter(
    access: std::result::Result<WorkspaceAccess, caller::Error>,
    field: &str,
    id: impl Id,
) -> Result<Scope> {
    match access {
        Ok(access) => Ok(Scope::of(access)),
        Err(caller::Error::NoWorkspace) => Err(Error::not_found(id, field)),
        Err(other) => Err(other.into()),
    }
}
