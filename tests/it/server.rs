//! A real server process, reached as its users reach it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long a server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that can be killed and started again on the same database.
pub struct Server {
    process: Child,
    /// Kept open: a server that cannot write its greeting would fail.
    _output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    database_url: String,
    pub address: SocketAddr,
    pub workspace: String,
    /// A token of the role admin, from the command line.
    pub admin: String,
}

impl Server {
    /// Starts a server on a database.
    pub async fn start(database_url: &str) -> Server {
        let folder = TempDir::new().expect("a folder for the test");
        Server::start_in(folder, database_url.to_owned(), "127.0.0.1:0", &[]).await
    }

    /// Kills the process as a power cut would, and starts another one at the same address.
    pub async fn crash_and_restart(self) -> Server {
        self.crash_and_restart_with(&[]).await
    }

    /// The same, with other settings, as on the command line.
    pub async fn crash_and_restart_with(mut self, settings: &[&str]) -> Server {
        self.process.kill().await.expect("the server can be killed");
        let Server { folder, database_url, address, .. } = self;
        Server::start_in(folder, database_url, &address.to_string(), settings).await
    }

    /// Asks the process to stop, and waits until it has. Returns whether it ended well.
    pub async fn stop(mut self) -> bool {
        let pid = self.process.id().expect("the server runs").to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill can be run");
        let status =
            tokio::time::timeout(PATIENCE, self.process.wait()).await.expect("the server stops in time");
        status.expect("the server was waited for").success()
    }

    /// Waits until the process has ended by itself. Returns whether it ended well.
    pub async fn ended(mut self) -> bool {
        let status =
            tokio::time::timeout(PATIENCE, self.process.wait()).await.expect("the server ends in time");
        status.expect("the server was waited for").success()
    }

    /// Runs another command of the program on the same database.
    pub async fn command(&self, arguments: &[&str]) -> std::process::Output {
        command(&self.folder, &self.database_url)
            .args(arguments)
            .output()
            .await
            .expect("the program can be run")
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn socket_url(&self) -> String {
        format!("ws://{}/graphql/ws", self.address)
    }

    async fn start_in(folder: TempDir, database_url: String, listen: &str, settings: &[&str]) -> Server {
        let mut process = command(&folder, &database_url)
            .args(["serve", "--listen", listen])
            .args(settings)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be run");
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let greeting = async {
            let (mut address, mut workspace) = (None, None);
            while address.is_none() || workspace.is_none() {
                let line = output.next_line().await.expect("the greeting can be read");
                let line = line.expect("the server has ended before it was ready");
                if let Some(url) = line.split_whitespace().find_map(|word| word.strip_prefix("http://")) {
                    address = Some(url.trim_end_matches("/graphql").parse().expect("an address"));
                }
                let id = line.split_whitespace().find(|word| word.starts_with("WS") && word.len() == 34);
                workspace = workspace.or(id.map(str::to_owned));
            }
            (address.expect("just seen"), workspace.expect("just seen"))
        };
        let (address, workspace) =
            tokio::time::timeout(PATIENCE, greeting).await.expect("the server starts in time");
        let mut server = Server {
            process,
            _output: output,
            folder,
            database_url,
            address,
            workspace,
            admin: String::new(),
        };
        let token = server.command(&["token", "--role", "admin", "--ttl", "1h"]).await;
        assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
        server.admin = String::from_utf8(token.stdout).expect("a token is text").trim().to_owned();
        server
    }
}

fn command(folder: &TempDir, database_url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATABASE_URL", database_url)
        .env("SWITCHYARD_LOG", "warn")
        .kill_on_drop(true);
    if database_url.starts_with("postgres") {
        command.env("SWITCHYARD_SIGNING_KEY", "a signing key for tests, of at least 32 bytes");
    }
    command
}

/// Who speaks GraphQL over HTTP with one token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What came back instead of data.
#[derive(Debug, Clone)]
#[allow(dead_code)] // What is inside is for the messages of failed tests.
pub enum Failure {
    /// The server answered with this error.
    Refused { code: String, error: Value },
    /// There was no answer: nobody knows whether anything happened.
    Lost(String),
}

impl Client {
    pub fn new(server: &Server, token: &str) -> Client {
        Client { http: reqwest::Client::new(), url: server.url(), token: token.to_owned() }
    }

    /// The same server, with another token.
    pub fn with_token(&self, token: &str) -> Client {
        Client { token: token.to_owned(), ..self.clone() }
    }

    /// The data of an answer that must be without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        match self.ask(query, variables.clone()).await {
            Ok(data) => data,
            Err(failure) => panic!("{query} with {variables} failed: {failure:?}"),
        }
    }

    /// The first error of an answer that must have one.
    pub async fn error(&self, query: &str, variables: Value) -> Value {
        match self.ask(query, variables).await {
            Err(Failure::Refused { error, .. }) => error,
            other => panic!("{query} should have been refused: {other:?}"),
        }
    }

    pub async fn ask(&self, query: &str, variables: Value) -> Result<Value, Failure> {
        let mut answer = self.whole(&json!({ "query": query, "variables": variables })).await?;
        match answer.pointer_mut("/errors/0").map(Value::take) {
            None => Ok(answer["data"].take()),
            Some(error) => {
                let code = error["extensions"]["code"].as_str().unwrap_or_default().to_owned();
                Err(Failure::Refused { code, error })
            }
        }
    }

    /// The whole answer to a request body.
    pub async fn whole(&self, body: &Value) -> Result<Value, Failure> {
        let lost = |error: reqwest::Error| Failure::Lost(error.to_string());
        let request = self.http.post(&self.url).bearer_auth(&self.token).json(body).timeout(PATIENCE);
        request.send().await.map_err(lost)?.json().await.map_err(lost)
    }
}

impl Failure {
    pub fn code(&self) -> &str {
        match self {
            Failure::Refused { code, .. } => code,
            Failure::Lost(_) => "",
        }
    }

    /// Is it unknown whether the request was carried out?
    pub fn is_uncertain(&self) -> bool {
        match self {
            Failure::Refused { code, .. } => code == "UNAVAILABLE",
            Failure::Lost(_) => true,
        }
    }
}
