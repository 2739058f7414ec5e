//! Reading the log: the events after a position, in order, without hole.
//!
//! A row of the log holds events that were committed together. Rows are read whole; a page may begin in the middle
//! of one, and goes on to the end of the one in which its limit is reached.

use routing::event::Recorded;
use routing::ids::WorkspaceId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

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
        let end = end_of_log(&self.inner.reader, workspace).await?;
        if limit == 0 {
            return Ok(LogPage { events: Vec::new(), more: after < end });
        }
        // The page is one range of the key. It begins with the row in which the next event is.
        let begin: Option<i64> = Entity::find()
            .select_only()
            .column(Column::FirstSequence)
            .filter(Column::WorkspaceId.eq(&*id))
            .filter(Column::FirstSequence.lte(saturating(after.saturating_add(1))))
            .order_by_desc(Column::FirstSequence)
            .limit(1)
            .into_tuple()
            .one(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;
        let found = Entity::find()
            .filter(Column::WorkspaceId.eq(&*id))
            .filter(Column::FirstSequence.gte(begin.unwrap_or(0)))
            .filter(Column::FirstSequence.lte(saturating(after.saturating_add(limit as u64))))
            .filter(Column::LastSequence.gt(saturating(after)))
            .order_by_asc(Column::FirstSequence)
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

    /// Why the event at `missing` is not there.
    async fn hole(&self, workspace: WorkspaceId, missing: u64) -> Result<Error, Error> {
        use entity::event_log::{Column, Entity};
        let oldest = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.to_string()))
            .order_by_asc(Column::FirstSequence)
            .one(&self.inner.reader)
            .await
            .map_err(while_("reading the log"))?;
        let oldest = match oldest {
            // `events` also checks that the row's columns say what is in it.
            Some(row) => rows::events(row)?.first().map(|first| first.sequence),
            None => Some(end_of_log(&self.inner.reader, workspace).await? + 1),
        };
        Ok(match oldest {
            Some(oldest) if oldest > missing => Error::LogExpired { oldest },
            _ => Error::Corrupt(Corrupt {
                table: "event_log",
                id: workspace.to_string(),
                column: "first_sequence",
                why: format!("the event {missing} is missing"),
            }),
        })
    }
}

/// The position of the newest event of a Workspace. A log that was shortened to nothing ends where the rows do.
pub async fn end_of_log(connection: &impl ConnectionTrait, workspace: WorkspaceId) -> Result<u64, Error> {
    use entity::{event_log, workspace as settings};
    let (id, failed) = (workspace.to_string(), while_("looking for the end of the log"));
    let last: Option<i64> = event_log::Entity::find()
        .select_only()
        .column(event_log::Column::LastSequence)
        .filter(event_log::Column::WorkspaceId.eq(&*id))
        .order_by_desc(event_log::Column::FirstSequence)
        .limit(1)
        .into_tuple()
        .one(connection)
        .await
        .map_err(failed)?;
    let (table, column, found) = match last {
        Some(last) => ("event_log", "last_sequence", last),
        None => {
            let rows_end: Option<i64> = settings::Entity::find_by_id(&*id)
                .select_only()
                .column(settings::Column::Sequence)
                .into_tuple()
                .one(connection)
                .await
                .map_err(failed)?;
            ("workspace", "sequence", rows_end.ok_or(Error::NoWorkspace { workspace })?)
        }
    };
    u64::try_from(found).map_err(|_| {
        let why = format!("{found} is not a position in the log");
        Error::Corrupt(Corrupt { table, id, column, why })
    })
}

/// Positions come from clients, too: one that no log reaches is not an error.
fn saturating(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
