//! The commands: `serve`, `token`, `schema`, `evaluate`, `check`, `test` and `explain`. The last four have a
//! file each.

mod check;
mod evaluate;
mod explain;
mod test;

use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use routing::ids::WorkspaceId;
use switchyard::auth::jwt::Keys;
use switchyard::auth::{Grant, Principal, Role};
use switchyard::clock::Clock;
use switchyard::config::{Config, setting};
use switchyard::telemetry;
use uuid::Uuid;

/// Switchyard, a self-hosted task router: Tasks find the Workers who can do them, over GraphQL.
///
/// Every setting is a flag or an environment variable; the flag wins. Without a command, it serves.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (this is also what happens without a command).
    Serve,
    /// Print a token for a program or a person.
    ///
    /// It is signed with the server's key, which is generated first where that is due, so this works before the
    /// server has run.
    Token(Token),
    /// Print the schema of the API.
    Schema,
    // In a box, since it is several times as large as the others.
    Evaluate(Box<evaluate::Evaluate>),
    Check(check::Check),
    Test(test::Test),
    Explain(explain::Explain),
}

#[derive(Debug, clap::Args)]
struct Token {
    /// What the bearer may do: admin, supervisor, reporter or worker.
    #[arg(long, value_parser = setting(str::parse::<Role>))]
    role: Role,

    /// The Workspace that it is limited to, by id.
    ///
    /// An admin without one has all Workspaces; for the other roles it may be left out where there is only one.
    #[arg(long, value_name = "ID", value_parser = setting(str::parse::<WorkspaceId>))]
    workspace: Option<WorkspaceId>,

    /// The Worker that it is for, by id or name; for the role worker, and only for it.
    #[arg(long, value_name = "ID|NAME")]
    worker: Option<String>,

    /// How long it is valid: a number and s, m, h or d, as in 90s, 15m, 1h or 7d; 1s to 365d.
    #[arg(long = "ttl", value_name = "DURATION", default_value = "1h", value_parser = setting(duration_seconds))]
    ttl_seconds: u32,
}

/// Reads the command line and the environment. What is wrong there ends the process with status 2.
pub fn parse() -> Cli {
    let cli = Cli::parse();
    let checked = match &cli.command {
        None | Some(Command::Serve) => cli.config.check(),
        Some(Command::Token(token)) => {
            token.check().unwrap_or_else(|problem| refuse(problem));
            cli.config.check()
        }
        Some(Command::Explain(_)) => cli.config.check(),
        // Not a matter of settings.
        Some(Command::Schema | Command::Evaluate(_) | Command::Check(_) | Command::Test(_)) => Ok(()),
    };
    checked.unwrap_or_else(|error| refuse(error));
    cli
}

fn refuse(problem: impl std::fmt::Display) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, problem).exit()
}

/// Does what was asked for. A command that looks something over may end well and still not with success.
pub async fn execute(Cli { command, config }: Cli) -> anyhow::Result<ExitCode> {
    match command {
        None | Some(Command::Serve) => {
            telemetry::start(&config)?;
            switchyard::run(config).await?;
        }
        Some(Command::Token(token)) => {
            telemetry::start(&config)?;
            print(&token.make(&config).await?)?;
        }
        Some(Command::Schema) => print(switchyard::sdl().trim_end())?,
        Some(Command::Explain(explain)) => {
            telemetry::start(&config)?;
            return explain.run(&config).await;
        }
        // None of these has anything to do meanwhile, so they may block.
        Some(Command::Evaluate(evaluate)) => return evaluate.run(),
        Some(Command::Check(check)) => return check.run(config.workflow_configuration_bytes_max),
        Some(Command::Test(test)) => return test.run(),
    }
    Ok(ExitCode::SUCCESS)
}

impl Token {
    fn check(&self) -> Result<(), &'static str> {
        match (self.role, &self.worker) {
            (Role::Worker, None) => Err("--role worker needs --worker, the id or name of the Worker"),
            (Role::Admin | Role::Supervisor | Role::Reporter, Some(_)) => {
                Err("--worker goes only with --role worker")
            }
            (Role::Worker, Some(_)) | (Role::Admin | Role::Supervisor | Role::Reporter, None) => Ok(()),
        }
    }

    async fn make(self, config: &Config) -> anyhow::Result<String> {
        let Token { role, workspace, worker, ttl_seconds } = self;
        let keys = Keys::from_secret(config.load_signing_key()?.bytes())?;

        let (workspace, worker) = match (role, worker) {
            (_, Some(worker)) => {
                let (workspace, worker) = switchyard::resolve_worker(config, workspace, &worker).await?;
                (Some(workspace), Some(worker))
            }
            (Role::Admin, None) if workspace.is_none() => (None, None),
            (_, None) => (Some(switchyard::resolve_workspace(config, workspace).await?), None),
        };
        let grant = Grant::of(role, workspace, worker)?;

        let now = Clock::system().now();
        let principal = Principal {
            grant,
            // A Worker's token is the Worker's; any other is known by its role, for want of a name.
            subject: worker.map_or_else(|| role.to_string(), |worker| worker.to_string()),
            expires_at: now.plus_seconds(ttl_seconds),
            token_id: Uuid::now_v7().simple().to_string(),
        };
        Ok(keys.sign(&principal, now))
    }
}

/// A year is more than any token should live, and short enough to be a decision.
const TTL_SECONDS_MAX: u32 = 365 * 86_400;

fn duration_seconds(text: &str) -> Result<u32, String> {
    let parsed = || {
        let unit = text.chars().last()?;
        let seconds_per_unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let digits = text.strip_suffix(unit)?;
        // `parse` would also take a sign.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let seconds = digits.parse::<u32>().ok()?.checked_mul(seconds_per_unit)?;
        (1..=TTL_SECONDS_MAX).contains(&seconds).then_some(seconds)
    };
    parsed().ok_or_else(|| {
        "expected a number and s, m, h or d, as in 90s, 15m, 1h or 7d, from 1s to 365d".to_owned()
    })
}

/// How a command prints what it found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl FromStr for Format {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Format, &'static str> {
        match text {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            _ => Err("expected text or json"),
        }
    }
}

/// Success when all is well.
fn exit_code(all_is_well: bool) -> ExitCode {
    if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A text on one line, without anything that would make a terminal do something else than print it.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Not `println!`, which panics when the reader of a pipe has gone.
fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_make_sense_to_clap() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("15m", 900),
            ("1h", 3_600),
            ("007d", 604_800),
            ("365d", 31_536_000),
            ("31536000s", 31_536_000),
        ] {
            assert_eq!(duration_seconds(text), Ok(seconds), "{text}");
        }
        for wrong in [
            "",
            "s",
            "1",
            "0s",
            "0d",
            "-1h",
            "+1h",
            "1.5h",
            "1 h",
            " 1h",
            "1h ",
            "1H",
            "1w",
            "1h30m",
            "366d",
            "31536001s",
            "18446744073709551615d",
            "99999999999999999999s",
            "1é",
            "١h",
        ] {
            let problem = duration_seconds(wrong).unwrap_err();
            assert_eq!(
                problem, "expected a number and s, m, h or d, as in 90s, 15m, 1h or 7d, from 1s to 365d",
                "{wrong}"
            );
        }
    }

    #[test]
    fn settings_go_before_and_after_the_command() {
        for arguments in [
            &["switchyard", "--request-timeout-seconds", "7"][..],
            &["switchyard", "--request-timeout-seconds", "7", "serve"],
            &["switchyard", "serve", "--request-timeout-seconds", "7"],
            &["switchyard", "token", "--role", "admin", "--request-timeout-seconds", "7"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            assert_eq!(cli.config.request_timeout_seconds, 7, "{arguments:?}");
        }
    }
}
