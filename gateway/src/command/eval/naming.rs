//! Whether the attack type is named right: of the grafted attacks that were denied, what class each belongs to and
//! which category the verdict names. The truth is stated here and in docs/EVAL.md, and is no wider than what the lists
//! themselves say they hold.

use std::collections::BTreeMap;

use portcullis_detect::Category;
use serde_json::{Value, json};

use super::super::say;
use super::payload::Class;
use super::tally::wilson;

/// What was named, of the denied attacks of each class.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    cells: BTreeMap<(Class, Option<Category>), usize>,
}

/// What became of the attacks of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// How many were denied.
    pub count: usize,
    /// How many of them were named right.
    pub right: usize,
    /// How many of other classes were given its name.
    pub borrowed: usize,
}

/// How many wrong names are shown of a class.
const SHOWN: usize = 4;

impl Class {
    /// What a verdict may call it. Only the two classes whose lists hold two kinds each have two names: those of
    /// traversal hold file inclusion as well, those of templates hold expression languages.
    pub const fn categories(self) -> &'static [Category] {
        match self {
            Self::Sql => &[Category::Sqli],
            Self::Xss => &[Category::Xss],
            Self::Traversal => &[Category::PathTraversal, Category::FileInclusion],
            Self::Command => &[Category::CommandInjection],
            Self::Template => &[Category::Ssti, Category::ExpressionLanguage],
            Self::Nosql => &[Category::Nosql],
            Self::Ldap => &[Category::Ldap],
            Self::Xpath => &[Category::Xpath],
            Self::Xml => &[Category::Xxe],
            Self::Ssi => &[Category::Ssi],
        }
    }

    /// The class that a category is a name of.
    fn named(category: Category) -> Option<Self> {
        let names = |class: &Self| class.categories().contains(&category);
        Self::ALL.into_iter().find(names)
    }
}

impl Naming {
    /// Counts a denied attack. A line that lists of several classes have is an attack of each of them: named as one of
    /// these it counts for that one, otherwise for the first, which is that of its own list.
    pub fn add(&mut self, classes: &[Class], category: Option<Category>) {
        let named = category.and_then(Class::named);
        let own = named
            .filter(|named| classes.contains(named))
            .or(classes.first().copied());
        if let Some(class) = own {
            *self.cells.entry((class, category)).or_default() += 1;
        }
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count;
        }
    }

    /// What became of a class.
    pub fn share(&self, class: Class) -> Share {
        let mut share = Share::default();
        for ((own, category), count) in &self.cells {
            let named = category.and_then(Class::named) == Some(class);
            if *own == class {
                share.count += count;
                share.right += if named { *count } else { 0 };
            } else if named {
                share.borrowed += count;
            }
        }
        share
    }

    /// How many were denied, and how many of them were named right.
    pub fn together(&self) -> (usize, usize) {
        let shares = Class::ALL.map(|class| self.share(class));
        let sum = |of: fn(&Share) -> usize| shares.iter().map(of).sum();
        (sum(|share| share.count), sum(|share| share.right))
    }

    /// The mean of the F1 of all classes of which attacks were denied; 0 without any.
    pub fn macro_f1(&self) -> f64 {
        let shares = Class::ALL.map(|class| self.share(class));
        let seen: Vec<f64> = shares
            .iter()
            .filter(|share| share.count > 0)
            .map(Share::f1)
            .collect();
        seen.iter().sum::<f64>() / seen.len().max(1) as f64
    }

    /// The wrong names of a class, the most frequent first.
    fn mixed_up(&self, class: Class) -> Vec<(&'static str, usize)> {
        let of_class = self.cells.iter().filter(|((own, _), _)| *own == class);
        let wrong = of_class
            .filter(|((_, category), _)| category.and_then(Class::named) != Some(class))
            .map(|((_, category), count)| (category.map_or("none", Category::as_str), *count));
        let mut wrong: Vec<_> = wrong.collect();
        wrong.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        wrong
    }

    /// Prints a line per class: how many were denied, the share named right, and what the others were called.
    pub fn print(&self) {
        if self.cells.is_empty() {
            return;
        }
        say(&format!(
            "{:<10} {:>8} {:>12} {:>18} {:>7}  called something else",
            "denied of", "count", "named right", "95 % interval", "F1"
        ));
        for class in Class::ALL {
            let share = self.share(class);
            let (low, high) = wilson(share.right, share.count);
            let wrong: Vec<String> = self
                .mixed_up(class)
                .iter()
                .take(SHOWN)
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            let line = format!(
                "{:<10} {:>8} {:>10.2} % {:>7.2} to {:>5.2} % {:>7.3}  {}",
                class.name(),
                share.count,
                share.right as f64 * 100.0 / share.count.max(1) as f64,
                low * 100.0,
                high * 100.0,
                share.f1(),
                wrong.join(", ")
            );
            say(line.trim_end());
        }
    }

    /// The same as a list.
    pub fn as_json(&self) -> Value {
        Class::ALL
            .iter()
            .map(|class| {
                let share = self.share(*class);
                let (low, high) = wilson(share.right, share.count);
                let wrong: serde_json::Map<String, Value> = self
                    .mixed_up(*class)
                    .into_iter()
                    .map(|(name, count)| (name.to_owned(), Value::from(count)))
                    .collect();
                json!({
                    "class": class.name(),
                    "denied": share.count,
                    "right": share.right,
                    "interval": [low, high],
                    "borrowed": share.borrowed,
                    "f1": share.f1(),
                    "called": wrong,
                })
            })
            .collect()
    }
}

impl Share {
    /// The harmonic mean of the share of its attacks that bear its name and of the share of its name that is deserved.
    pub fn f1(&self) -> f64 {
        let all = self.count + self.right + self.borrowed;
        2.0 * self.right as f64 / all.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_names_one_class_at_most() {
        for class in Class::ALL {
            for category in class.categories() {
                assert_eq!(Class::named(*category), Some(class), "{category:?}");
            }
        }
        for category in [Category::Webshell, Category::CodeInjection, Category::Ssrf] {
            assert_eq!(Class::named(category), None, "{category:?}");
        }
    }

    #[test]
    fn right_and_wrong_names_are_counted() {
        let mut naming = Naming::default();
        for (classes, category, times) in [
            (&[Class::Sql][..], Some(Category::Sqli), 8),
            (&[Class::Sql], Some(Category::Nosql), 1),
            (&[Class::Sql], None, 1),
            (&[Class::Nosql], Some(Category::Nosql), 3),
            (&[Class::Traversal], Some(Category::FileInclusion), 2),
            // Lines of two lists: either name is right.
            (&[Class::Xpath, Class::Sql], Some(Category::Sqli), 2),
            (&[Class::Xpath, Class::Sql], Some(Category::Xpath), 1),
            (&[Class::Xpath, Class::Sql], Some(Category::Xss), 1),
            (&[], Some(Category::Xss), 5),
        ] {
            for _ in 0..times {
                naming.add(classes, category);
            }
        }
        for (class, count, right, borrowed) in [
            (Class::Sql, 12, 10, 0),
            (Class::Nosql, 3, 3, 1),
            (Class::Traversal, 2, 2, 0),
            (Class::Xpath, 2, 1, 0),
            (Class::Xss, 0, 0, 1),
        ] {
            let expected = Share {
                count,
                right,
                borrowed,
            };
            assert_eq!(naming.share(class), expected, "{class:?}");
        }
        assert_eq!(naming.together(), (19, 16));
        assert_eq!(naming.mixed_up(Class::Sql), [("none", 1), ("nosql", 1)]);
        // sql 20/22, nosql 6/7, traversal 1, xpath 2/3; of the others nothing was denied.
        let expected = (20.0 / 22.0 + 6.0 / 7.0 + 1.0 + 2.0 / 3.0) / 4.0;
        assert!((naming.macro_f1() - expected).abs() < 1e-9);
        let mut twice = naming.clone();
        twice.merge(&naming);
        assert_eq!(twice.together(), (38, 32));
    }
}
