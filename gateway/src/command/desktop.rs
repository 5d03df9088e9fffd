//! Opening a page in the browser of whoever sits before this machine, where somebody does.

use std::process::{Command, Stdio};
use std::thread;

/// Opens `url` where there is a desktop. Without one, in continuous integration, or without an opener nothing happens:
/// the address was printed.
pub(super) fn open(url: &str) {
    let Some(opener) = opener(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    else {
        return;
    };
    let started = Command::new(opener)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = started {
        // Somebody has to ask how it ended, or it stays in the table of processes.
        thread::spawn(move || child.wait());
    }
}

/// The program that opens a page, by the variables that are set.
fn opener(is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    if is_set("CI") {
        return None;
    }
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")).then_some("xdg-open")
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn only_a_desktop_gets_a_browser() {
        for (set, expected) in [
            (&[][..], None),
            (&["DISPLAY"][..], Some("xdg-open")),
            (&["WAYLAND_DISPLAY"][..], Some("xdg-open")),
            (&["DISPLAY", "CI"][..], None),
            (&["CI"][..], None),
        ] {
            assert_eq!(opener(|name| set.contains(&name)), expected, "{set:?}");
        }
    }
}
