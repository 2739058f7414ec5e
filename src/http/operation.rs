//! One GraphQL operation, whichever transport brings it.
//!
//! 1. [`Parameters`] are what the client sent: the body of a POST, the query string of a GET, the payload of a
//!    `subscribe` message.
//! 2. [`Endpoint::prepare`] turns them into an [`Operation`]: the document is parsed and within the limits, the
//!    operation is known, its variables are there, and the Caller (nothing else) is in the request's data.
//! 3. [`Endpoint::run`] or [`Endpoint::follow`] execute it. They answer in finished JSON, so that a subscription
//!    that many sockets share is executed once and its text sent to all of them (`shared`).
//!
//! The schema runs without the engine's extensions: one, even if it does nothing, makes every field and list
//! item four times as dear. What they would do (limits, masking, spans) happens around the schema, here.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use async_graphql::{Executor, Name, Request, Value, Variables, parser::types::OperationType};
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
    shared::{Followed, Follower, Groups, Key},
    variables::InputTypes,
};
use crate::graphql::progress::Progress;

/// What every request of this server shares.
pub(super) struct Endpoint<E, G: Gate> {
    pub schema: E,
    /// The same schema, which does not validate: for what is known to be valid.
    pub trusting: E,
    pub gate: G,
    pub documents: Documents,
    pub input_types: InputTypes,
    pub groups: Groups<E, G>,
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
pub(super) struct Operation<G: Gate> {
    pub kind: OperationType,
    execution: Execution<G>,
}

enum Execution<G: Gate> {
    /// For its client alone.
    Alone {
        request: Box<Request>,
        document: Arc<Document>,
        /// The document was found valid before, and the variables fit.
        is_trusted: bool,
    },
    /// A subscription that may be executed once for all with this key.
    Shareable {
        key: Key<G::Audience>,
        template: Template,
        caller: G::Caller,
        addressee: Option<G::Addressee>,
    },
}

/// A subscription that can be executed several times.
pub(super) struct Template {
    query: String,
    operation_name: Option<String>,
    /// Without those that say whom it is for.
    variables: Variables,
    addressing: Vec<Name>,
    document: Arc<Document>,
    /// The variables fit the document.
    variables_fit: bool,
}

impl Template {
    /// To be executed for the addressee (if there are such), by whoever knows how far it has come. What is
    /// to be seen, and by whom, still has to be put into its data.
    pub fn request(&self, addressee: Option<impl fmt::Display>, progress: Arc<Progress>) -> Request {
        let mut variables = self.variables.clone();
        if let Some(addressee) = addressee {
            let addressee = addressee.to_string();
            for name in &self.addressing {
                variables.insert(name.clone(), addressee.as_str().into());
            }
        }
        let mut request = Request::new(&self.query).variables(variables).data(progress);
        request.operation_name.clone_from(&self.operation_name);
        request.set_parsed_query(self.document.executable.clone());
        request
    }

    fn is_trusted(&self) -> bool {
        self.variables_fit && self.document.is_known_valid()
    }
}

/// The answers of one operation.
pub(super) enum Answers<E, G: Gate> {
    Alone(BoxStream<'static, Answer>),
    Shareable(Follower<E, G>),
}

impl<E: Executor, G: Gate> Answers<E, G> {
    /// The next one of the operation with this id (as JSON). A panic of the execution comes out of here.
    pub fn poll_next(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Followed> {
        match self {
            Answers::Alone(answers) => answers.poll_next_unpin(context).map(Followed::Own),
            Answers::Shareable(follower) => follower.poll_next(context, id),
        }
    }
}

impl<E: Executor, G: Gate> Endpoint<E, G> {
    pub fn prepare(&self, parameters: Parameters, caller: G::Caller) -> Result<Operation<G>, Refusal> {
        let Parameters { query, operation_name, variables, extensions } = parameters;
        let document = self.documents.find(&query)?;
        let operation = document.operation(operation_name.as_deref())?;
        check_variables(operation, &variables)?;
        let variables_fit = self.input_types.surely_fit(operation, &variables);

        let span = tracing::Span::current();
        span.record("kind", tracing::field::display(operation.ty));
        if let Some(name) = &operation_name {
            span.record("operation", name);
        }

        let caller = match extensions.min_sequence {
            Some(sequence) => G::with_minimum_sequence(caller, sequence),
            None => caller,
        };
        let kind = operation.ty;
        let sharing = match kind {
            OperationType::Subscription => Sharing::<G>::of(&caller, &document, &variables),
            OperationType::Query | OperationType::Mutation => None,
        };
        let execution = if let Some(Sharing { audience, addressee, addressing }) = sharing {
            let mut variables = variables;
            for name in &addressing {
                variables.insert(name.clone(), Value::Null);
            }
            let key = Key {
                audience,
                query: query.clone(),
                operation_name: operation_name.clone(),
                variables: document.variables_that_matter(&variables),
            };
            let template = Template { query, operation_name, variables, addressing, document, variables_fit };
            Execution::Shareable { key, template, caller, addressee }
        } else {
            let mut request = Request::new(query).variables(variables).data(caller);
            request.operation_name = operation_name;
            request.set_parsed_query(document.executable.clone());
            let is_trusted = variables_fit && document.is_known_valid();
            Execution::Alone { request: Box::new(request), document, is_trusted }
        };
        Ok(Operation { kind, execution })
    }

    /// Executes a query or mutation.
    pub async fn run(self: Arc<Self>, operation: Operation<G>, id: RequestId) -> Answer {
        let Operation { kind, execution } = operation;
        let Execution::Alone { request, document, is_trusted } = execution else {
            unreachable!("a subscription is followed")
        };
        let schema = if is_trusted { &self.trusting } else { &self.schema };
        let executed = AssertUnwindSafe(schema.execute(*request)).catch_unwind();
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
    pub fn follow(self: &Arc<Self>, operation: Operation<G>, id: RequestId) -> Answers<E, G> {
        let Operation { kind, execution } = operation;
        match (kind, execution) {
            (_, Execution::Shareable { key, template, caller, addressee }) => {
                Answers::Shareable(Follower::new(self, key, template, caller, addressee, id))
            }
            (OperationType::Subscription, Execution::Alone { request, document, is_trusted }) => {
                Answers::Alone(self.answers(*request, document, is_trusted, id))
            }
            (OperationType::Query | OperationType::Mutation, execution @ Execution::Alone { .. }) => {
                Answers::Alone(stream::once(Arc::clone(self).run(Operation { kind, execution }, id)).boxed())
            }
        }
    }

    /// Executes what was made from the template.
    pub fn execute_stream(
        &self,
        template: &Template,
        request: Request,
        id: RequestId,
    ) -> BoxStream<'static, Answer> {
        self.answers(request, Arc::clone(&template.document), template.is_trusted(), id)
    }

    fn answers(
        &self,
        request: Request,
        document: Arc<Document>,
        is_trusted: bool,
        id: RequestId,
    ) -> BoxStream<'static, Answer> {
        let schema = if is_trusted { &self.trusting } else { &self.schema };
        let responses = schema.execute_stream(request, None);
        let answers = responses.map(move |response| {
            let answer = Answer::of_event(response, &id);
            if let Answer::Executed(_) = answer {
                document.mark_valid();
            }
            answer
        });
        answers.boxed()
    }
}

/// How a subscription may be shared.
struct Sharing<G: Gate> {
    audience: G::Audience,
    /// Where each of the audience is shown what is theirs alone: whom it is for, and by which variables it says so.
    addressee: Option<G::Addressee>,
    addressing: Vec<Name>,
}

impl<G: Gate> Sharing<G> {
    fn of(caller: &G::Caller, document: &Document, variables: &Variables) -> Option<Self> {
        let audience = G::audience(caller)?;
        let addressee = G::addressee(caller);
        let addressing = match &addressee {
            Some(addressee) => document.addressing(variables, &addressee.to_string()),
            None => Vec::new(),
        };
        // What says nowhere whom it is for is not known to be the like of what others follow.
        let is_shareable = addressee.is_none() || !addressing.is_empty();
        is_shareable.then_some(Sharing { audience, addressee, addressing })
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
