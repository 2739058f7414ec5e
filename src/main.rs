//! The program: arguments to configuration, configuration to a running server or what a command prints.

mod cli;

use std::process::ExitCode;

/// A quarter of the work of a small request was allocation with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::parse();
    match cli::execute(cli).await {
        Ok(exit_code) => exit_code,
        Err(error) => {
            // The log may be filtered or not have started; whoever started the program hears of it anyway.
            #[expect(clippy::print_stderr, reason = "the last words of the program, after the log")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
