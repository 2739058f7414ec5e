//! Tells a story, step by step, until something is not as it should be.

use routing::Rejection;
use routing::ids::WorkflowId;
use routing::rejection::Code;
use routing::time::Timestamp;

use crate::expect::{Difference, differences};
use crate::explain::{Explanation, explain};
use crate::format::{Action, Command, Scenario, Step};
use crate::perform::perform;
use crate::read::CODES;
use crate::time::{Span, date_time};
use crate::words;
use crate::world::World;
use crate::yaml::{Fault, Located, Place};

/// A report shows the newest events; what is older than these has hardly to do with it.
const EVENTS_MAX: usize = 50;

/// What was expected, and what there was instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Where in the file.
    pub at: Place,
    /// What was expected, as a sentence without a full stop.
    pub expected: String,
    /// What was the case.
    pub instead: String,
}

/// A story that did not go as it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// How long after the start it was.
    pub time: Span,
    /// Never empty.
    pub mismatches: Vec<Mismatch>,
    /// The newest events since some were expected last, each with its time.
    pub events: Vec<(Span, String)>,
    /// How many came before these.
    pub n_earlier_events: usize,
    /// Why the Tasks concerned wait.
    pub explanations: Vec<Explanation>,
}

/// Why a scenario is not right.
pub(crate) enum Stop {
    Failed(Failure),
    Unclear(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Unclear(fault)
    }
}

/// Makes the Workspace and tells the story.
pub(crate) fn run(scenario: &Scenario) -> Result<(), Stop> {
    run_watched(scenario, |_| {})
}

/// The same, with a look at the Workspace after every step.
pub(crate) fn run_watched(scenario: &Scenario, mut look: impl FnMut(&World)) -> Result<(), Stop> {
    let mut world = set_up(scenario)?;
    for step in &scenario.story {
        take(&mut world, step)?;
        look(&world);
    }
    Ok(())
}

fn set_up(scenario: &Scenario) -> Result<World, Stop> {
    let mut world = World::found(scenario.starts, scenario.limits.clone());
    let mut workflows: Vec<WorkflowId> = Vec::new();
    for step in &scenario.set_up {
        take(&mut world, step)?;
        if let Action::Command(command) = &step.action.value
            && let Command::AddWorkflow { workflow, settings: _ } = &**command
        {
            workflows.push(world.workflow(workflow)?);
        }
    }
    world.begin(&workflows);
    Ok(world)
}

fn take(world: &mut World, step: &Step) -> Result<(), Stop> {
    let at = step.action.at;
    match &step.action.value {
        Action::At(instant) => {
            let to = instant.after(world.starts());
            if to < world.now() {
                return Err(Fault::new(at, time_has_passed(world, to)).into());
            }
            world.advance(to);
            Ok(())
        }
        Action::After(span) => {
            world.advance(Timestamp(world.now().0.saturating_add(span.0)));
            Ok(())
        }
        Action::Restart { down_for } => {
            let down_for = down_for.map_or(0, |span| span.0);
            world.restart(Timestamp(world.now().0.saturating_add(down_for)));
            Ok(())
        }
        Action::Expect(expectations) => match differences(world, expectations)? {
            differences if differences.is_empty() => Ok(()),
            differences => Err(failure(world, differences)),
        },
        Action::Command(command) => {
            let answer = perform(world, command)?;
            compare_answer(world, at, answer, step.refused.as_ref())
        }
    }
}

fn compare_answer(
    world: &World,
    at: Place,
    answer: Result<(), Rejection>,
    refused: Option<&Located<Code>>,
) -> Result<(), Stop> {
    let (at, expected, instead) = match (answer, refused) {
        (Ok(()), None) => return Ok(()),
        (Err(rejection), Some(refused)) if rejection.code() == refused.value => return Ok(()),
        (Err(rejection), None) => (at, "the step is carried out".to_owned(), in_words(world, &rejection)),
        (Ok(()), Some(refused)) => (
            refused.at,
            format!("the step is refused with {}", name(refused.value)),
            "it was carried out".to_owned(),
        ),
        (Err(rejection), Some(refused)) => {
            let expected = format!("the step is refused with {}", name(refused.value));
            (refused.at, expected, in_words(world, &rejection))
        }
    };
    let difference = Difference { at, expected, instead, task: None, wanted: Vec::new() };
    Err(failure(world, vec![difference]))
}

fn in_words(world: &World, rejection: &Rejection) -> String {
    let sentence = match rejection {
        // Whoever wrote a routing document wants to see every fault, each on a line.
        Rejection::InvalidWorkflow { field: _, faults } => {
            faults.iter().map(|fault| format!("\n{}: {}", fault.path_text(), fault.message)).collect()
        }
        other => format!(" {other}"),
    };
    world.in_words(&format!("it was refused with {}:{sentence}", name(rejection.code())))
}

fn name(code: Code) -> &'static str {
    CODES.iter().find(|(_, known)| *known == code).map_or("an unknown code", |(name, _)| name)
}

fn time_has_passed(world: &World, to: Timestamp) -> String {
    let (to_span, now_span) = (world.since_start(to), world.since_start(world.now()));
    format!("it is {now_span} ({}) already; time does not go back to {to_span}", date_time(world.now()))
}

fn failure(world: &World, differences: Vec<Difference>) -> Stop {
    let n_earlier_events = world.news().len().saturating_sub(EVENTS_MAX);
    let events = world.news()[n_earlier_events..]
        .iter()
        .map(|recorded| (world.since_start(recorded.at), words::event(world, &recorded.event)));
    let mut explanations: Vec<Explanation> = Vec::new();
    for difference in &differences {
        let task = difference.task.and_then(|id| world.task(id));
        let explanation = task.and_then(|task| explain(world, task, &difference.wanted));
        if let Some(new) = explanation
            && !explanations.iter().any(|known| known.task == new.task)
        {
            explanations.push(new);
        }
    }
    let mismatch = |Difference { at, expected, instead, .. }| Mismatch { at, expected, instead };
    Stop::Failed(Failure {
        time: world.since_start(world.now()),
        events: events.collect(),
        n_earlier_events,
        explanations,
        mismatches: differences.into_iter().map(mismatch).collect(),
    })
}
