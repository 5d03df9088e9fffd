//! Sending to Elasticsearch or OpenSearch: documents are taken as they wait, sent in bulk over one connection, and sent
//! again where the server was busy or away. Nothing waits for it but the documents themselves.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use portcullis_config::{Elasticsearch, Scheme, UpstreamTls};
use portcullis_store::{Document, Documents, Subscription};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::bulk::{self, Fates};
use super::ecs;
use crate::tls::ClientTls;

/// Documents and bytes of one request.
const MOST_DOCUMENTS: usize = 1000;
const MOST_BYTES: usize = 2 << 20;

/// How long documents are gathered before a request.
const GATHER: Duration = Duration::from_millis(500);

/// A request that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes: a thousand errors in full.
const MOST_ANSWER: usize = 8 << 20;

/// The first pause after a failure; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The server, and how to speak to it.
pub(super) struct Elastic {
    host: String,
    port: u16,
    tls: Option<ClientTls>,
    authority: HeaderValue,
    credential: Option<HeaderValue>,
    prefix: String,
}

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Connection(#[from] std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("no answer in time")]
    TimedOut,
    #[error("it answers {0}")]
    Status(StatusCode, Option<Duration>),
    #[error("its answer cannot be read")]
    Answer,
}

impl Elastic {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(settings: &Elasticsearch) -> Result<Self, String> {
        let url = &settings.url;
        let tls = match url.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(ClientTls::of(&url.host, &UpstreamTls::default())?),
        };
        let credential = match (&settings.api_key, &settings.username) {
            (Some(key), _) => Some(format!("ApiKey {key}")),
            (None, Some(name)) => {
                let password = settings.password.as_deref().unwrap_or_default();
                Some(format!(
                    "Basic {}",
                    BASE64_STANDARD.encode(format!("{name}:{password}"))
                ))
            }
            (None, None) => None,
        };
        let header = |text: String| {
            let mut value = HeaderValue::try_from(text)
                .map_err(|_| "store.elasticsearch: a host or a credential has characters that no header may have".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        let host = match url.host.contains(':') {
            true => format!("[{}]:{}", url.host, url.port),
            false => format!("{}:{}", url.host, url.port),
        };
        Ok(Self {
            host: url.host.clone(),
            port: url.port,
            tls,
            authority: header(host)?,
            credential: credential.map(header).transpose()?,
            prefix: settings.prefix.clone(),
        })
    }

    /// Makes documents of records, and sends all documents, for ever.
    pub(super) async fn run(&self, feed: Subscription, documents: &Documents, node: &str) {
        tokio::join!(collect(feed, documents, node), self.send_all(documents));
    }

    async fn send_all(&self, documents: &Documents) {
        let mut connection = None;
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        let mut most = MOST_DOCUMENTS;
        loop {
            let batch = documents.take(most, MOST_BYTES).await;
            let sent = match timeout(PATIENCE, self.send(&mut connection, &batch)).await {
                Ok(sent) => sent,
                Err(_) => Err(Failure::TimedOut),
            };
            let wait = match sent {
                Ok(fates) => {
                    if told {
                        tracing::info!("Elasticsearch takes documents again");
                    }
                    told = false;
                    most = MOST_DOCUMENTS;
                    match settle(fates, batch, documents) {
                        true => GATHER,
                        false => pause,
                    }
                }
                Err(failure) => {
                    connection = None;
                    documents.tally().sink_failures.add(1);
                    if !told {
                        tracing::warn!(error = %failure, "Elasticsearch takes no documents; they wait, or are lost to it when too many do");
                        told = true;
                    }
                    let asked = match &failure {
                        // Fewer at once, until one alone is too large.
                        Failure::Status(StatusCode::PAYLOAD_TOO_LARGE, _) if batch.len() > 1 => {
                            most = batch.len().div_ceil(2);
                            Some(Duration::ZERO)
                        }
                        Failure::Status(_, asked) => *asked,
                        _ => None,
                    };
                    if matches!(
                        failure,
                        Failure::Status(StatusCode::PAYLOAD_TOO_LARGE | StatusCode::BAD_REQUEST, _)
                    ) && batch.len() == 1
                    {
                        documents.tally().sink_lost.add(1);
                    } else {
                        documents.put_back(batch);
                    }
                    asked.unwrap_or(pause).min(LONGEST_PAUSE)
                }
            };
            pause = match told || wait != GATHER {
                true => (pause * 2).min(LONGEST_PAUSE),
                false => FIRST_PAUSE,
            };
            sleep(wait).await;
        }
    }

    async fn send(
        &self,
        connection: &mut Option<SendRequest<Full<Bytes>>>,
        batch: &[Document],
    ) -> Result<Fates, Failure> {
        let mut sender = match connection.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.connect().await?,
        };
        sender.ready().await?;
        let mut request = Request::post("/_bulk")
            .header(HOST, self.authority.clone())
            .header(CONTENT_TYPE, "application/x-ndjson");
        if let Some(credential) = &self.credential {
            request = request.header(AUTHORIZATION, credential.clone());
        }
        let body = Full::new(Bytes::from(bulk::body(batch, &self.prefix)));
        let request = request.body(body).expect("a fixed path and valid headers");
        let response = sender.send_request(request).await?;
        let status = response.status();
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let answer = Limited::new(response.into_body(), MOST_ANSWER)
            .collect()
            .await
            .map_err(|_| Failure::Answer)?
            .to_bytes();
        *connection = Some(sender);
        if !status.is_success() {
            return Err(Failure::Status(status, asked));
        }
        bulk::fates(&answer, batch.len()).ok_or(Failure::Answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let Some(tls) = &self.tls else {
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            return Ok(sender);
        };
        let stream = tls.http1.connect(tls.name.clone(), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Makes documents of records as they come in.
async fn collect(mut feed: Subscription, documents: &Documents, node: &str) {
    while let Some(batch) = feed.next().await {
        for entry in batch.iter() {
            if let Some(json) = ecs::document(&entry.line, node) {
                documents.offer(Document {
                    kind: "records",
                    id: entry.record.id.clone(),
                    json: json.into(),
                });
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Counts what became of a batch and puts back what is worth another try; whether nothing is.
fn settle(fates: Fates, batch: Vec<Document>, documents: &Documents) -> bool {
    let tally = documents.tally();
    tally.sink_sent.add(fates.taken);
    if fates.refused > 0 {
        if tally.sink_lost.now() == 0 {
            tracing::warn!(
                reason = fates.reason,
                "Elasticsearch refuses documents for good"
            );
        }
        tally.sink_lost.add(fates.refused);
    }
    let done = fates.again.is_empty();
    let again = |(at, document)| fates.again.contains(&at).then_some(document);
    documents.put_back(batch.into_iter().enumerate().filter_map(again).collect());
    done
}

#[cfg(test)]
mod tests;
