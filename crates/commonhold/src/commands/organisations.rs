//! What operators do with organisations on the command line: tokens, units, and whole worlds from a file.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::PathBuf,
};

use app::{
    accounts,
    apply::{self, World},
    tokens, units,
};
use clap::{ArgGroup, Args, Subcommand};
use domain::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context;
use crate::{config::Config, wiring};

#[derive(Subcommand)]
pub(super) enum Token {
    /// Print a signed access token for a person, or issue a token of an organisation
    Issue(Issue),
    /// List the tokens of an organisation, without their secrets
    List {
        /// Short name of the organisation
        #[arg(long)]
        organisation: String,
    },
    /// Revoke a token of an organisation; it is refused on the next request
    Revoke {
        /// Its id
        id: Uuid,
    },
}

#[derive(Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["user", "organisation"])))]
pub(super) struct Issue {
    /// Address of the person
    #[arg(long)]
    user: Option<String>,
    /// Short name of the organisation
    #[arg(long)]
    organisation: Option<String>,
    /// A unit that the token is limited to; may be given several times. None: the whole organisation
    #[arg(long, requires = "organisation")]
    unit: Vec<String>,
    /// The first day (YYYY-MM-DD, UTC) on which it does not work any more
    #[arg(long, requires = "organisation")]
    expires: Option<String>,
    /// What it is for
    #[arg(long, requires = "organisation")]
    description: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn text(error: app::Error) -> String {
    wiring::chain(&error)
}

pub(super) async fn token(config: &Config, token: Token) -> Result<(), String> {
    let app = wiring::build(config).await?;
    let ctx = context(&app);
    match token {
        Token::Issue(Issue {
            user: Some(user), json, ..
        }) => {
            let token = accounts::issue_to(&app, &ctx, &user).await.map_err(text)?;
            let secret = token.token.reveal();
            if json {
                println!("{}", json!({ "access_token": secret, "expires_in": token.expires_in }));
            } else {
                println!("{secret}");
            }
        }
        Token::Issue(issue) => {
            let reach = if issue.unit.is_empty() {
                tokens::Reach::Organisation
            } else {
                tokens::Reach::Units(issue.unit)
            };
            let expires_at = match &issue.expires {
                None => None,
                Some(day) => Some(Timestamp::from_date(day).ok_or("--expires: not a day as YYYY-MM-DD")?),
            };
            let request = tokens::Request {
                organisation: issue.organisation.unwrap_or_default(),
                reach,
                expires_at,
                description: issue.description,
            };
            let issued = tokens::issue(&app, &ctx, request).await.map_err(text)?;
            let secret = issued.secret.reveal();
            if issue.json {
                println!("{}", json!({ "id": issued.id, "secret": secret }));
            } else {
                println!("{}\t{secret}", issued.id);
            }
        }
        Token::List { organisation } => {
            for token in tokens::list(&app, &ctx, &organisation).await.map_err(text)? {
                let reach = match token.reach {
                    tokens::Reach::Organisation => "whole organisation".to_owned(),
                    tokens::Reach::Units(units) => format!("units: {}", units.join(", ")),
                };
                let until = token
                    .expires_at
                    .map_or_else(|| "no end".to_owned(), Timestamp::iso_millis);
                let used = token
                    .last_used_at
                    .map_or_else(|| "never used".to_owned(), Timestamp::iso_millis);
                let what_for = token.description.unwrap_or_default();
                println!("{}\t{reach}\t{until}\t{used}\t{what_for}", token.id);
            }
        }
        Token::Revoke { id } => {
            tokens::revoke(&app, &ctx, id).await.map_err(text)?;
            println!("{id}: revoked");
        }
    }
    Ok(())
}

#[derive(Subcommand)]
pub(super) enum Unit {
    /// List the units of an organisation
    List {
        /// Short name of the organisation
        #[arg(long)]
        organisation: String,
    },
    /// Give a unit another name; whatever refers to it stays
    Rename {
        /// Short name of the organisation
        #[arg(long)]
        organisation: String,
        /// Its name
        name: String,
        /// Its new name
        new_name: String,
    },
    /// End a unit: shows what will end with it and asks
    End {
        /// Short name of the organisation
        #[arg(long)]
        organisation: String,
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn unit(config: &Config, unit: Unit) -> Result<(), String> {
    let app = wiring::build(config).await?;
    let ctx = context(&app);
    match unit {
        Unit::List { organisation } => {
            for unit in units::list(&app, &ctx, &organisation).await.map_err(text)? {
                println!("{}\t{}", unit.name, unit.created_at.iso_millis());
            }
        }
        Unit::Rename {
            organisation,
            name,
            new_name,
        } => {
            units::rename(&app, &ctx, &organisation, &name, &new_name)
                .await
                .map_err(text)?;
            println!("{name}: now {new_name}");
        }
        Unit::End {
            organisation,
            name,
            yes,
        } => {
            let shown = units::preview_end(&app, &ctx, &organisation, &name)
                .await
                .map_err(text)?;
            for line in &shown.consequences {
                println!("{line}");
            }
            if !yes && !confirmed(&name)? {
                return Err("nothing was ended".to_owned());
            }
            units::end(&app, &ctx, &organisation, &name, Some(&shown))
                .await
                .map_err(text)?;
            println!("{name}: ended");
        }
    }
    Ok(())
}

/// Asks on the terminal; without one the answer is no.
fn confirmed(name: &str) -> Result<bool, String> {
    if !std::io::stdin().is_terminal() {
        return Err("not a terminal: use --yes".to_owned());
    }
    eprint!("End {name}? Type its name to go on: ");
    let failed = |error: std::io::Error| error.to_string();
    std::io::stderr().flush().map_err(failed)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(failed)?;
    Ok(line.trim() == name)
}

#[derive(Args)]
pub(super) struct Apply {
    /// The description, in JSON or YAML (docs/apply.md)
    #[arg(short, long)]
    file: PathBuf,
    /// Print every id, and once every new secret, as JSON
    #[arg(long)]
    json: bool,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn apply(config: &Config, arguments: Apply) -> Result<(), String> {
    let path = arguments.file.display();
    let description = fs::read_to_string(&arguments.file).map_err(|error| format!("{path}: {error}"))?;
    let description: Value = match serde_json::from_str(&description) {
        Ok(value) => value,
        // Every JSON document is YAML, so the message of the YAML reader fits both.
        Err(_) => serde_yaml_ng::from_str(&description).map_err(|error| format!("{path}: {error}"))?,
    };
    let world = World::read(description).map_err(|error| format!("{path}: {error}"))?;
    let app = wiring::build(config).await?;
    let applied = apply::apply(&app, &context(&app), world, arguments.dry_run).await;
    let applied = applied.map_err(|error| format!("{path}: {}", text(error)))?;
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&applied).map_err(|error| error.to_string())?
        );
    } else {
        for line in &applied.changes {
            println!("{line}");
        }
    }
    Ok(())
}
