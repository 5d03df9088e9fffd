//! Which attack a verdict names, where signatures and the classifier both say something. It is decided here and nowhere
//! else; records, metrics and the console show what comes out as the verdict's `category`.
//!
//! Rules are exact in what they name and blind to what they do not know; the classifier has a name for everything, and
//! mistakes the rare kinds for one another. So rules that deny by themselves have the word, unless the classifier's
//! category is one that rules found nearly as strong; where rules are weaker than that, the classifier has it.

use crate::rule::Category;

/// From here on what rules found denies by itself, by default.
const DECIDED: f32 = 80.0;

/// Findings this close are equal: one of critical severity, and the same with one of high severity beside it.
const NEAR: f32 = 6.0;

/// The name of an attack, by what rules found of each category (0 to 100, in the order of [`Category::ALL`]) and by
/// what the classifier says; `None` where neither names one.
pub(crate) fn attack(
    found: &[f32; Category::ALL.len()],
    classifier: Option<Category>,
) -> Option<Category> {
    let mut strongest: (f32, Option<Category>) = (0.0, None);
    for (score, category) in found.iter().zip(Category::ALL) {
        if *score > strongest.0 {
            strongest = (*score, Some(*category));
        }
    }
    let (score, rules) = strongest;
    let overruled = |named: &Category| score >= DECIDED && found[*named as usize] < score - NEAR;
    classifier.filter(|named| !overruled(named)).or(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Category::*;

    #[test]
    fn who_names_it() {
        for (found, classifier, expected) in [
            (&[][..], None, None),
            (&[], Some(Xss), Some(Xss)),
            (&[(Sqli, 15.0)], None, Some(Sqli)),
            // Rules that do not deny by themselves.
            (&[(Sqli, 56.0)], Some(Xpath), Some(Xpath)),
            // Rules that do.
            (&[(Sqli, 90.0)], Some(Xpath), Some(Sqli)),
            (&[(Sqli, 99.0), (Xpath, 90.0)], Some(Xpath), Some(Sqli)),
            // Two that are nearly as strong.
            (
                &[(Ssti, 90.0), (CommandInjection, 95.6)],
                Some(Ssti),
                Some(Ssti),
            ),
            (
                &[(Ssti, 90.0), (CommandInjection, 90.0)],
                Some(Ssti),
                Some(Ssti),
            ),
            (
                &[(Ssti, 90.0), (CommandInjection, 95.6)],
                Some(Xss),
                Some(CommandInjection),
            ),
            (
                &[(Ssti, 90.0), (CommandInjection, 95.6)],
                None,
                Some(CommandInjection),
            ),
        ] {
            let mut scores = [0.0; Category::ALL.len()];
            for (category, score) in found {
                scores[*category as usize] = *score;
            }
            assert_eq!(
                attack(&scores, classifier),
                expected,
                "{found:?} {classifier:?}"
            );
        }
    }
}
