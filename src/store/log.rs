//! Reading the log: the events after a position, in order, without hole.
//!
//! A row of the log holds events that were committed together. Rows are read whole; a page may begin in the middle
//! of one, and goes on to the end of the one in which its limit is reached.

use routing::event::Recorded;
use routing::ids::WorkspaceId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Corrupt, Error, Store, rows, while_};

/// Some events that follow one another.
#[derive(Clone, PartialEq, Debug)]
pub struct LogPage {
    /// Oldest first; empty when there are none after the position that was asked for.
    pub events: Vec<Recorded>,
    /// Was there more when the page was read?
    pub more: bool,
}

impl Store {
    /// The events after the position `after`, oldest first: at least `limit` of them if there are so many, and at
    /// most as many more as the last row had.
    ///
    /// [`Error::LogExpired`] when the log does not reach back so far.
    pub async fn log(&self, workspace: WorkspaceId, after: u64, limit: usize) -> Result<LogPage, Error> {
        use entity::event_log::{Column, Entity};
        let id = workspace.to_string();

        // In this order: whatever is committed between the two reads is `more`, and never missing from the page.
        let end = self.end_of_log(workspace).await?;
        if limit == 0 {
            return Ok(LogPage { events: Vec::new(), more: after < end });
        }
        let until = after.saturating_add(limit as u64);
        // The last row of the page, so that the page is one range of the key: the database cannot know that the
        // first sequences rise with the last ones, and would read on to the end of the log.
        let last: Option<i64> = Entity::find()
            .select_only()
            .column(Column::LastSequence)
            .filter(Column::WorkspaceId.eq(&*id))
            .filter(Column::LastSequence.gte(saturating(until)))
            .order_by_asc(Column::LastSequence)
            .limit(1)
            .into_tuple()
            .one(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;
        let found = Entity::find()
            .filter(Column::WorkspaceId.eq(&*id))
            .filter(Column::LastSequence.gt(saturating(after)))
            .filter(Column::LastSequence.lte(last.unwrap_or(i64::MAX)))
            .order_by_asc(Column::LastSequence)
            .all(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;

        let mut events: Vec<Recorded> = Vec::new();
        for row in found {
            let next = events.last().map_or(after, |last| last.sequence).saturating_add(1);
            let of_row = rows::events(row)?;
            let first = of_row.first().map_or(next, |first| first.sequence);
            if first > next {
                return Err(self.hole(workspace, next).await?);
            }
            events.extend(of_row.into_iter().filter(|recorded| recorded.sequence >= next));
        }
        if events.is_empty() && after < end {
            return Err(self.hole(workspace, after + 1).await?);
        }
        let more = events.last().map_or(after, |last| last.sequence) < end;
        Ok(LogPage { events, more })
    }

    /// The position of the newest event.
    async fn end_of_log(&self, workspace: WorkspaceId) -> Result<u64, Error> {
        use entity::workspace::{Column, Entity};
        let found: Option<i64> = Entity::find_by_id(workspace.to_string())
            .select_only()
            .column(Column::LogSequence)
            .into_tuple()
            .one(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;
        let found = found.ok_or(Error::NoWorkspace { workspace })?;
        u64::try_from(found).map_err(|_| {
            let (id, why) = (workspace.to_string(), format!("{found} is not a position in the log"));
            Error::Corrupt(Corrupt { table: "workspace", id, column: "log_sequence", why })
        })
    }

    /// Why the event at `missing` is not there.
    async fn hole(&self, workspace: WorkspaceId, missing: u64) -> Result<Error, Error> {
        use entity::event_log::{Column, Entity};
        let oldest = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.to_string()))
            .order_by_asc(Column::LastSequence)
            .one(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;
        let oldest = match oldest {
            // `events` also checks that the row's columns say what is in it.
            Some(row) => rows::events(row)?.first().map(|first| first.sequence),
            None => Some(self.end_of_log(workspace).await? + 1),
        };
        Ok(match oldest {
            Some(oldest) if oldest > missing => Error::LogExpired { oldest },
            _ => Error::Corrupt(Corrupt {
                table: "event_log",
                id: workspace.to_string(),
                column: "last_sequence",
                why: format!("the event {missing} is missing"),
            }),
        })
    }
}

/// Positions come from clients, too: one that no log reaches is not an error.
fn saturating(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
