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
