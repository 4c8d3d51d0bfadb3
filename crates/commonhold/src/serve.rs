//! `commonhold serve`: listens, answers, and stops without cutting anybody off.

use std::{sync::Arc, time::Duration};

use app::{App, accounts};
use axum::Router;
use http_kit::Metrics;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    config::Config,
    pages,
    wiring::{self, chain},
};

/// The longest head of a request, in bytes (objects contract 1.2).
const HEAD_BYTES: usize = 32 * 1024;

/// Runs the server until a signal ends it.
pub(crate) async fn serve(config: &Config) -> Result<(), String> {
    let app = wiring::build(config).await?;
    app.ready()
        .await
        .map_err(|error| format!("storage: {}", chain(&error)))?;
    let listener = TcpListener::bind(&config.server.listen)
        .await
        .map_err(|error| format!("server.listen {}: {error}", config.server.listen))?;
    let router = router(&app);
    let jobs = tokio::spawn(Arc::clone(&app).run_jobs(app.request_id()));
    announce(&app, &listener).await?;
    accept(config, listener, router).await?;
    jobs.abort();
    tracing::info!("stopped");
    Ok(())
}

/// Every address of the server.
fn router(app: &Arc<App>) -> Router {
    let metrics = Arc::new(Metrics::default());
    pages::router(app, &metrics)
        .merge(api_objects::router_with_metrics(Arc::clone(app), &metrics))
        .merge(api_organisations::router_with_metrics(app, &metrics))
}

/// One line that says where the server is, and at the first start one with the link of the first administrator.
async fn announce(app: &App, listener: &TcpListener) -> Result<(), String> {
    let address = listener
        .local_addr()
        .map_err(|error| format!("server.listen: {error}"))?;
    let url = &app.settings().public_url;
    tracing::info!(%address, url, "ready");
    if let Some(secret) = accounts::first_link(app).await.map_err(|error| chain(&error))? {
        // On standard output and nowhere else: whoever reads logs must not become the administrator.
        println!(
            "Create the first administrator (works once, for a day): {url}/setup/{}",
            secret.text().reveal()
        );
    }
    Ok(())
}

async fn accept(config: &Config, listener: TcpListener, router: Router) -> Result<(), String> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(config.limits.header_seconds))
        .max_buf_size(HEAD_BYTES);
    let graceful = GracefulShutdown::new();
    let service = TowerToHyperService::new(router);
    let failed = |error: std::io::Error| format!("signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Answers are written whole: waiting for more to send would only delay them.
                    drop(stream.set_nodelay(true));
                    let connection = http.serve_connection(TokioIo::new(stream), service.clone());
                    let connection = graceful.watch(connection);
                    tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(error = %chain(&error), "a connection ended early");
                        }
                    });
                }
                // Out of file descriptors, most likely: the next one may succeed.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: waiting for running requests");
    let patience = Duration::from_secs(config.limits.stop_seconds);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(patience) => tracing::warn!("some requests did not finish in time"),
        _ = terminate.recv() => tracing::warn!("stopping at once"),
        _ = interrupt.recv() => tracing::warn!("stopping at once"),
    }
    Ok(())
}
