//! Text that almost is an attack, for each shipped rule, and a way to fill a body with it. Tests of cost and of memory
//! share it.

use std::path::Path;

use portcullis_config::{from_yaml, read_folder};
use portcullis_detect::ruletest::{Case, RuleTestFile};

/// `piece` over and over, `length` bytes of it.
pub(crate) fn fill(piece: &str, length: usize) -> String {
    let mut text = piece.repeat(length / piece.len().max(1) + 1);
    let end = (0..=length).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

/// For each rule a text of near misses: all that its own tests match, each cut short, over and over. A pattern has no
/// harder input than what almost matches it.
pub(crate) fn near_misses() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rules");
    let sources = read_folder(&folder).expect("the folder of rule tests");
    let of = |source: portcullis_config::Source| {
        let file = from_yaml::<RuleTestFile>(&source.text, &source.name).ok()?;
        let cut = |case: &Case| {
            let whole = case.arg.clone().or_else(|| case.body.clone())?;
            let cut: String = whole.chars().take(whole.chars().count() * 3 / 4).collect();
            Some(cut + " ")
        };
        let text: String = file.matching.iter().filter_map(cut).collect();
        (!text.trim().is_empty()).then_some((file.rule, text))
    };
    sources.into_iter().filter_map(of).collect()
}
