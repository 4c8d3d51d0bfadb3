//! `commonhold sync`: the jobs of synchronisation, for the operator.

use app::sync;
use clap::Subcommand;
use serde_json::json;

use super::context;
use crate::{config::Config, wiring};

#[derive(Subcommand)]
pub(crate) enum Sync {
    /// List the jobs that are not done, and those that were given up
    List {
        /// As JSON, one line for each
        #[arg(long)]
        json: bool,
    },
    /// Try again what was given up
    Retry,
}

pub(crate) async fn run(config: &Config, what: Sync) -> Result<(), String> {
    let app = wiring::build(config).await?;
    let ctx = context(&app);
    match what {
        Sync::List { json } => {
            let mut after = 0;
            loop {
                let jobs = sync::jobs(&app, &ctx, after).await.map_err(|error| error.to_string())?;
                let Some(last) = jobs.last() else { return Ok(()) };
                after = last.id;
                for job in &jobs {
                    print(job, json);
                }
            }
        }
        Sync::Retry => {
            let count = sync::retry(&app, &ctx).await.map_err(|error| error.to_string())?;
            println!("{count} jobs will be tried again");
            Ok(())
        }
    }
}

fn print(job: &sync::JobState, as_json: bool) {
    let state = if job.dead_at.is_some() { "dead" } else { "unfinished" };
    if as_json {
        println!(
            "{}",
            json!({
                "job": job.id, "bucket": job.bucket, "path": job.path, "recursive": job.recursive, "state": state,
                "keys": job.keys_done, "attempts": job.attempts, "requested": job.requested_at.iso_millis(),
                "error": job.last_error,
            })
        );
        return;
    }
    let path = if job.path.is_empty() { "-" } else { &job.path };
    let error = job.last_error.as_deref().unwrap_or("-");
    println!(
        "{}\t{}\t{path}\t{state}\t{} keys\t{} attempts\t{error}",
        job.id, job.bucket, job.keys_done, job.attempts
    );
}
