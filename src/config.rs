//! All settings: their names, limits and defaults, and what they mean. They are read once, at the start, from
//! the command line and the environment, and a wrong one stops the program with a message that names it.
//!
//! Secrets are never printed: not by `Debug`, not by `--help`, not by the message that refuses them.

use std::ffi::OsStr;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::http::Uri;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use tracing_subscriber::EnvFilter;

use crate::auth::signing_key::{self, Origin, SigningKey};

/// The settings of a process. Each has the name of its flag; [`Config::default`] is what holds without any.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// Where to listen: an IP address and a port.
    ///
    /// Port 0 lets the system choose one, which the log then names.
    #[arg(long, value_name = "ADDRESS", env = "SWITCHYARD_LISTEN", global = true)]
    #[arg(default_value_t = LISTEN, value_parser = setting(listen))]
    pub listen: SocketAddr,

    /// The database: sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE.
    ///
    /// The file of SQLite is created if it is missing, and its path is taken as it stands: relative to the
    /// working directory unless it begins with a slash.
    #[arg(
        long = "database-url",
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    #[arg(default_value_t, value_parser = setting(Database::from_str).shown_as(database_url_without_secrets))]
    pub database: Database,

    /// The secret that tokens are signed with (HS256), at least 32 bytes of text.
    ///
    /// Others can see a command line, so prefer the environment or the file. "openssl rand -hex 32" makes a
    /// good one. Default: with SQLite, one is generated and kept beside the database, in a file of its name
    /// with .key at the end; with PostgreSQL there is none, and it must be given.
    #[arg(
        long,
        value_name = "SECRET",
        env = "SWITCHYARD_SIGNING_KEY",
        hide_env_values = true,
        global = true
    )]
    #[arg(conflicts_with = "signing_key_file", value_parser = setting(signing_key).secret())]
    pub signing_key: Option<SigningKey>,

    /// A file that holds the secret instead, and that others cannot read.
    #[arg(long, value_name = "PATH", env = "SWITCHYARD_SIGNING_KEY_FILE", global = true)]
    #[arg(value_parser = setting(path))]
    pub signing_key_file: Option<PathBuf>,

    /// The longest attributes of a Worker or Task, in characters of their JSON; 256 to 65536.
    ///
    /// White space counts.
    #[arg(long, value_name = "CHARACTERS", env = "SWITCHYARD_ATTRIBUTES_CHARACTERS_MAX", global = true)]
    #[arg(default_value_t = ATTRIBUTES_CHARACTERS_MAX)]
    #[arg(value_parser = setting(whole("characters", ATTRIBUTES_CHARACTERS_MAX_RANGE)))]
    pub attributes_characters_max: usize,

    /// The longest configuration of a Workflow, in bytes of its JSON; 65536 to 16777216.
    #[arg(long, value_name = "BYTES", env = "SWITCHYARD_WORKFLOW_CONFIGURATION_BYTES_MAX", global = true)]
    #[arg(default_value_t = WORKFLOW_CONFIGURATION_BYTES_MAX)]
    #[arg(value_parser = setting(whole("bytes", WORKFLOW_CONFIGURATION_BYTES_MAX_RANGE)))]
    pub workflow_configuration_bytes_max: usize,

    /// The longest body of a request or message of a WebSocket, in bytes; 65536 to 67108864.
    ///
    /// Not less than the longest configuration of a Workflow.
    #[arg(long, value_name = "BYTES", env = "SWITCHYARD_BODY_BYTES_MAX", global = true)]
    #[arg(default_value_t = BODY_BYTES_MAX, value_parser = setting(whole("bytes", BODY_BYTES_MAX_RANGE)))]
    pub body_bytes_max: usize,

    /// Whose web pages may talk to this server, beside its own: origins, separated by commas.
    ///
    /// An origin is a scheme, a host and perhaps a port, as in `https://desk.example.com`.
    #[arg(long, value_name = "ORIGINS", env = "SWITCHYARD_ALLOWED_ORIGINS", global = true)]
    #[arg(default_value_t, hide_default_value = true, value_parser = setting(AllowedOrigins::from_str))]
    pub allowed_origins: AllowedOrigins,

    /// How long a request may wait for a Workspace, in seconds; 1 to 300.
    ///
    /// It waits while the Workspace is busy, or has not reached the minSequence that the request asks for, and
    /// is then answered UNAVAILABLE.
    #[arg(long, value_name = "SECONDS", env = "SWITCHYARD_REQUEST_TIMEOUT_SECONDS", global = true)]
    #[arg(default_value_t = REQUEST_TIMEOUT_SECONDS)]
    #[arg(value_parser = setting(whole("seconds", REQUEST_TIMEOUT_SECONDS_RANGE)))]
    pub request_timeout_seconds: u32,

    /// How long a finished Task stays in memory, in seconds; 0 to 86400.
    ///
    /// After that it is read from the database.
    #[arg(long, value_name = "SECONDS", env = "SWITCHYARD_FINISHED_TASK_RETENTION_SECONDS", global = true)]
    #[arg(default_value_t = FINISHED_TASK_RETENTION_SECONDS)]
    #[arg(value_parser = setting(whole("seconds", FINISHED_TASK_RETENTION_SECONDS_RANGE)))]
    pub finished_task_retention_seconds: u32,

    /// How long a repeated idempotency key is recognised, in hours; 1 to 168.
    #[arg(long, value_name = "HOURS", env = "SWITCHYARD_IDEMPOTENCY_KEY_HOURS", global = true)]
    #[arg(default_value_t = IDEMPOTENCY_KEY_HOURS)]
    #[arg(value_parser = setting(whole("hours", IDEMPOTENCY_KEY_HOURS_RANGE)))]
    pub idempotency_key_hours: u32,

    /// What is logged: off, error, warn, info, debug or trace.
    ///
    /// Also for single modules, as in info,switchyard::engine=debug.
    #[arg(long, value_name = "FILTER", env = "SWITCHYARD_LOG", global = true)]
    #[arg(default_value = LOG, value_parser = setting(log_filter))]
    pub log: String,

    /// How the log is written to standard error: text or json.
    #[arg(long, value_name = "FORMAT", env = "SWITCHYARD_LOG_FORMAT", global = true)]
    #[arg(default_value_t, value_parser = setting(LogFormat::from_str))]
    pub log_format: LogFormat,
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DATABASE_FILE: &str = "switchyard.db";
const LOG: &str = "info";

const ATTRIBUTES_CHARACTERS_MAX: usize = 4096;
const ATTRIBUTES_CHARACTERS_MAX_RANGE: RangeInclusive<usize> = 256..=65_536;

const WORKFLOW_CONFIGURATION_BYTES_MAX: usize = 1_038_576;
const WORKFLOW_CONFIGURATION_BYTES_MAX_RANGE: RangeInclusive<usize> = 65_536..=16_777_216;

/// Four times the longest Workflow configuration, which grows when it is quoted inside a request.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const BODY_BYTES_MAX_RANGE: RangeInclusive<usize> = 65_536..=67_108_864;

const REQUEST_TIMEOUT_SECONDS: u32 = 10;
const REQUEST_TIMEOUT_SECONDS_RANGE: RangeInclusive<u32> = 1..=300;

const FINISHED_TASK_RETENTION_SECONDS: u32 = 300;
const FINISHED_TASK_RETENTION_SECONDS_RANGE: RangeInclusive<u32> = 0..=86_400;

const IDEMPOTENCY_KEY_HOURS: u32 = 24;
const IDEMPOTENCY_KEY_HOURS_RANGE: RangeInclusive<u32> = 1..=168;

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: LISTEN,
            database: Database::default(),
            signing_key: None,
            signing_key_file: None,
            attributes_characters_max: ATTRIBUTES_CHARACTERS_MAX,
            workflow_configuration_bytes_max: WORKFLOW_CONFIGURATION_BYTES_MAX,
            body_bytes_max: BODY_BYTES_MAX,
            allowed_origins: AllowedOrigins::default(),
            request_timeout_seconds: REQUEST_TIMEOUT_SECONDS,
            finished_task_retention_seconds: FINISHED_TASK_RETENTION_SECONDS,
            idempotency_key_hours: IDEMPOTENCY_KEY_HOURS,
            log: LOG.to_owned(),
            log_format: LogFormat::default(),
        }
    }
}

impl Config {
    /// Checks what one setting alone cannot tell.
    pub fn check(&self) -> Result<(), Error> {
        if self.body_bytes_max < self.workflow_configuration_bytes_max {
            return Err(Error::BodyTooSmall {
                body_bytes_max: self.body_bytes_max,
                workflow_configuration_bytes_max: self.workflow_configuration_bytes_max,
            });
        }

        let given = self.signing_key.is_some() || self.signing_key_file.is_some();
        match self.database {
            Database::Postgres { .. } if !given => Err(Error::SigningKeyMissing),
            Database::Postgres { .. } | Database::Sqlite { .. } => Ok(()),
        }
    }

    /// The signing key: the given one, the one of the given file, or the one beside the SQLite database, which
    /// is generated if it is missing.
    pub fn load_signing_key(&self) -> Result<SigningKey, Error> {
        match (&self.signing_key, &self.signing_key_file, &self.database) {
            (Some(key), _, _) => Ok(key.clone()),
            (None, Some(path), _) => Ok(SigningKey::read(path)?),
            // Nodes that share a database share the key, so no node can make it up.
            (None, None, Database::Postgres { .. }) => Err(Error::SigningKeyMissing),
            (None, None, Database::Sqlite { path }) => {
                let path = key_file_beside(path);
                let (key, origin) = SigningKey::read_or_generate(&path)?;
                match origin {
                    Origin::Found => {}
                    Origin::Generated => {
                        tracing::info!(path = %path.display(), "generated a signing key; whoever reads it can make tokens");
                    }
                }
                Ok(key)
            }
        }
    }
}

fn key_file_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// Settings that do not go together, or a signing key that cannot be had. Wrong values of single settings never
/// become a [`Config`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A Workflow could not be saved with the configuration that it may have.
    #[error(
        "--body-bytes-max (SWITCHYARD_BODY_BYTES_MAX) is {body_bytes_max}: expected at least \
         {workflow_configuration_bytes_max}, the value of --workflow-configuration-bytes-max \
         (SWITCHYARD_WORKFLOW_CONFIGURATION_BYTES_MAX)"
    )]
    BodyTooSmall {
        /// The one setting.
        body_bytes_max: usize,
        /// The other.
        workflow_configuration_bytes_max: usize,
    },
    /// PostgreSQL has no place beside it.
    #[error(
        "no signing key: with PostgreSQL, set SWITCHYARD_SIGNING_KEY to a secret of at least 32 bytes or \
         SWITCHYARD_SIGNING_KEY_FILE to a file that holds one, the same on every node; \
         \"openssl rand -hex 32\" makes one"
    )]
    SigningKeyMissing,
    /// The file is not there, open to others, or malformed.
    #[error(transparent)]
    SigningKey(#[from] signing_key::Error),
}

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file. Other files stand beside it, under its name with an ending: the signing key, the lock.
    Sqlite {
        /// As given.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// With its password, so only for the connection.
        url: String,
    },
}

impl Database {
    /// The address as the store takes it. It may hold a password: not for logs.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Database::Sqlite { path } => format!("sqlite://{}", path.display()),
            Database::Postgres { url } => url.clone(),
        }
    }
}

impl Default for Database {
    fn default() -> Database {
        Database::Sqlite { path: PathBuf::from(DATABASE_FILE) }
    }
}

impl FromStr for Database {
    type Err = String;
    fn from_str(text: &str) -> Result<Database, String> {
        let unexpected = || "expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned();
        match text.split_once("://").ok_or_else(unexpected)? {
            ("sqlite", path) if path.contains('?') => {
                Err("expected no parameters after the path: Switchyard sets what SQLite needs".to_owned())
            }
            // Work that is gone after a restart is not what anybody means.
            ("sqlite", "" | ":memory:") => {
                Err("expected the path of a file, as in sqlite://switchyard.db".to_owned())
            }
            ("sqlite", path) if path.ends_with('/') => {
                Err("expected the path of a file, not of a folder, as in sqlite://switchyard.db".to_owned())
            }
            ("sqlite", path) => Ok(Database::Sqlite { path: PathBuf::from(path) }),
            ("postgres" | "postgresql", "") => Err(unexpected()),
            ("postgres" | "postgresql", _) => Ok(Database::Postgres { url: text.to_owned() }),
            _ => Err(unexpected()),
        }
    }
}

/// The URL without user, password and parameters.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Database::Postgres { url } => f.write_str(&database_url_without_secrets(url)),
        }
    }
}

/// Like `Display`.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Passwords stand before an `@` or among the parameters. The last `@` counts, since a password may hold
/// another one that was not escaped.
fn database_url_without_secrets(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    format!("{scheme}{rest}")
}

/// Origins (RFC 6454), spelt as browsers spell them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Whether `origin`, the header of a request, is one of them.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for AllowedOrigins {
    type Err = String;
    fn from_str(text: &str) -> Result<AllowedOrigins, String> {
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(AllowedOrigins)
    }
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

fn origin(text: &str) -> Result<String, String> {
    let unexpected = || {
        format!(
            "'{text}' is not an origin; expected http or https, a host and perhaps a port, as in https://desk.example.com"
        )
    };

    let uri: Uri = text.parse().map_err(|_| unexpected())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(unexpected());
    };
    let standard_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err(unexpected()),
    };
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    // Patterns such as *.example.com would never match, for a browser names one host.
    let is_host = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
    if !bare || authority.host().is_empty() || !is_host(authority.host()) {
        return Err(unexpected());
    }

    let host = authority.host().to_ascii_lowercase();
    match authority.port() {
        None if authority.as_str().len() != host.len() => Err(unexpected()),
        // Browsers leave the standard port out.
        None => Ok(format!("{scheme}://{host}")),
        Some(port) if port.as_u16() == standard_port => Ok(format!("{scheme}://{host}")),
        Some(port) => Ok(format!("{scheme}://{host}:{}", port.as_u16())),
    }
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("expected text or json".to_owned()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, as in 127.0.0.1:8080 or [::]:8080".to_owned())
}

fn signing_key(text: &str) -> Result<SigningKey, String> {
    SigningKey::from_text(text).map_err(|error| format!("{error}; \"openssl rand -hex 32\" makes a good one"))
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("expected the path of a file".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn log_filter(text: &str) -> Result<String, String> {
    // The filter takes a word that is not a level for the name of a module, of which it then logs everything:
    // a misspelt level would be accepted.
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_known = |directive: &str| {
        directive.contains(['=', '[']) || LEVELS.iter().any(|level| level.eq_ignore_ascii_case(directive))
    };
    let well_formed = text.split(',').all(is_known) && EnvFilter::try_new(text).is_ok();
    well_formed.then(|| text.to_owned()).ok_or_else(|| {
        "expected off, error, warn, info, debug or trace, or a list as in info,switchyard::engine=debug"
            .to_owned()
    })
}

/// A whole number of `unit` within `range`.
fn whole<T>(
    unit: &'static str,
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + fmt::Display + Clone + Send + Sync + 'static,
{
    move |text| {
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            format!("expected a whole number of {unit} from {} to {}", range.start(), range.end())
        })
    }
}

/// Reads one value for clap. Unlike clap's own parsers, it names the environment variable where the value came
/// from there, says what would be right, and does not print secrets.
#[derive(Clone)]
pub struct Setting<F> {
    parse: F,
    /// What of a refused value may be printed.
    shown: fn(&str) -> String,
}

/// A setting that `parse` reads; its error says what it expected.
pub fn setting<F>(parse: F) -> Setting<F> {
    Setting { parse, shown: str::to_owned }
}

impl<F> Setting<F> {
    fn shown_as(self, shown: fn(&str) -> String) -> Setting<F> {
        Setting { shown, ..self }
    }

    fn secret(self) -> Setting<F> {
        self.shown_as(|_| "…".to_owned())
    }
}

impl<T, E, F> TypedValueParser for Setting<F>
where
    T: Clone + Send + Sync + 'static,
    E: fmt::Display,
    F: Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<T, clap::Error> {
        let problem = match value.to_str() {
            Some(text) => match (self.parse)(text) {
                Ok(value) => return Ok(value),
                Err(problem) => problem.to_string(),
            },
            None => "expected UTF-8 text".to_owned(),
        };

        let flag = arg.and_then(clap::Arg::get_long).map(|long| format!("--{long}"));
        let variable = arg.and_then(clap::Arg::get_env).map(|name| name.to_string_lossy().into_owned());
        let name = match (source, flag, variable) {
            (ValueSource::EnvVariable, _, Some(variable)) => variable,
            (_, flag, _) => flag.unwrap_or_default(),
        };
        let shown = (self.shown)(&value.to_string_lossy());
        let message = format!("invalid value '{shown}' for {name}: {problem}\n");
        Err(clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    /// Reads flags only, so that the environment of the tests does not matter.
    fn parse(flags: &[&str]) -> Result<Config, clap::Error> {
        let command = Config::augment_args(clap::Command::new("switchyard").no_binary_name(true));
        let matches = command.mut_args(|arg| arg.env(None::<&str>)).try_get_matches_from(flags)?;
        Config::from_arg_matches(&matches)
    }

    /// The first line of the message that refuses the flags.
    fn refusal(flags: &[&str]) -> String {
        let message = parse(flags).expect_err("the flags are wrong").to_string();
        message.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn without_flags_the_defaults_hold() {
        assert_eq!(format!("{:?}", parse(&[]).unwrap()), format!("{:?}", Config::default()));
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_name_and_what_would_be_right() {
        for (flag, value, expected) in [
            (
                "--listen",
                "localhost:8080",
                "expected an IP address and a port, as in 127.0.0.1:8080 or [::]:8080",
            ),
            ("--listen", "8080", "expected an IP address and a port, as in 127.0.0.1:8080 or [::]:8080"),
            (
                "--database-url",
                "switchyard.db",
                "expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            ),
            (
                "--database-url",
                "mysql://localhost/switchyard",
                "expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            ),
            (
                "--database-url",
                "postgres://",
                "expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            ),
            ("--database-url", "sqlite://", "expected the path of a file, as in sqlite://switchyard.db"),
            (
                "--database-url",
                "sqlite://:memory:",
                "expected the path of a file, as in sqlite://switchyard.db",
            ),
            (
                "--database-url",
                "sqlite://data/",
                "expected the path of a file, not of a folder, as in sqlite://switchyard.db",
            ),
            ("--signing-key-file", "", "expected the path of a file"),
            ("--attributes-characters-max", "255", "expected a whole number of characters from 256 to 65536"),
            ("--attributes-characters-max", "4k", "expected a whole number of characters from 256 to 65536"),
            (
                "--workflow-configuration-bytes-max",
                "1e6",
                "expected a whole number of bytes from 65536 to 16777216",
            ),
            ("--body-bytes-max", "67108865", "expected a whole number of bytes from 65536 to 67108864"),
            ("--body-bytes-max", "4 MiB", "expected a whole number of bytes from 65536 to 67108864"),
            ("--request-timeout-seconds", "0", "expected a whole number of seconds from 1 to 300"),
            ("--request-timeout-seconds", "10s", "expected a whole number of seconds from 1 to 300"),
            (
                "--finished-task-retention-seconds",
                "99999999999",
                "expected a whole number of seconds from 0 to 86400",
            ),
            ("--idempotency-key-hours", "", "expected a whole number of hours from 1 to 168"),
            (
                "--log",
                "warning",
                "expected off, error, warn, info, debug or trace, or a list as in info,switchyard::engine=debug",
            ),
            (
                "--log",
                "switchyard=loud",
                "expected off, error, warn, info, debug or trace, or a list as in info,switchyard::engine=debug",
            ),
            ("--log-format", "xml", "expected text or json"),
        ] {
            let flags = format!("{flag}={value}");
            assert_eq!(refusal(&[&flags]), format!("error: invalid value '{value}' for {flag}: {expected}"));
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(
            refusal(&["--signing-key=hunter2"]),
            "error: invalid value '…' for --signing-key: the secret has 7 bytes; HS256 needs at least 32; \
             \"openssl rand -hex 32\" makes a good one"
        );
        assert_eq!(
            refusal(&["--database-url=mysql://anna:hunt@er2@db/switchyard?password=hunter2"]),
            "error: invalid value 'mysql://db/switchyard' for --database-url: \
             expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE"
        );
        assert_eq!(
            refusal(&["--database-url=anna:hunter2@db"]),
            "error: invalid value 'db' for --database-url: \
             expected sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE"
        );

        let secret = "hunter2hunter2hunter2hunter2hunter2";
        let url = "postgresql://anna:hunter2@db:5432/switchyard?sslmode=require";
        let config = parse(&["--signing-key", secret, "--database-url", url]).unwrap();
        let printed = format!("{config:?} {}", config.database);
        assert!(!printed.contains("hunter2") && !printed.contains("anna"), "{printed}");
        assert_eq!(config.database.to_string(), "postgresql://db:5432/switchyard");
        assert_eq!(config.database, Database::Postgres { url: url.to_owned() });
    }

    #[test]
    fn a_database_is_a_file_or_a_server() {
        for (url, path) in [
            ("sqlite://switchyard.db", "switchyard.db"),
            ("sqlite://data/a b%20c.db", "data/a b%20c.db"),
            ("sqlite:///var/lib/switchyard.db", "/var/lib/switchyard.db"),
        ] {
            assert_eq!(url.parse(), Ok(Database::Sqlite { path: PathBuf::from(path) }));
            assert_eq!(url.parse::<Database>().unwrap().to_string(), url);
        }
        assert_eq!(
            refusal(&["--database-url=sqlite://a.db?mode=rwc"]),
            "error: invalid value 'sqlite://a.db' for --database-url: \
             expected no parameters after the path: Switchyard sets what SQLite needs"
        );
    }

    #[test]
    fn origins_are_spelt_as_browsers_spell_them() {
        for (given, origins) in [
            ("", &[][..]),
            (" , ", &[]),
            ("https://desk.example.com", &["https://desk.example.com"]),
            ("https://Desk.Example.com:443/", &["https://desk.example.com"]),
            ("http://localhost:80", &["http://localhost"]),
            ("http://localhost:443", &["http://localhost:443"]),
            ("http://[::1]:5173, http://127.0.0.1:5173", &["http://[::1]:5173", "http://127.0.0.1:5173"]),
        ] {
            let parsed: AllowedOrigins = given.parse().unwrap();
            assert_eq!(parsed.iter().collect::<Vec<_>>(), origins, "{given}");
            assert!(origins.iter().all(|origin| parsed.contains(origin)));
            assert!(!parsed.contains("https://evil.example.com"));
        }
        for wrong in [
            "*",
            "null",
            "desk.example.com",
            "ftp://desk.example.com",
            "https://",
            "https://desk.example.com/app",
            "https://desk.example.com?a",
            "https://anna@desk.example.com",
            "https://desk.example.com:",
            "https://desk.example.com:99999",
            "https://*.example.com",
        ] {
            let flag = format!("--allowed-origins=https://a.example,{wrong}");
            assert_eq!(
                refusal(&[&flag]),
                format!(
                    "error: invalid value 'https://a.example,{wrong}' for --allowed-origins: \
                     '{wrong}' is not an origin; expected http or https, a host and perhaps a port, \
                     as in https://desk.example.com"
                )
            );
        }
    }

    #[test]
    fn a_log_filter_may_name_modules() {
        for filter in ["off", "WARN", "info,switchyard::engine=debug", "warn,sqlx=error", "[request]=trace"] {
            assert_eq!(parse(&["--log", filter]).unwrap().log, filter);
        }
    }

    #[test]
    fn a_body_holds_the_longest_workflow_configuration() {
        let config = parse(&["--body-bytes-max=65536"]).unwrap();
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "--body-bytes-max (SWITCHYARD_BODY_BYTES_MAX) is 65536: expected at least 1038576, the value of \
             --workflow-configuration-bytes-max (SWITCHYARD_WORKFLOW_CONFIGURATION_BYTES_MAX)"
        );
        let flags = ["--body-bytes-max=65536", "--workflow-configuration-bytes-max=65536"];
        assert!(parse(&flags).unwrap().check().is_ok());
    }

    #[test]
    fn postgresql_needs_a_signing_key() {
        let url = "--database-url=postgres://localhost/switchyard";
        let expected = "no signing key: with PostgreSQL, set SWITCHYARD_SIGNING_KEY to a secret of at least 32 \
                        bytes or SWITCHYARD_SIGNING_KEY_FILE to a file that holds one, the same on every node; \
                        \"openssl rand -hex 32\" makes one";
        let config = parse(&[url]).unwrap();
        assert_eq!(config.check().unwrap_err().to_string(), expected);
        assert_eq!(config.load_signing_key().unwrap_err().to_string(), expected);

        let key = "--signing-key=0123456789abcdef0123456789abcdef";
        let config = parse(&[url, key]).unwrap();
        assert!(config.check().is_ok());
        assert_eq!(config.load_signing_key().unwrap().bytes(), b"0123456789abcdef0123456789abcdef");
        assert!(parse(&[url, "--signing-key-file=key"]).unwrap().check().is_ok());
        assert!(parse(&[key, "--signing-key-file=key"]).is_err(), "which of the two?");
    }

    #[test]
    fn the_generated_key_stands_beside_the_database() {
        assert_eq!(key_file_beside(Path::new("data/switchyard.db")), Path::new("data/switchyard.db.key"));
        assert_eq!(key_file_beside(Path::new("tasks")), Path::new("tasks.key"));
    }

    #[test]
    fn help_tells_of_every_setting_its_variable_and_of_every_number_its_limits() {
        let mut command = Config::augment_args(clap::Command::new("switchyard"));
        let help = command.render_long_help().to_string();
        for arg in command.get_arguments().filter(|arg| arg.get_id() != "help") {
            let flag = arg.get_long().expect("a setting has a long flag");
            let variable = arg.get_env().expect("a setting has a variable").to_string_lossy();
            if flag != "database-url" {
                assert_eq!(variable, format!("SWITCHYARD_{}", flag.to_uppercase().replace('-', "_")));
            }
            assert!(
                help.contains(&format!("--{flag} ")) && help.contains(&format!("[env: {variable}")),
                "{flag}"
            );
            assert!(arg.is_global_set(), "--{flag} goes before and after a command");
        }
        for limits in
            [ATTRIBUTES_CHARACTERS_MAX_RANGE, WORKFLOW_CONFIGURATION_BYTES_MAX_RANGE, BODY_BYTES_MAX_RANGE]
        {
            assert!(help.contains(&format!("; {} to {}", limits.start(), limits.end())), "{limits:?}");
        }
        for limits in [
            REQUEST_TIMEOUT_SECONDS_RANGE,
            FINISHED_TASK_RETENTION_SECONDS_RANGE,
            IDEMPOTENCY_KEY_HOURS_RANGE,
        ] {
            assert!(help.contains(&format!("; {} to {}", limits.start(), limits.end())), "{limits:?}");
        }
    }
}
