//! The cookies of the admin plane: found in a request, written into an answer. No script reads them; they leave the
//! browser over TLS alone where the admin plane is reached by it.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::Settings;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The session's id.
    Session,
    /// What a log-in at the provider of single sign-on comes back to.
    SignOn,
}

impl Cookie {
    /// The name. `__Host-` makes browsers refuse it from anywhere but this host over TLS; without TLS the port stands
    /// in it, since cookies of one host are shared by all its ports.
    fn name(self, settings: &Settings) -> String {
        let base = match self {
            Self::Session => "portcullis",
            Self::SignOn => "portcullis-sign-on",
        };
        if settings.is_secure() {
            format!("__Host-{base}")
        } else {
            format!("{base}-{}", settings.port)
        }
    }

    /// Its value in a request. A name that comes twice counts as absent: one of the two is somebody else's.
    pub fn read<'a>(self, headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
        let name = self.name(settings);
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The header that sets it for `seconds`; 0 takes it away.
    pub fn write(self, value: &str, seconds: u64, settings: &Settings) -> Option<HeaderValue> {
        // A provider sends the browser back from its own site, with which a strict cookie would not travel.
        let same_site = match (self, &settings.oidc) {
            (Self::Session, None) => "Strict",
            _ => "Lax",
        };
        let secure = if settings.is_secure() { "; Secure" } else { "" };
        let name = self.name(settings);
        let text = format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
        );
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(public: Option<&str>) -> Settings {
        Settings {
            public_origin: public.map(str::to_owned),
            port: 9901,
            ..Settings::default()
        }
    }

    #[test]
    fn cookies_are_written_for_the_way_they_travel() {
        let written = |public| {
            let settings = settings(public);
            let value = Cookie::Session.write("x", 60, &settings).expect("a value");
            value.to_str().expect("text").to_owned()
        };
        assert_eq!(
            written(None),
            "portcullis-9901=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            written(Some("https://gate.example")),
            "__Host-portcullis=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert!(!written(Some("http://gate.example")).contains("Secure"));
    }

    #[test]
    fn cookies_are_found_among_others() {
        for (lines, expected) in [
            (&["portcullis-9901=abc"][..], Some("abc")),
            (&["a=b; portcullis-9901=abc; c=d"], Some("abc")),
            (&["a=b", "portcullis-9901=abc"], Some("abc")),
            (&["portcullis-9902=abc; xportcullis-9901=d"], None),
            (&["portcullis-9901=abc; portcullis-9901=evil"], None),
            (&["portcullis-9901"], None),
            (&[], None),
        ] {
            let headers: HeaderMap = lines
                .iter()
                .map(|line| (COOKIE, HeaderValue::from_static(line)))
                .collect();
            let found = Cookie::Session.read(&headers, &settings(None));
            assert_eq!(found, expected, "{lines:?}");
        }
    }
}
