//! Attempts whose names and connections the test answers for: nothing leaves the process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use ureq::config::Config;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{ConnectionDetails, TcpConnector};

use super::*;
use crate::domain::ids::TaskId;
use crate::domain::webhook::{Occasion, WebhookId, WebhookSecret};

const STRICT: Reach = Reach { allow_private: false, allow_http: true, deadline: Duration::from_secs(30) };

/// Answers each question with the next of its addresses, and counts the questions.
#[derive(Debug, Clone)]
struct Names(Arc<Mutex<Vec<Vec<IpAddr>>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().expect("an address")).collect();
        Self(Arc::new(Mutex::new(answers.iter().map(parse).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }
}

impl Resolver for Names {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        self.0.lock().expect("no panic").remove(0).into_iter().for_each(|address| found.push(SocketAddr::new(address, 80)));
        Ok(found)
    }
}

/// Notes where it is to connect to, and does not.
#[derive(Debug, Clone, Default)]
struct Connections(Arc<Mutex<Vec<SocketAddr>>>);

impl Connector for Connections {
    type Out = <TcpConnector as Connector>::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.lock().expect("no panic").extend(details.addrs.iter());
        Err(ureq::Error::ConnectionFailed)
    }
}

/// What came of an attempt, and where it was to connect to.
async fn attempt(courier: &Courier, connections: &Connections) -> (String, Vec<String>) {
    let url = "http://rebinding.example/hooks".parse().expect("a URL");
    let secret = WebhookSecret::from_bytes([1; 32]);
    let webhook = Webhook { id: WebhookId::random(), caller: None, url, secret, former: None, created_at: Timestamp(0) };
    let delivery = Delivery::new(webhook.id, TaskId::random(), Occasion::Finished, "{}".to_owned(), Timestamp(0));
    let Attempted::Unanswered(why) = courier.deliver(webhook, delivery).await else { panic!("nobody can have answered") };
    let connected = std::mem::take(&mut *connections.0.lock().expect("no panic"));
    (why, connected.iter().map(|address| address.ip().to_string()).collect())
}

fn courier(names: &Names, reach: Reach) -> (Courier, Connections) {
    let connections = Connections::default();
    (Courier::with(reach, connections.clone(), || names.clone()), connections)
}

#[actix::test]
async fn a_name_that_changes_its_address_leads_to_the_one_that_was_looked_at() {
    // Public when it is asked for the first time, private from then on.
    let names = Names::new(&[&["93.184.215.14"], &["127.0.0.1"], &["93.184.215.14"]]);
    let (courier, connections) = courier(&names, STRICT);
    let (_, connected) = attempt(&courier, &connections).await;
    assert_eq!((connected.as_slice(), names.left()), (["93.184.215.14".to_owned()].as_slice(), 2), "one question, and its answer");
    let (why, connected) = attempt(&courier, &connections).await;
    assert!(why.contains("not public") && connected.is_empty(), "{why}: {connected:?}");
}

#[actix::test]
async fn one_address_that_is_not_public_is_enough() {
    let names = Names::new(&[&["93.184.215.14", "10.0.0.1"], &["2606:4700::1111", "::ffff:10.0.0.1"], &["93.184.215.14", "1.1.1.1"]]);
    let (courier, connections) = courier(&names, STRICT);
    for _ in 0..2 {
        let (why, connected) = attempt(&courier, &connections).await;
        assert!(why.contains("not public") && connected.is_empty(), "{why}: {connected:?}");
    }
    assert_eq!(attempt(&courier, &connections).await.1, ["93.184.215.14", "1.1.1.1"]);
}

#[actix::test]
async fn where_private_addresses_are_good_they_are_connected_to() {
    let names = Names::new(&[&["10.0.0.1"]]);
    let (courier, connections) = courier(&names, Reach { allow_private: true, ..STRICT });
    assert_eq!(attempt(&courier, &connections).await.1, ["10.0.0.1"]);
}

#[actix::test]
async fn an_endpoint_is_looked_at_when_it_is_registered() {
    let names = Names::new(&[&["192.168.1.1"], &["1.1.1.1"]]);
    let (strict, _) = courier(&names, Reach { allow_http: false, ..STRICT });
    let url = |text: &str| text.parse::<WebhookUrl>().expect(text);
    assert_eq!(strict.check(url("http://example.com/")).await, Err(Unreachable::Plain));
    assert_eq!(strict.check(url("https://example.com/")).await, Err(Unreachable::NotPublic));
    assert_eq!(strict.check(url("https://example.com/")).await, Ok(()));
}
