//! States that a command made something: SLSA provenance of a local build.
//! Where an agent did the work, `agent_run` states more.

use countersign::predicate::{Fact as Stated, Run, builder};
use countersign::statement::Statement;

use crate::observation::{BASIS, Made, Observation, StateError};
use crate::sealing::{Openings, seal_prompt};

/// Makes the statement of a build; the command's arguments are sealed.
///
/// # Errors
/// [`StateError`] if nothing was made, or the system gives no salts.
pub fn local_build(made: &Made, observation: Observation, openings: &dyn Openings) -> Result<Statement, StateError> {
    let mut run = Run::build(builder::LOCAL);
    if let Some(arguments) = seal_prompt(None, observation.command_line(), openings)? {
        run = arguments.redactions.tell("arguments", run);
        run = run.arguments(arguments.record).claim(Stated::Arguments, BASIS, "process:argv");
    }
    let subjects = observation.subjects(made);
    Ok(observation.add_to(run, made).about(subjects)?)
}
