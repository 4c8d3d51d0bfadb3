//! Commonhold: shares files with those who may have them, and can say who that is.

mod commands;
mod config;
mod machine;
mod pages;
mod serve;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

/// Rows and headers are many small allocations, made on one thread and freed on another; and large pieces of files come and
/// go, whose pages this one keeps. It serves SQLite too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = commands::Command::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("commonhold: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("commonhold: {error}");
            ExitCode::FAILURE
        }
    }
}
