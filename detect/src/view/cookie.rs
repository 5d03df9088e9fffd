//! Cookies: `name=value` pairs joined by `;` (RFC 6265, section 4.2).

use memchr::memchr;

use super::{Place, Text, View, encoded, is_plain, query};
use crate::field::{Encoding, Location, Span, Via};

/// Adds the cookies of one Cookie header.
pub(super) fn read(view: &mut View<'_, '_>, text: Text<'_>) {
    if memchr(b'%', text.bytes).is_some() {
        encoded::inspect_percent(view, Location::Cookie, text);
    }
    let mut start = 0;
    while start < text.bytes.len() {
        let end = memchr(b';', &text.bytes[start..]).map_or(text.bytes.len(), |at| start + at);
        if !add(view, trim(text.slice(start, end))) {
            let place = Place::new(Location::Cookie, Encoding::Percent, Via::Direct);
            view.push_rest(place, text.span(start, text.bytes.len()));
            return;
        }
        start = end + 1;
    }
}

/// Adds one cookie; `false` when there is no room.
fn add(view: &mut View<'_, '_>, cookie: Text<'_>) -> bool {
    if cookie.bytes.is_empty() {
        return true;
    }
    let place = Place::new(Location::Cookie, Encoding::Percent, Via::Direct);
    let Some(equals) = memchr(b'=', cookie.bytes) else {
        return view.push(place, Span::EMPTY, cookie.whole());
    };
    let name = trim(cookie.slice(0, equals));
    let value = unquote(trim(cookie.slice(equals + 1, cookie.bytes.len())));
    let names = Place::new(Location::CookieName, Encoding::Percent, Via::Direct);
    if !view.push(names, Span::EMPTY, name.whole()) {
        return false;
    }
    if !is_plain(name.bytes) && query::is_odd_name(name.bytes) {
        let place = Place::new(Location::Cookie, Encoding::Percent, Via::SecondReading);
        view.push(place, Span::EMPTY, name.whole());
    }
    view.push(place, name.whole(), value.whole())
}

/// Without the quotes that some servers put around a value.
fn unquote(value: Text<'_>) -> Text<'_> {
    match value.bytes {
        [b'"', .., b'"'] => value.slice(1, value.bytes.len() - 1),
        _ => value,
    }
}

/// Without white space at both ends.
pub(super) fn trim(text: Text<'_>) -> Text<'_> {
    let start = text.bytes.len() - text.bytes.trim_ascii_start().len();
    let end = start + text.bytes.trim_ascii().len();
    text.slice(start, end)
}
