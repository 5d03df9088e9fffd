//! The places that GoTestWAF puts payloads to, each a request of its own.

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;
use serde_json::{Value, json};

use crate::command::eval::request::{aim, plain, set, set_body};
use crate::command::eval::yaml;

/// A place, with its settings where it has some.
#[derive(Debug)]
pub struct Placeholder {
    place: Place,
    settings: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    UrlPath,
    UrlParam,
    HtmlForm,
    HtmlMultipartForm,
    JsonRequest,
    Header,
    UserAgent,
    XmlBody,
    SoapBody,
    Grpc,
    Graphql,
    RawRequest,
}

/// What each place is called.
const PLACES: [(&str, Place); 12] = [
    ("URLPath", Place::UrlPath),
    ("URLParam", Place::UrlParam),
    ("HTMLForm", Place::HtmlForm),
    ("HTMLMultipartForm", Place::HtmlMultipartForm),
    ("JSONRequest", Place::JsonRequest),
    ("Header", Place::Header),
    ("UserAgent", Place::UserAgent),
    ("XMLBody", Place::XmlBody),
    ("SOAPBody", Place::SoapBody),
    ("gRPC", Place::Grpc),
    ("GraphQL", Place::Graphql),
    ("RawRequest", Place::RawRequest),
];

/// Where the payload goes in the settings of a raw request.
const BLANK: &str = "{{payload}}";
const BOUNDARY: &str = "----eval-boundary-4b1d";

impl Placeholder {
    /// Reads a place: its name, or its name with settings.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn read(value: &Value) -> anyhow::Result<Self> {
        let with_settings = value.as_object().and_then(|object| object.iter().next());
        let (name, settings) = match with_settings {
            Some((name, settings)) => (name.clone(), settings.clone()),
            None => (yaml::text(value), Value::Null),
        };
        let found = PLACES.iter().find(|(known, _)| *known == name);
        let known: Vec<&str> = PLACES.iter().map(|(known, _)| *known).collect();
        let (_, place) = found
            .with_context(|| format!("no placeholder {name:?}; known are {}", known.join(", ")))?;
        Ok(Self {
            place: *place,
            settings,
        })
    }

    /// The name that the suite has for it.
    pub fn name(&self) -> &'static str {
        let found = PLACES.iter().find(|(_, place)| *place == self.place);
        found.map_or("", |(name, _)| name)
    }

    /// A request with the payload, which is encoded already, in its place.
    ///
    /// # Errors
    /// When the settings are not those of the place.
    pub fn request(&self, payload: &str) -> anyhow::Result<OwnedRequest> {
        let mut request = plain("GET", "/");
        match self.place {
            Place::UrlPath => aim(&mut request, &format!("/{payload}")),
            Place::UrlParam => aim(&mut request, &format!("/?test={payload}")),
            Place::HtmlForm => {
                let body = format!("test={payload}").into_bytes();
                set_body(&mut request, "application/x-www-form-urlencoded", body);
            }
            Place::HtmlMultipartForm => {
                let body = format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"test\"\r\n\r\n\
                     {payload}\r\n--{BOUNDARY}--\r\n"
                );
                let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
                set_body(&mut request, &content_type, body.into_bytes());
            }
            Place::JsonRequest => {
                let body = json!({ "test": true, "value": payload }).to_string();
                set_body(&mut request, "application/json", body.into_bytes());
            }
            Place::Header => set(&mut request, "x-test", payload),
            Place::UserAgent => set(&mut request, "user-agent", payload),
            Place::XmlBody => set_body(&mut request, "text/xml", payload.as_bytes().to_vec()),
            Place::SoapBody => soap(&mut request, payload),
            Place::Grpc => grpc(&mut request, payload),
            Place::Graphql => self.graphql(&mut request, payload)?,
            Place::RawRequest => self.raw(&mut request, payload)?,
        }
        Ok(request)
    }

    /// The payload is what a client of GraphQL would post; with GET it is the argument `query`.
    fn graphql(&self, request: &mut OwnedRequest, payload: &str) -> anyhow::Result<()> {
        match self.setting("method")?.as_str() {
            "GET" => aim(request, &format!("/graphql?query={payload}")),
            _ => {
                aim(request, "/graphql");
                set_body(request, "application/json", payload.as_bytes().to_vec());
            }
        }
        Ok(())
    }

    /// A request as the case writes it, with the payload wherever the case has left a blank.
    fn raw(&self, request: &mut OwnedRequest, payload: &str) -> anyhow::Result<()> {
        let body = self
            .settings
            .get("body")
            .map(yaml::text)
            .unwrap_or_default();
        if !body.is_empty() {
            let body = body.replace(BLANK, payload).into_bytes();
            set(request, "content-length", &body.len().to_string());
            request.body = body;
        }
        request.method = self.setting("method")?;
        aim(request, &self.setting("path")?.replace(BLANK, payload));
        if let Some(Value::Object(headers)) = self.settings.get("headers") {
            for (name, value) in headers {
                let value = yaml::text(value).replace(BLANK, payload);
                set(request, &name.to_ascii_lowercase(), &value);
            }
        }
        Ok(())
    }

    fn setting(&self, name: &str) -> anyhow::Result<String> {
        let found = self.settings.get(name).map(yaml::text);
        found.with_context(|| format!("the placeholder {} has no {name:?}", self.name()))
    }
}

fn soap(request: &mut OwnedRequest, payload: &str) {
    let mut escaped = String::new();
    for character in payload.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            other => escaped.push(other),
        }
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <soap:Body><ask xmlns=\"urn:test\"><item>{escaped}</item></ask></soap:Body></soap:Envelope>"
    );
    set_body(request, "text/xml; charset=utf-8", body.into_bytes());
    set(request, "soapaction", "\"urn:test#ask\"");
}

/// A gRPC message: the frame of the protocol, and a protobuf string in field 1.
fn grpc(request: &mut OwnedRequest, payload: &str) {
    let mut message = vec![0x0a];
    let mut length = payload.len();
    while length >= 0x80 {
        message.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend_from_slice(payload.as_bytes());
    let mut body = vec![0];
    body.extend_from_slice(
        &u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    body.extend_from_slice(&message);
    aim(request, "/test.Service/Ask");
    set_body(request, "application/grpc", body);
    set(request, "te", "trailers");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::eval::request::{bytes_of, refused};

    #[test]
    fn every_place_carries_its_payload_and_passes_the_wire() {
        let raw = json!({ "RawRequest": {
            "method": "CUST", "path": "/{{payload}}", "headers": { "X-A": "{{payload}}" }, "body": "b={{payload}}"
        } });
        let cases = [
            (json!("URLPath"), "GET /p%27 HTTP/1.1"),
            (json!("URLParam"), "GET /?test=p%27 HTTP/1.1"),
            (json!("HTMLForm"), "\r\n\r\ntest=p%27"),
            (json!("HTMLMultipartForm"), "\r\n\r\np%27\r\n--"),
            (json!("JSONRequest"), "\"value\":\"p%27\""),
            (json!("Header"), "\r\nx-test: p%27\r\n"),
            (json!("UserAgent"), "\r\nuser-agent: p%27\r\n"),
            (json!("XMLBody"), "\r\n\r\np%27"),
            (json!("SOAPBody"), "<item>p%27</item>"),
            (json!("gRPC"), "\0\0\0\0\u{6}\n\u{4}p%27"),
            (
                json!({ "GraphQL": { "method": "GET" } }),
                "GET /graphql?query=p%27 ",
            ),
            (json!({ "GraphQL": { "method": "POST" } }), "\r\n\r\np%27"),
            (raw, "CUST /p%27 HTTP/1.1"),
        ];
        for (place, expected) in cases {
            let request = Placeholder::read(&place).unwrap().request("p%27").unwrap();
            let bytes = bytes_of(&request);
            let sent = String::from_utf8_lossy(&bytes);
            assert!(sent.contains(expected), "{place}: {sent}");
            assert_eq!(refused(&bytes), None, "{place}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let error = Placeholder::read(&json!("Smoke")).unwrap_err().to_string();
        assert!(
            error.contains("no placeholder \"Smoke\"; known are URLPath"),
            "{error}"
        );
        let bare = Placeholder::read(&json!("RawRequest")).unwrap();
        assert!(
            bare.request("x")
                .unwrap_err()
                .to_string()
                .contains("method")
        );
    }
}
