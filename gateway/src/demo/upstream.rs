//! A small JSON API: a shop with users, products and orders. It believes whatever it is sent and keeps nothing,
//! which is all that a demonstration needs.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The running API. Dropping it ends it.
pub(crate) struct Upstream {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Upstream {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Serves the demo API on a thread of its own until the returned handle is dropped.
///
/// # Errors
/// When the listener cannot be used by the runtime or no thread can be started.
pub(crate) fn spawn(listener: TcpListener) -> io::Result<Upstream> {
    serve(listener, answer)
}

/// Serves any API in the same way: `handler` answers.
///
/// # Errors
/// As above.
pub(crate) fn serve<H, F>(listener: TcpListener, handler: H) -> io::Result<Upstream>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = {
        let _guard = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new()
        .name("demo-api".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, handler) => {}
                    _ = stopped => {}
                }
            });
        })?;
    Ok(Upstream {
        address,
        stop: Some(stop),
        thread: Some(thread),
    })
}

async fn accept<H, F>(listener: tokio::net::TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without this an answer may wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let handler = handler.clone();
                let service = service_fn(move |request| {
                    let answer = handler(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move {
                    // A client that breaks off is its own affair.
                    let _ = connection.await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET | &Method::HEAD, []) => reply(StatusCode::OK, &index()),
        (&Method::GET | &Method::HEAD, ["health"]) => {
            reply(StatusCode::OK, &json!({ "status": "ok" }))
        }
        (&Method::GET | &Method::HEAD, ["api", "users"]) => reply(
            StatusCode::OK,
            &json!({ "users": USERS.iter().map(user).collect::<Vec<_>>() }),
        ),
        (&Method::GET | &Method::HEAD, ["api", "users", id]) => one_user(id),
        (&Method::GET | &Method::HEAD, ["api", "products"]) => products(&query),
        (&Method::POST, ["api", "login"]) => login(request).await,
        (&Method::POST, ["api", "orders"]) => order(request).await,
        (&Method::GET, ["events"]) => {
            events(parameter(&query, "count").and_then(|n| n.parse().ok()))
        }
        (_, ["echo"]) => echo(request).await,
        _ => reply(
            StatusCode::NOT_FOUND,
            &json!({ "error": "there is no such thing here" }),
        ),
    }
}

fn index() -> Value {
    json!({
        "service": "demo shop",
        "try": [
            "GET /api/users", "GET /api/users/3", "GET /api/products?search=lamp", "POST /api/login",
            "POST /api/orders", "GET /events?count=3", "POST /echo", "GET /health"
        ]
    })
}

fn user(&(id, name, city): &(u32, &str, &str)) -> Value {
    json!({ "id": id, "name": name, "city": city })
}

fn product(&(id, name, cents): &(u32, &str, u32)) -> Value {
    json!({ "id": id, "name": name, "price": f64::from(cents) / 100.0 })
}

fn one_user(id: &str) -> Response<Body> {
    match USERS.iter().find(|(known, ..)| id.parse() == Ok(*known)) {
        Some(found) => reply(StatusCode::OK, &user(found)),
        None => reply(
            StatusCode::NOT_FOUND,
            &json!({ "error": "there is no such user" }),
        ),
    }
}

fn products(query: &str) -> Response<Body> {
    let search = parameter(query, "search")
        .unwrap_or_default()
        .to_lowercase();
    let found: Vec<Value> = PRODUCTS
        .iter()
        .filter(|(_, name, _)| name.contains(&search))
        .map(product)
        .collect();
    reply(
        StatusCode::OK,
        &json!({ "search": search, "products": found }),
    )
}

async fn login(request: Request<Incoming>) -> Response<Body> {
    let Some(body) = json_body(request).await else {
        return unreadable();
    };
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("password") == PASSWORD && !text("username").is_empty() {
        reply(
            StatusCode::OK,
            &json!({ "token": "demo-token", "username": text("username") }),
        )
    } else {
        reply(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "wrong user name or password" }),
        )
    }
}

async fn order(request: Request<Incoming>) -> Response<Body> {
    let Some(body) = json_body(request).await else {
        return unreadable();
    };
    let items = body
        .get("items")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let cents: u64 = items
        .iter()
        .filter_map(|item| {
            let wanted = item.get("product")?.as_u64()?;
            let quantity = item
                .get("quantity")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .min(1_000);
            let (_, _, cents) = PRODUCTS.iter().find(|(id, ..)| u64::from(*id) == wanted)?;
            Some(u64::from(*cents).saturating_mul(quantity))
        })
        .fold(0, u64::saturating_add);
    let answer = json!({ "order": 1_001, "items": items.len(), "total": cents as f64 / 100.0 });
    reply(StatusCode::CREATED, &answer)
}

/// Server-sent events, one a second; without a count they go on until the client leaves.
fn events(count: Option<u64>) -> Response<Body> {
    let last = count.unwrap_or(u64::MAX);
    let ticks = stream::unfold(0u64, move |n| async move {
        if n >= last {
            return None;
        }
        if n > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let text = format!("id: {n}\nevent: tick\ndata: {{\"n\":{n}}}\n\n");
        Some((Ok(Frame::data(Bytes::from(text))), n + 1))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(ticks)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// What arrived, as the API saw it: shows which headers a gateway adds and removes.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return unreadable();
    };
    let headers: Vec<Value> = head
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let answer = json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body.to_bytes()),
    });
    reply(StatusCode::OK, &answer)
}

async fn json_body(request: Request<Incoming>) -> Option<Value> {
    let body = Limited::new(request.into_body(), MAX_BODY)
        .collect()
        .await
        .ok()?;
    serde_json::from_slice(&body.to_bytes()).ok()
}

fn unreadable() -> Response<Body> {
    reply(
        StatusCode::BAD_REQUEST,
        &json!({ "error": "the body is not what was expected" }),
    )
}

fn reply(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Full::from(format!("{value}\n")).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The first value of a query parameter, as sent.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

const MAX_BODY: usize = 1024 * 1024;

/// The password of everyone in the demo shop.
const PASSWORD: &str = "demo";

const USERS: [(u32, &str, &str); 6] = [
    (1, "Ada", "London"),
    (2, "Bo", "Malmö"),
    (3, "Chidi", "Lagos"),
    (4, "Dolores", "Sevilla"),
    (5, "Emre", "İzmir"),
    (6, "Fatou", "Dakar"),
];

const PRODUCTS: [(u32, &str, u32); 8] = [
    (1, "desk lamp", 3_490),
    (2, "floor lamp", 8_900),
    (3, "walnut desk", 41_900),
    (4, "office chair", 22_900),
    (5, "notebook", 450),
    (6, "fountain pen", 3_200),
    (7, "wall clock", 2_790),
    (8, "book shelf", 12_900),
];

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn ask(api: &Upstream, line: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(api.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let length = body.len();
        write!(stream, "{line} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_shop_answers() {
        let api = spawn(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        for (line, body, status, text) in [
            ("GET /", "", 200, "demo shop"),
            ("GET /health", "", 200, "ok"),
            ("GET /api/users", "", 200, "Malmö"),
            ("GET /api/users/3", "", 200, "Chidi"),
            ("GET /api/users/77", "", 404, "no such user"),
            ("GET /api/users/x", "", 404, "no such user"),
            ("GET /api/products?a=1&search=LAMP", "", 200, "floor lamp"),
            (
                "POST /api/login",
                r#"{"username":"ada","password":"demo"}"#,
                200,
                "token",
            ),
            (
                "POST /api/login",
                r#"{"username":"ada","password":"x"}"#,
                401,
                "wrong",
            ),
            ("POST /api/login", "nonsense", 400, "error"),
            (
                "POST /api/orders",
                r#"{"items":[{"product":5,"quantity":2},{"product":99}]}"#,
                201,
                "\"total\":9.0",
            ),
            ("GET /events?count=1", "", 200, "event: tick"),
            ("POST /echo?a=b", "hello", 200, "\"body\":\"hello\""),
            ("GET /nowhere", "", 404, "error"),
            ("DELETE /api/users", "", 404, "error"),
        ] {
            let answer = ask(&api, line, body);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line}: {answer}"
            );
            assert!(answer.contains(text), "{line}: {answer}");
        }
    }
}
