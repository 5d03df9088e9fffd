//! Detectors alone, in tables.

use super::*;

#[test]
fn every_kind_has_an_id_of_its_own() {
    let mut ids: Vec<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Kind::ALL.len());
    // Factors are kept in a word of 32 bits.
    assert!(ids.len() <= 32);
}

#[test]
fn numbers_weigh_by_their_bounds() {
    let bounds = Bounds::new(10.0, 20.0);
    for (value, expected) in [
        (0.0, None),
        (9.9, None),
        (10.0, Some(60)),
        (15.0, Some(69)),
        (19.99, Some(78)),
        (20.0, Some(80)),
        (40.0, Some(85)),
        (1e9, Some(95)),
        (f32::NAN, None),
    ] {
        assert_eq!(bounds.weigh(value), expected, "{value}");
    }
    // Equal bounds know no throttling, and nothing divides by zero.
    assert_eq!(Bounds::new(5.0, 5.0).weigh(5.0), Some(80));
    assert_eq!(Bounds::new(0.0, 0.0).weigh(0.0), Some(80));
}

#[test]
fn settings_read_back_and_refuse_what_they_do_not_know() {
    let settings = crate::behaviour::Settings::default();
    let json = serde_json::to_value(&settings).unwrap();
    assert_eq!(
        serde_json::from_value::<crate::behaviour::Settings>(json).unwrap(),
        settings
    );
    for (text, right) in [
        (
            r#"{"detectors":{"flood":{"second":{"throttle":10,"ban":20}}}}"#,
            true,
        ),
        (
            r#"{"detectors":{"flood":{"second":{"throttle":10}}}}"#,
            false,
        ),
        (r#"{"detectors":{"flod":{}}}"#, false),
        (r#"{"memory":{"subjects":1000}}"#, true),
        (r#"{"memory":{"subject":1000}}"#, false),
    ] {
        let read = serde_json::from_str::<crate::behaviour::Settings>(text);
        assert_eq!(read.is_ok(), right, "{text}");
    }
}
