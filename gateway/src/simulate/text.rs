//! What people type: searches, names, sentences. Some of it looks like code, markup or SQL and is none: that is how
//! people write, and a gateway that cannot bear it is of no use to them.

use std::fmt::Write;

use super::random::Draw;

/// A word or a few, as one searches.
pub fn words(draw: &mut Draw) -> String {
    if draw.chance(0.08) {
        return AWKWARD[draw.popular(AWKWARD.len())].to_owned();
    }
    let count = 1 + draw.popular(4);
    let mut text = String::new();
    for index in 0..count {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(NOUNS[draw.below(NOUNS.len())]);
    }
    if draw.chance(0.05) && text.len() > 3 && text.is_ascii() {
        text.remove(1 + draw.below(text.len() - 2));
    }
    text
}

/// Sentences.
pub fn sentences(draw: &mut Draw) -> String {
    let mut text = String::new();
    for _ in 0..=draw.popular(5) {
        if draw.chance(0.07) {
            text.push_str(ODD[draw.popular(ODD.len())]);
        } else {
            let _ = write!(
                text,
                "{} {} {} {}",
                START[draw.below(START.len())],
                NOUNS[draw.below(NOUNS.len())],
                MIDDLE[draw.below(MIDDLE.len())],
                NOUNS[draw.below(NOUNS.len())]
            );
        }
        text.push_str([". ", "! ", ".\n", " :) ", "? ", "… "][draw.below(6)]);
    }
    text
}

/// An expression of the ticket system's query language.
pub fn expression(draw: &mut Draw) -> String {
    let field = draw.pick(&["project", "status", "assignee", "priority", "labels"]);
    let value = draw.pick(&[
        "OPS",
        "\"In Progress\"",
        "currentUser()",
        "(high, blocker)",
        "'needs-review'",
        "WEB",
    ]);
    let operator = if value.starts_with('(') {
        "in"
    } else {
        draw.pick(&["=", "!="])
    };
    let mut text = format!("{field} {operator} {value}");
    if draw.chance(0.5) {
        let _ = write!(
            text,
            " {} updated >= -{}d",
            draw.pick(&["AND", "OR"]),
            1 + draw.below(60)
        );
    }
    if draw.chance(0.3) {
        let _ = write!(text, " AND text ~ \"{}\"", words(draw).replace('"', ""));
    }
    if draw.chance(0.7) {
        text.push_str(" ORDER BY created DESC");
    }
    text
}

/// A query of the ticket system's GraphQL, with its variables, as its own front end sends it.
pub fn graph(draw: &mut Draw) -> (&'static str, &'static str, String) {
    match draw.below(4) {
        0 => (
            "Board",
            "query Board($id: ID!, $first: Int) { board(id: $id) { name columns { id title cards(first: $first) { nodes { key summary assignee { name } } } } } }",
            format!(
                r#"{{"id":"{}","first":{}}}"#,
                10 + draw.below(900),
                20 + draw.below(4) * 10
            ),
        ),
        1 => (
            "Issue",
            "query Issue($key: String!) { issue(key: $key) { key summary description comments(last: 10) { nodes { body author { name } } } links { key } } }",
            format!(
                r#"{{"key":"{}-{}"}}"#,
                draw.pick(&["OPS", "WEB", "CORE"]),
                1 + draw.below(20_000)
            ),
        ),
        2 => (
            "Me",
            "query Me { me { id name teams { id name } unread } }",
            "{}".to_owned(),
        ),
        _ => (
            "Move",
            "mutation Move($key: String!, $to: ID!) { move(key: $key, to: $to) { key status } }",
            format!(
                r#"{{"key":"WEB-{}","to":"{}"}}"#,
                1 + draw.below(20_000),
                draw.below(6)
            ),
        ),
    }
}

const NOUNS: [&str; 44] = [
    "lamp",
    "oak table",
    "desk",
    "chair",
    "notebook",
    "pen",
    "invoice",
    "meeting",
    "garden",
    "coffee",
    "bike",
    "train ticket",
    "rent",
    "salary",
    "holiday photos",
    "report",
    "budget",
    "recipe",
    "soup",
    "cat",
    "dog food",
    "shelf",
    "blue paint",
    "screws",
    "window",
    "update",
    "release",
    "login page",
    "error message",
    "customer",
    "phone",
    "charger",
    "backpack",
    "socks",
    "plant",
    "café",
    "Straße",
    "niño",
    "größe 42",
    "кофе",
    "机",
    "size 10.5",
    "3/4 inch",
    "t-shirt",
];

/// Harmless and awkward, the likeliest first.
const AWKWARD: [&str; 26] = [
    "O'Reilly",
    "D'or lamp",
    "rock 'n' roll",
    "black & decker",
    "50% off",
    "1=1 meme",
    "select committee",
    "drop table tennis net",
    "union jack mug",
    "c++ && c#",
    "<3 cards",
    "24\" monitor",
    "path/to/peace",
    "price > 100",
    "a or b",
    "where is my order",
    "update profile or delete",
    "fish'n'chips; large",
    "e=mc^2",
    "#1 dad",
    "../other half",
    "{handmade}",
    "$100 gift",
    "insert coin into machine",
    "50/50 -- cotton",
    "how to use <script> tags",
];

const START: [&str; 14] = [
    "I like the",
    "Has anyone seen my",
    "We need a new",
    "Please look at the",
    "It's about the",
    "Don't forget the",
    "The",
    "My",
    "Could you check the",
    "Yesterday I bought a",
    "Thanks for the",
    "There's a problem with the",
    "Who ordered the",
    "Let's discuss the",
];

const MIDDLE: [&str; 14] = [
    "and the",
    "because of the",
    "but not the",
    "with a",
    "near the",
    "instead of the",
    "works better than the",
    "arrived before the",
    "doesn't fit the",
    "or maybe the",
    "should be merged with the",
    "is waiting for the",
    "goes well with",
    "reminds me of",
];

/// Harmless and odd, the likeliest first.
const ODD: [&str; 18] = [
    "SELECT the best one from our list and order it before Friday",
    "see https://docs.example/guide?id=12&lang=en#install",
    "union members vote on Monday; drop by if you can",
    "5 > 3 and 2 < 4, that's all the maths I know",
    "I'd rather have '1 or 2' than 'none'",
    "ça coûte 12,50 € — trop cher?",
    "<3 <3 <3",
    "it's 100% wool, isn't it",
    "it says \"undefined is not a function (evaluating 'a.b')\"",
    "C:\\Users\\ada\\Desktop\\report.docx won't open",
    "the template shows {{ name }} instead of my name",
    "if (a < b && c > d) { return; } is what the review was about",
    "/etc/hosts needs an entry for the printer",
    "$PATH was empty; echo $HOME worked",
    "the query `select * from orders where id = 7` takes 3 s",
    "use <b>bold</b> or <i>italics</i> in the title",
    "run `rm -rf node_modules && npm install` and try again",
    "eval(my_life) returned null",
];
