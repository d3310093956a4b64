//! Serving: starts the tree and HTTP over it, waits for a reason to stop, and stops both in order.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::actors::master::Drain;
use crate::actors::nodes::Announce;
use crate::actors::notifier::EndWatches;
use crate::app::tree::{self, Services};
use crate::app::{AppError, Stores, admin_socket};
use crate::config::Config;
use crate::http::{self, HttpState};

/// Serves until a signal or a failure that no restart could mend.
pub(super) async fn serve(config: &Config, stores: &Stores) -> Result<(), AppError> {
    // Before anything starts, so that no signal of a quick stop is lost.
    let told_to_stop = stop_signal();
    let services = tree::start(config, stores).await?;
    let (server, address) = match listen(config, &services) {
        Ok(bound) => bound,
        Err(error) => {
            services.root.stop(config.server.drain).await;
            return Err(error);
        }
    };
    let handle = server.handle();
    let http = actix::spawn(server);
    services.announce(address);
    greet(address, config);
    let ended = tokio::select! {
        name = told_to_stop => {
            log::info!(signal = name; "stopping");
            end_watches(&services).await;
            drain(config, &services).await;
            Ok(())
        }
        exit = services.root.ended() => Err(AppError::Failed(exit)),
    };
    stop(&services, &handle).await;
    // The server's own task; its end was waited for by `stop`.
    let _ = http.await;
    ended
}

/// How long open requests may take to end once HTTP stops; whole uploads are not waited for.
const HTTP_SHUTDOWN: Duration = Duration::from_secs(3);

/// How long the services get after the drain; what is not released by then is released by the next start.
const TREE_SHUTDOWN: Duration = Duration::from_secs(5);

/// Binds the address and builds the HTTP server over the frontend.
fn listen(config: &Config, services: &Services) -> Result<(Server, SocketAddr), AppError> {
    let address = config.server.listen;
    if services.gate.is_open() && !address.ip().is_loopback() && !config.server.insecure {
        return Err(AppError::Open { address });
    }
    let not_bound = |error| AppError::Listen { address, error };
    let state = HttpState {
        frontend: services.frontend.clone(),
        lookup: services.lookup.clone(),
        gate: services.gate.clone(),
        role: config.server.role,
        tree: services.root.addr().clone(),
        uploads: config.uploads.clone(),
        watch: config.watch.clone(),
    };
    let origins = config.server.cors_origins.clone();
    let threads = config.server.http_workers as usize;
    let server = HttpServer::new(move || {
        App::new().wrap(http::cors(&origins)).wrap(from_fn(http::request_id)).configure(http::routes(state.clone()))
    })
    .workers(threads)
    .max_connections((config.server.max_connections as usize).div_ceil(threads))
    .client_request_timeout(config.server.header_timeout)
    .shutdown_timeout(HTTP_SHUTDOWN.as_secs())
    .disable_signals()
    .on_connect(http::note_connection)
    .bind(address)
    .map_err(not_bound)?;
    let server = match admin_socket(config) {
        Some(socket) => server.listen_uds(socket).map_err(not_bound)?,
        None => server,
    };
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), bound))
}

/// The socket in the data directory, for commands of the operator. Without it the server serves as well; those commands then fail.
fn admin_socket(config: &Config) -> Option<UnixListener> {
    let opened = admin_socket::open(&config.data.dir);
    opened
        .inspect_err(|error| log::warn!(error:% = error; "no socket in the data directory; `safelight keys` cannot reach this server"))
        .ok()
}

/// Says where the server listens, and what to do next.
fn greet(address: SocketAddr, config: &Config) {
    let role = config.server.role;
    log::info!(address:% = address, data:% = config.data.dir.display(), role:%, workers = config.workers.count; "listening");
    let example =
        if role.serves() { format!("--data-binary @photo.jpg http://{address}/newImage") } else { format!("http://{address}/v1/tree") };
    // Whoever started the server may have stopped reading: no reason not to serve.
    let _ = writeln!(io::stdout(), "safelight listens on http://{address}\ntry: curl {example}");
}

/// Resolves to the name of the first signal that asks the process to stop.
fn stop_signal() -> impl Future<Output = &'static str> {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be caught");
    async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    }
}

/// How long the notifier may take to let everybody go; those who are left go with HTTP.
const END_WATCHES: Duration = Duration::from_secs(1);

/// Answers those who wait with the task as it is, and ends the streams: none of them keeps the server from stopping.
async fn end_watches(services: &Services) {
    if let Err(error) = services.notifier.send(EndWatches).timeout(END_WATCHES).await {
        log::warn!(error:% = error; "waits and streams not ended");
    }
}

/// Stops admission, while HTTP still answers, and gives the running jobs their time to end.
async fn drain(config: &Config, services: &Services) {
    let drained = services.master.send(Drain);
    services.nodes.do_send(Announce);
    match timeout(config.server.drain, drained).await {
        Ok(Ok(())) => log::info!("drained"),
        Ok(Err(error)) => log::warn!(error:% = error; "not drained; unfinished tasks run after the next start"),
        Err(_) => log::warn!("drain deadline passed; unfinished tasks run after the next start"),
    }
}

/// Stops HTTP first, so that nothing asks a tree that is stopping; then the tree in reverse.
async fn stop(services: &Services, http: &ServerHandle) {
    http.stop(true).await;
    let exit = services.root.stop(TREE_SHUTDOWN).await;
    log::info!(exit:% = exit; "stopped");
}
