//! Activities.

use std::sync::Arc;

use super::check;
use crate::command::{CreateActivity, UpdateActivity};
use crate::event::Event;
use crate::ids::{ActivityId, Id};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::Activity;

impl Router {
    pub(super) fn create_activity(&mut self, command: CreateActivity) -> Result<(), Rejection> {
        let CreateActivity { id, name, available } = command;
        check::unused(&self.state.activities, id)?;
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.activity_named(&name).map(|activity| activity.id), &name)?;
        check::room(self.state.activities.len(), self.limits.activities_max, "Activities in the Workspace")?;
        let activity = Activity {
            id,
            name,
            available,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.emit(Event::ActivityCreated { activity: Arc::new(activity) });
        Ok(())
    }

    pub(super) fn update_activity(&mut self, command: UpdateActivity) -> Result<(), Rejection> {
        let UpdateActivity { id, expected_version, name } = command;
        let old = self.activity(id, "activityId")?;
        check::version(ActivityId::KIND, expected_version, old.version)?;
        let Some(name) = name else { return Ok(()) };
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.activity_named(&name).map(|activity| activity.id), &name)?;
        if name != old.name {
            let activity =
                Activity { name, version: old.version + 1, updated_at: self.now, ..Activity::clone(&old) };
            self.emit(Event::ActivityUpdated { activity: Arc::new(activity) });
        }
        Ok(())
    }
}
