//! The command line. Results on standard output, everything else on standard error; exit codes 0 done, 1 failed, 2 wrong
//! usage (docs: the table of commands in README.md).

mod organisations;
mod sync;

use std::{path::PathBuf, sync::Arc};

use access::Action;
use app::{App, Caller, Ctx, Meter, accounts, people};
use clap::{Parser, Subcommand};
use domain::{EmailAddress, Secret};
use serde_json::json;
use uuid::Uuid;

use crate::{
    config::{self, Config},
    serve, telemetry, wiring,
};

/// Commonhold, the sharing server that can say who can open what.
#[derive(Parser)]
#[command(name = "commonhold", version)]
pub(crate) struct Command {
    /// The configuration file; `commonhold.toml` in this folder where there is one
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run the server
    Serve,
    /// Validate the configuration and say what it amounts to
    CheckConfig,
    /// Accounts of the built-in issuer
    #[command(subcommand)]
    User(User),
    /// Access tokens of people, and API tokens of organisations
    #[command(subcommand)]
    Token(organisations::Token),
    /// Synchronisation with registered S3 buckets
    #[command(subcommand)]
    Sync(sync::Sync),
    /// Units of an organisation
    #[command(subcommand)]
    Unit(organisations::Unit),
    /// Make the world described in a file true; a second run changes nothing
    Apply(organisations::Apply),
    /// Print the OpenAPI document of an API
    Openapi {
        /// Which API
        api: Api,
    },
    /// Say whether somebody may do something with an item, and why
    Explain {
        /// The person: address or id; `anonymous` for nobody in particular
        #[arg(long)]
        user: String,
        /// An action of the access model, such as Download
        #[arg(long)]
        action: String,
        /// The id of an object or bucket
        item: Uuid,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Api {
    /// Buckets, objects and permissions
    Objects,
}

#[derive(Subcommand)]
enum User {
    /// Create an account; the password is read from standard input with --password-stdin
    Add {
        /// Address to sign in with
        email: String,
        /// Name to show
        #[arg(long)]
        name: String,
        /// Read a password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// Make the person an administrator of the whole server
        #[arg(long)]
        administrator: bool,
    },
    /// List everybody who has signed in or has an account
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse a person from the next request on
    Disable {
        /// Address of the person
        email: String,
    },
    /// Let a disabled person in again
    Enable {
        /// Address of the person
        email: String,
    },
}

/// Runs a command. A failure is one line.
pub(crate) async fn run(command: Command) -> Result<(), String> {
    let config = config::load(command.config.as_deref())?;
    match command.what {
        What::Serve => {
            let _until_the_end = telemetry::start(&config.log)?;
            serve::serve(&config).await
        }
        What::CheckConfig => check_config(&config),
        What::User(user) => user_command(&config, user).await,
        What::Token(token) => organisations::token(&config, token).await,
        What::Sync(what) => sync::run(&config, what).await,
        What::Unit(unit) => organisations::unit(&config, unit).await,
        What::Apply(apply) => organisations::apply(&config, apply).await,
        What::Openapi { api } => openapi(&config, api),
        What::Explain { user, action, item } => explain(&config, &user, &action, item).await,
    }
}

fn openapi(config: &Config, api: Api) -> Result<(), String> {
    let document = match api {
        Api::Objects => api_objects::document(&wiring::public_url(config)),
    };
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    println!("{text}");
    Ok(())
}

/// The command line acts for the operator.
fn context(app: &App) -> Ctx {
    Ctx {
        caller: Caller::Superuser,
        request_id: app.request_id(),
        meter: Arc::new(Meter::default()),
        via: "command-line",
    }
}

fn check_config(config: &Config) -> Result<(), String> {
    wiring::check(config)?;
    let database = if config.database.url.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    println!(
        "valid: {} at {}, {database}, storage {:?}",
        wiring::public_url(config),
        config.server.listen,
        config.storage.kind
    );
    Ok(())
}

async fn user_command(config: &Config, user: User) -> Result<(), String> {
    let app = wiring::build(config).await?;
    let ctx = context(&app);
    match user {
        User::Add {
            email,
            name,
            password_stdin,
            administrator,
        } => {
            let email = EmailAddress::new(email).map_err(|error| format!("the address {error}"))?;
            let password: Option<Secret> = if password_stdin {
                Some(wiring::read_secret()?)
            } else {
                None
            };
            let registration = accounts::Registration {
                email,
                full_name: name,
                password,
                platform_administrator: administrator,
            };
            let uuid = accounts::register(&app, &ctx, registration)
                .await
                .map_err(|error| error.to_string())?;
            println!("{uuid}");
        }
        User::List { json } => {
            let everybody = people::search(&app, &ctx, people::PersonFilter::default()).await;
            for person in everybody.map_err(|error| error.to_string())? {
                let email = person.profile.email.as_deref().unwrap_or("-");
                let state = if person.active { "active" } else { "disabled" };
                if json {
                    println!(
                        "{}",
                        json!({
                            "id": person.uuid, "email": person.profile.email, "name": person.profile.full_name,
                            "idp": person.idp, "active": person.active
                        })
                    );
                } else {
                    println!(
                        "{}\t{email}\t{}\t{state}",
                        person.uuid,
                        person.profile.full_name.as_deref().unwrap_or("-")
                    );
                }
            }
        }
        User::Disable { email } => set_active(&app, &ctx, &email, false).await?,
        User::Enable { email } => set_active(&app, &ctx, &email, true).await?,
    }
    Ok(())
}

async fn set_active(app: &App, ctx: &Ctx, email: &str, active: bool) -> Result<(), String> {
    let changed = accounts::set_active(app, ctx, email, active)
        .await
        .map_err(|error| error.to_string())?;
    let state = if active { "enabled" } else { "disabled" };
    println!("{email}: {}{state}", if changed { "" } else { "already " });
    Ok(())
}

async fn explain(config: &Config, user: &str, action: &str, item: Uuid) -> Result<(), String> {
    let named = |known: &Action| known.name().eq_ignore_ascii_case(action);
    let wanted = Action::ALL.into_iter().find(named).ok_or_else(|| {
        let all: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
        format!("--action: there is no action {action}; use one of {}", all.join(", "))
    })?;
    let app = wiring::build(config).await?;
    let answer = app::explain::explain(&app, &context(&app), user, wanted, item).await;
    print!("{}", answer.map_err(|error| error.to_string())?);
    Ok(())
}
