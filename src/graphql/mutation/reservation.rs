//! Reservations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use routing::Command;
use routing::command::{AcceptReservation, CompleteReservation, RejectReservation, WrapUpReservation};
use routing::ids::ReservationId;

use super::Change;
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count, optional_id};
use crate::graphql::scope::Scope;
use crate::graphql::types::reservation::Reservation;

/// The mutations of Reservations. A Worker's token may name its own; admins and supervisors may name any.
#[derive(Default)]
pub struct ReservationMutations;

#[Object]
impl ReservationMutations {
    /// Takes a Task that is offered. Other offers of the same Task are rescinded. Errors: `INVALID_STATE`
    /// unless it is `PENDING`: it may have timed out, or another Worker was faster.
    async fn accept_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to accept.")] input: AcceptReservationInput,
    ) -> Result<ReservationPayload> {
        let AcceptReservationInput { reservation_id, expected_version, idempotency_key } = input;
        let reservation: ReservationId = id("reservationId", &reservation_id)?;
        let expected_version = optional_count("expectedVersion", expected_version)?;
        let command = Command::AcceptReservation(AcceptReservation { id: reservation, expected_version });
        let scope = Scope::around(ctx, "reservationId", reservation).await?;
        ReservationPayload::of(&Change::make(ctx, &scope, reservation, idempotency_key, command).await?)
    }

    /// Refuses a Task that is offered. It is not offered to the same Worker again for the `reofferDelaySeconds`
    /// of the Workspace. Errors: `INVALID_STATE` unless it is `PENDING`.
    async fn reject_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to reject.")] input: RejectReservationInput,
    ) -> Result<ReservationPayload> {
        let RejectReservationInput { reservation_id, reason, activity_id, expected_version, idempotency_key } =
            input;
        let reservation: ReservationId = id("reservationId", &reservation_id)?;
        let expected_version = optional_count("expectedVersion", expected_version)?;
        let command = Command::RejectReservation(RejectReservation {
            id: reservation,
            expected_version,
            reason,
            activity: optional_id("activityId", activity_id.as_ref())?,
        });
        let scope = Scope::around(ctx, "reservationId", reservation).await?;
        ReservationPayload::of(&Change::make(ctx, &scope, reservation, idempotency_key, command).await?)
    }

    /// Begins the wrap-up of an accepted Reservation. The Task follows its last one. Errors: `INVALID_STATE`
    /// unless it is `ACCEPTED`.
    async fn wrap_up_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to wrap up.")] input: WrapUpReservationInput,
    ) -> Result<ReservationPayload> {
        let WrapUpReservationInput { reservation_id, expected_version, idempotency_key } = input;
        let reservation: ReservationId = id("reservationId", &reservation_id)?;
        let expected_version = optional_count("expectedVersion", expected_version)?;
        let command = Command::WrapUpReservation(WrapUpReservation { id: reservation, expected_version });
        let scope = Scope::around(ctx, "reservationId", reservation).await?;
        ReservationPayload::of(&Change::make(ctx, &scope, reservation, idempotency_key, command).await?)
    }

    /// Ends the work on a Reservation. The Task follows its last open one. Errors: `INVALID_STATE` unless it is
    /// `ACCEPTED` or `WRAPPING`.
    async fn complete_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to complete.")] input: CompleteReservationInput,
    ) -> Result<ReservationPayload> {
        let CompleteReservationInput { reservation_id, expected_version, idempotency_key } = input;
        let reservation: ReservationId = id("reservationId", &reservation_id)?;
        let expected_version = optional_count("expectedVersion", expected_version)?;
        let command = Command::CompleteReservation(CompleteReservation { id: reservation, expected_version });
        let scope = Scope::around(ctx, "reservationId", reservation).await?;
        ReservationPayload::of(&Change::make(ctx, &scope, reservation, idempotency_key, command).await?)
    }
}

/// A Reservation to be accepted.
#[derive(InputObject)]
pub struct AcceptReservationInput {
    /// The Reservation.
    pub reservation_id: ID,
    /// The `version` of the Reservation that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Reservation to be rejected.
#[derive(InputObject)]
pub struct RejectReservationInput {
    /// The Reservation.
    pub reservation_id: ID,
    /// Why; 1 to 1,024 characters.
    pub reason: Option<String>,
    /// The Activity that the Worker goes to with it, such as one in which no more offers come. Other offers of the
    /// Worker stay. Where left out, the Worker stays where they are.
    pub activity_id: Option<ID>,
    /// The `version` of the Reservation that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Reservation to be wrapped up.
#[derive(InputObject)]
pub struct WrapUpReservationInput {
    /// The Reservation.
    pub reservation_id: ID,
    /// The `version` of the Reservation that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Reservation to be completed.
#[derive(InputObject)]
pub struct CompleteReservationInput {
    /// The Reservation.
    pub reservation_id: ID,
    /// The `version` of the Reservation that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Reservation that was changed.
#[derive(SimpleObject)]
pub struct ReservationPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Reservation after the change.
    pub reservation: Reservation,
}

impl ReservationPayload {
    fn of(change: &Change<ReservationId>) -> Result<ReservationPayload> {
        Ok(ReservationPayload {
            sequence: change.sequence,
            reservation: change.show(|state| &state.reservations)?,
        })
    }
}
