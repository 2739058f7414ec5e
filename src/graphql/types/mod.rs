//! The types that the API shows: each a view on an object of the core at the moment of its scope, in a file of
//! its own. No field is copied, and no view leads to another but through its scope.

pub mod activity;
pub mod event;
pub mod event_data;
pub mod explanation;
pub mod node;
pub mod reservation;
pub mod skill;
pub mod task;
pub mod task_channel;
pub mod task_queue;
pub mod task_transfer;
pub mod transfer_target;
pub mod viewer;
pub mod warning;
pub mod worker;
pub mod worker_channel;
pub mod workflow;
pub mod workspace;

use async_graphql::Enum;

/// The direction of an order.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OrderDirection {
    /// From the smallest, the earliest, or A.
    #[default]
    Asc,
    /// From the largest, the latest, or Z.
    Desc,
}

/// Does `name` contain `part`, without regard to case?
fn contains(name: &str, part_in_lower_case: Option<&str>) -> bool {
    part_in_lower_case.is_none_or(|part| name.to_lowercase().contains(part))
}
