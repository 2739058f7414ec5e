//! One GraphQL operation, whichever transport brings it.
//!
//! 1. [`Parameters`] are what the client sent: the body of a POST, the query string of a GET, the payload of a
//!    `subscribe` message.
//! 2. [`Endpoint::prepare`] turns them into an [`Operation`]: the document is parsed and within the limits, the
//!    operation is known, its variables are there, and the Caller (nothing else) is in the request's data.
//! 3. [`Endpoint::run`] or [`Endpoint::follow`] execute it. They answer in finished JSON, so that a subscription
//!    that many sockets share can be executed once and its text sent to all of them.
//!
//! The schema runs without the engine's extensions: one, even if it does nothing, makes every field and list
//! item four times as dear. What they would do (limits, masking, spans) happens around the schema, here.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Executor, Request, Variables, parser::types::OperationType};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Gate, RequestId, Settings,
    answer::{Answer, Code, Refusal},
    documents::{Document, Documents, check_variables},
    variables::InputTypes,
};

/// What every request of this server shares.
pub(super) struct Endpoint<E, G> {
    pub schema: E,
    /// The same schema, which does not validate: for what is known to be valid.
    pub trusting: E,
    pub gate: G,
    pub documents: Documents,
    pub input_types: InputTypes,
    pub settings: Settings,
    pub shutdown: CancellationToken,
    /// Everything that must have ended before the process may.
    pub connections: TaskTracker,
}

/// A GraphQL request as the client sent it.
#[derive(Default)]
pub(super) struct Parameters {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: Extensions,
}

/// Of the request extensions, those that mean something here. Others are ignored.
#[derive(Default)]
pub(super) struct Extensions {
    /// Answer from a state that is at least as new as this event.
    pub min_sequence: Option<u64>,
}

/// An operation that is ready to be executed.
pub(super) struct Operation {
    pub kind: OperationType,
    request: Request,
    document: Arc<Document>,
    /// The document was found valid before, and the variables fit.
    is_trusted: bool,
}

impl<E: Executor, G: Gate> Endpoint<E, G> {
    pub fn prepare(&self, parameters: Parameters, caller: G::Caller) -> Result<Operation, Refusal> {
        let Parameters { query, operation_name, variables, extensions } = parameters;
        let document = self.documents.find(&query)?;
        let operation = document.operation(operation_name.as_deref())?;
        check_variables(operation, &variables)?;
        let is_trusted = document.is_known_valid() && self.input_types.surely_fit(operation, &variables);

        let span = tracing::Span::current();
        span.record("kind", tracing::field::display(operation.ty));
        if let Some(name) = &operation_name {
            span.record("operation", name);
        }

        let caller = match extensions.min_sequence {
            Some(sequence) => G::with_minimum_sequence(caller, sequence),
            None => caller,
        };
        let mut request = Request::new(query).variables(variables).data(caller);
        request.operation_name = operation_name;
        request.set_parsed_query(document.executable.clone());
        let kind = operation.ty;
        Ok(Operation { kind, request, document, is_trusted })
    }

    /// Executes a query or mutation.
    pub async fn run(self: Arc<Self>, operation: Operation, id: RequestId) -> Answer {
        let Operation { kind, request, document, is_trusted } = operation;
        let schema = if is_trusted { &self.trusting } else { &self.schema };
        let executed = AssertUnwindSafe(schema.execute(request)).catch_unwind();
        match tokio::time::timeout(self.settings.request_timeout, executed).await {
            Ok(Ok(response)) => {
                let answer = Answer::of(response, &id);
                if let Answer::Executed(_) = answer {
                    document.mark_valid();
                }
                answer
            }
            Ok(Err(panic)) => Answer::of_panic(&*panic, &id),
            Err(_) => {
                tracing::warn!(request_id = %id, %kind, "an operation took too long");
                let message = match kind {
                    OperationType::Mutation => "No answer in time; the mutation may or may not take effect",
                    _ => "No answer in time",
                };
                Refusal::new(Code::Unavailable, message).into()
            }
        }
    }

    /// Executes an operation of any kind as a stream of answers, of which a query or mutation has one. A
    /// panic comes out of the stream's `poll_next`.
    pub fn follow(self: &Arc<Self>, operation: Operation, id: RequestId) -> BoxStream<'static, Answer> {
        match operation.kind {
            OperationType::Subscription => self
                .schema
                .execute_stream(operation.request, None)
                .map(move |response| Answer::of_event(response, &id))
                .boxed(),
            OperationType::Query | OperationType::Mutation => {
                stream::once(Arc::clone(self).run(operation, id)).boxed()
            }
        }
    }
}

// By hand, not derived: a derived one also reads a list as the fields in their order, and its messages do not
// name the field.
impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Parameters;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one GraphQL request as an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut query = None;
                let mut parameters = Parameters::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "query" => query = Some(value(&mut map, "query")?),
                        "operationName" => parameters.operation_name = value(&mut map, "operationName")?,
                        "variables" => parameters.variables = value(&mut map, "variables")?,
                        "extensions" => parameters.extensions = value(&mut map, "extensions")?,
                        _ => {
                            map.next_value::<de::IgnoredAny>()?;
                        }
                    }
                }
                parameters.query = query.ok_or_else(|| de::Error::missing_field("query"))?;
                Ok(parameters)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, name: &str) -> Result<T, A::Error> {
    map.next_value().map_err(|error| de::Error::custom(format_args!("`{name}`: {error}")))
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Extensions, D::Error> {
        let given = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(deserializer)?;
        let min_sequence = match given.as_ref().and_then(|given| given.get("minSequence")) {
            None | Some(serde_json::Value::Null) => None,
            Some(sequence) => Some(sequence.as_u64().ok_or_else(|| {
                de::Error::custom("minSequence must be the `sequence` of an earlier answer, a whole number")
            })?),
        };
        Ok(Extensions { min_sequence })
    }
}
