//! Who is judged and never stopped: the allow list of the settings made by API, as the spine asks it. Their requests
//! take the twin of their route whose policy only observes ([`Snapshot::allowing`](crate::snapshot::Snapshot::allowing)),
//! so that everything is noted and nothing done.

use std::collections::HashMap;
use std::time::Duration;

use portcullis_admin::overlay::Overlay;
use portcullis_detect::Subjects;
use portcullis_detect::behaviour::SubjectId;

/// Subjects, and until when each is allowed, since 1970.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList(HashMap<SubjectId, Duration>);

impl AllowList {
    /// Of the settings made by API; what names nobody, or no time, was refused when it was set.
    pub(crate) fn of(overlay: &Overlay) -> Self {
        let entries = overlay.allow.iter().filter_map(|allowed| {
            let until = u64::try_from(allowed.until_ms()?).ok()?;
            Some((allowed.subject.parse().ok()?, Duration::from_millis(until)))
        });
        Self(entries.collect())
    }

    /// Whether nobody is on it: for who would have to look at the clock first.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The subject by which a request is allowed at `wall`, the time since 1970.
    pub(crate) fn find(&self, subjects: &Subjects, wall: Duration) -> Option<SubjectId> {
        let holds = |id: &SubjectId| self.0.get(id).is_some_and(|until| *until > wall);
        subjects.ids().find(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_allowed_is_so_until_the_time_is_over() {
        let overlay: Overlay = serde_json::from_str(
            r#"{"allow":[{"subject":"address:192.0.2.1","until":"1970-01-01T00:01:40Z","reason":"x"},
                {"subject":"prefix:198.51.100.0/24","until":"1970-01-01T00:03:20Z","reason":"x"}]}"#,
        )
        .expect("an overlay");
        let list = AllowList::of(&overlay);
        assert!(!list.is_empty() && AllowList::default().is_empty());
        for (client, seconds, allowed) in [
            ("192.0.2.1", 99, Some("address:192.0.2.1")),
            ("192.0.2.1", 100, None),
            ("192.0.2.2", 1, None),
            ("198.51.100.7", 199, Some("prefix:198.51.100.0/24")),
            ("198.51.100.7", 200, None),
        ] {
            let subjects = Subjects::of(client.parse().expect("an address"));
            let found = list.find(&subjects, Duration::from_secs(seconds));
            let expected: Option<SubjectId> = allowed.map(|text| text.parse().expect("a subject"));
            assert_eq!(found, expected, "{client} {seconds}");
        }
    }
}
