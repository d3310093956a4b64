//! An empty handler of actix-web, for what a request costs at least: on this machine, at this moment, with the same client.

use std::sync::mpsc;
use std::thread;

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Outcome;

/// Where it listens. It runs until the program ends.
pub(crate) struct Bare {
    pub(crate) url: String,
}

impl Bare {
    /// As many threads as the server has, by actix's own default.
    pub(crate) fn start() -> Outcome<Self> {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || actix_web::rt::System::new().block_on(serve(&tell)));
        let address = told.recv()??;
        Ok(Self { url: format!("http://{address}") })
    }
}

async fn serve(tell: &mpsc::Sender<std::io::Result<std::net::SocketAddr>>) {
    let bound = HttpServer::new(|| App::new().route("/", web::get().to(|| async { HttpResponse::Ok().body("ok") })))
        .disable_signals()
        .bind("127.0.0.1:0");
    match bound {
        Ok(server) => {
            // Whoever waits for it is gone only when the program is.
            let _ = tell.send(Ok(server.addrs()[0]));
            let _ = server.run().await;
        }
        Err(error) => {
            let _ = tell.send(Err(error));
        }
    }
}
