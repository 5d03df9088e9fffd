//! Programs that speak HTTP, as a server sees them: which headers they send, in which order, under which name.

use std::borrow::Cow;

use super::random::Draw;

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Chrome, Edge and the like, on a desk or a phone.
    Chromium,
    /// Firefox.
    Firefox,
    /// Safari.
    Safari,
    /// An app on an iPhone.
    AppleApp,
    /// An app on Android.
    AndroidApp,
    /// A desktop program that keeps folders in step.
    Desktop,
    /// A script or service.
    Script,
    /// A probe that asks whether a site lives.
    Probe,
    /// A search engine's crawler.
    Crawler,
    /// A program that looks for dead links.
    LinkChecker,
}

/// A program of one client: its name stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Which program.
    pub program: Program,
    /// How it names itself.
    pub name: String,
    /// What it asks for by `Accept-Language`; empty for none.
    pub language: &'static str,
    /// The system, as Chromium's hints say it.
    platform: &'static str,
    version: u32,
}

/// What of a request decides its headers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Purpose<'a> {
    /// The host.
    pub host: &'a str,
    /// Whether a person opens a page.
    pub page: bool,
    /// Whether a page asks for a file.
    pub file: bool,
    /// Where the request was started; empty for nowhere.
    pub referer: &'a str,
    /// Value of the cookie header; empty for none.
    pub cookie: &'a str,
    /// A bearer token; empty for none.
    pub bearer: &'a str,
    /// A partner's key; empty for none.
    pub key: &'a str,
    /// The length of the JSON body; 0 for none.
    pub length: usize,
}

/// A header.
pub type Header = (&'static str, Cow<'static, str>);

impl Agent {
    /// A browser, of those that are in use.
    pub fn browser(draw: &mut Draw) -> Self {
        let program = [Program::Chromium, Program::Firefox, Program::Safari]
            [draw.weighted([0.66, 0.12, 0.22].into_iter())];
        Self::of(program, draw)
    }

    /// An app on a telephone.
    pub fn app(draw: &mut Draw) -> Self {
        let program = if draw.chance(0.45) {
            Program::AppleApp
        } else {
            Program::AndroidApp
        };
        Self::of(program, draw)
    }

    /// Some client of this program.
    pub fn of(program: Program, draw: &mut Draw) -> Self {
        let age = draw.popular(9) as u32;
        let minor = draw.below(8);
        let (name, platform, version) = match program {
            Program::Chromium => chromium(draw, 146 - age),
            Program::Firefox => {
                let system = draw.pick(&[
                    "Windows NT 10.0; Win64; x64",
                    "X11; Linux x86_64",
                    "Macintosh; Intel Mac OS X 10.15",
                    "Android 15; Mobile",
                ]);
                let version = 148 - age;
                (
                    format!(
                        "Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
                    ),
                    "",
                    version,
                )
            }
            Program::Safari => {
                let (system, end) = if draw.chance(0.7) {
                    (
                        "iPhone; CPU iPhone OS 18_7 like Mac OS X",
                        "Mobile/15E148 Safari/604.1",
                    )
                } else {
                    ("Macintosh; Intel Mac OS X 10_15_7", "Safari/605.1.15")
                };
                (
                    format!(
                        "Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.{minor} {end}"
                    ),
                    "",
                    26,
                )
            }
            Program::AppleApp => (
                format!("Everyday/5.{minor}.1 (iPhone; iOS 18.{minor}; Scale/3.00)"),
                "ios",
                5,
            ),
            Program::AndroidApp => (
                format!("everyday-android/5.{minor}.{age} okhttp/4.12.0"),
                "android",
                5,
            ),
            Program::Desktop => (format!("KeepInStep/3.{minor}.{age} (Windows 11)"), "", 3),
            Program::Script => (script(draw), "", 1),
            Program::Probe => (
                draw.pick(&[
                    "UpAndWell/2.1 (+https://probe.example)",
                    "kube-probe/1.34",
                    "Lighthouse-Keeper/1.0",
                ])
                .to_owned(),
                "",
                1,
            ),
            Program::Crawler => (draw.pick(&CRAWLERS).to_owned(), "", 1),
            Program::LinkChecker => (
                "DeadLinks/0.9 (+https://links.example/bot)".to_owned(),
                "",
                1,
            ),
        };
        let language = match program {
            Program::Chromium | Program::Firefox | Program::Safari => {
                LANGUAGES[draw.popular(LANGUAGES.len())]
            }
            Program::AppleApp | Program::AndroidApp => {
                draw.pick(&["en-GB", "de-DE", "es-ES", "pt-BR", "en-US"])
            }
            _ => "",
        };
        Self {
            program,
            name,
            language,
            platform,
            version,
        }
    }

    /// An agent of this program under a name of one's choice: what attackers do.
    pub fn named(program: Program, name: &str) -> Self {
        Self {
            program,
            name: name.to_owned(),
            language: "",
            platform: "\"Windows\"",
            version: 140,
        }
    }

    /// Whether a person sits before it.
    pub fn is_browser(&self) -> bool {
        matches!(
            self.program,
            Program::Chromium | Program::Firefox | Program::Safari
        )
    }

    /// The headers of a request, in this program's order.
    pub fn headers(&self, of: &Purpose<'_>) -> Vec<Header> {
        let mut list = List {
            headers: Vec::with_capacity(18),
            of,
        };
        match self.program {
            Program::Chromium => self.chromium_headers(&mut list),
            Program::Firefox => self.firefox_headers(&mut list),
            Program::Safari => self.safari_headers(&mut list),
            Program::AppleApp => self.apple_headers(&mut list),
            Program::AndroidApp => self.android_headers(&mut list),
            Program::Desktop
            | Program::Script
            | Program::Probe
            | Program::Crawler
            | Program::LinkChecker => {
                self.plain_headers(&mut list);
            }
        }
        list.headers
    }

    fn chromium_headers(&self, list: &mut List<'_>) {
        list.put("host", list.of.host.to_owned());
        list.length();
        list.fixed("connection", "keep-alive");
        list.put("sec-ch-ua-platform", self.platform.to_owned());
        list.bearer();
        list.put("user-agent", self.name.clone());
        list.put(
            "sec-ch-ua",
            format!(
                "\"Chromium\";v=\"{0}\", \"Not:A-Brand\";v=\"24\", \"Google Chrome\";v=\"{0}\"",
                self.version
            ),
        );
        list.fixed(
            "sec-ch-ua-mobile",
            if self.platform == "\"Android\"" {
                "?1"
            } else {
                "?0"
            },
        );
        list.content();
        list.accept(
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        );
        list.origin();
        list.fetch_site();
        list.referer();
        list.fixed("accept-encoding", "gzip, deflate, br, zstd");
        list.fixed("accept-language", self.language);
        list.cookie();
    }

    fn firefox_headers(&self, list: &mut List<'_>) {
        list.put("host", list.of.host.to_owned());
        list.put("user-agent", self.name.clone());
        list.accept("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        list.fixed("accept-language", self.language);
        list.fixed("accept-encoding", "gzip, deflate, br, zstd");
        list.content();
        list.bearer();
        list.length();
        list.origin();
        list.fixed("connection", "keep-alive");
        list.referer();
        list.cookie();
        list.fetch_site();
        list.fixed("priority", "u=4");
    }

    fn safari_headers(&self, list: &mut List<'_>) {
        list.put("host", list.of.host.to_owned());
        list.content();
        list.accept("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        list.bearer();
        list.fetch_site();
        list.fixed("accept-language", self.language);
        list.fixed("accept-encoding", "gzip, deflate, br");
        list.origin();
        list.put("user-agent", self.name.clone());
        list.referer();
        list.length();
        list.fixed("connection", "keep-alive");
        list.cookie();
    }

    fn apple_headers(&self, list: &mut List<'_>) {
        list.put("host", list.of.host.to_owned());
        list.content();
        list.cookie();
        list.fixed("connection", "keep-alive");
        list.fixed("accept", "application/json");
        list.put("user-agent", self.name.clone());
        list.bearer();
        list.fixed("accept-language", self.language);
        list.length();
        list.fixed("accept-encoding", "gzip, deflate, br");
    }

    fn android_headers(&self, list: &mut List<'_>) {
        list.fixed("accept", "application/json");
        list.bearer();
        list.fixed("x-app-platform", self.platform);
        list.fixed("accept-language", self.language);
        list.put("user-agent", self.name.clone());
        list.content();
        list.length();
        list.put("host", list.of.host.to_owned());
        list.fixed("connection", "Keep-Alive");
        list.fixed("accept-encoding", "gzip");
        list.cookie();
    }

    fn plain_headers(&self, list: &mut List<'_>) {
        list.put("host", list.of.host.to_owned());
        list.put("user-agent", self.name.clone());
        list.fixed(
            "accept-encoding",
            if self.name.starts_with("curl") {
                ""
            } else {
                "gzip, deflate"
            },
        );
        list.fixed("accept", "*/*");
        list.bearer();
        list.put("x-api-key", list.of.key.to_owned());
        list.cookie();
        list.content();
        list.length();
    }
}

/// Headers in the making; what is empty is left out.
struct List<'a> {
    headers: Vec<Header>,
    of: &'a Purpose<'a>,
}

impl List<'_> {
    fn put(&mut self, name: &'static str, value: String) {
        if !value.is_empty() {
            self.headers.push((name, Cow::Owned(value)));
        }
    }

    fn fixed(&mut self, name: &'static str, value: &'static str) {
        if !value.is_empty() {
            self.headers.push((name, Cow::Borrowed(value)));
        }
    }

    fn bearer(&mut self) {
        if !self.of.bearer.is_empty() {
            self.put("authorization", format!("Bearer {}", self.of.bearer));
        }
    }

    fn cookie(&mut self) {
        self.put("cookie", self.of.cookie.to_owned());
    }

    fn referer(&mut self) {
        self.put("referer", self.of.referer.to_owned());
    }

    fn content(&mut self) {
        if self.of.length > 0 {
            self.fixed("content-type", "application/json");
        }
    }

    fn length(&mut self) {
        if self.of.length > 0 {
            self.put("content-length", self.of.length.to_string());
        }
    }

    fn origin(&mut self) {
        if self.of.length > 0 {
            self.put("origin", format!("https://{}", self.of.host));
        }
    }

    fn accept(&mut self, page: &'static str) {
        self.fixed(
            "accept",
            match (self.of.page, self.of.file) {
                (true, _) => page,
                (_, true) => "*/*",
                _ => "application/json, text/plain, */*",
            },
        );
    }

    fn fetch_site(&mut self) {
        let (site, mode, dest) = match (self.of.page, self.of.file) {
            (true, _) if self.of.referer.is_empty() => ("none", "navigate", "document"),
            (true, _) => ("same-origin", "navigate", "document"),
            (_, true) => ("same-origin", "no-cors", "image"),
            _ => ("same-origin", "cors", "empty"),
        };
        self.fixed("sec-fetch-site", site);
        self.fixed("sec-fetch-mode", mode);
        self.fixed("sec-fetch-dest", dest);
    }
}

fn chromium(draw: &mut Draw, version: u32) -> (String, &'static str, u32) {
    let (system, platform, end) = match draw.weighted([0.5, 0.15, 0.05, 0.3].into_iter()) {
        0 => (
            "Windows NT 10.0; Win64; x64",
            "\"Windows\"",
            "Safari/537.36",
        ),
        1 => (
            "Macintosh; Intel Mac OS X 10_15_7",
            "\"macOS\"",
            "Safari/537.36",
        ),
        2 => ("X11; Linux x86_64", "\"Linux\"", "Safari/537.36"),
        _ => (
            "Linux; Android 10; K",
            "\"Android\"",
            "Mobile Safari/537.36",
        ),
    };
    (
        format!(
            "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {end}"
        ),
        platform,
        version,
    )
}

fn script(draw: &mut Draw) -> String {
    let minor = draw.below(12);
    match draw.below(7) {
        0 => format!("python-requests/2.32.{}", minor % 6),
        1 => "Go-http-client/1.1".to_owned(),
        2 => "Java-http-client/21.0.4".to_owned(),
        3 => format!("axios/1.{minor}.0"),
        4 => format!("curl/8.{minor}.0"),
        5 => "PostmanRuntime/7.46.0".to_owned(),
        _ => "node".to_owned(),
    }
}

/// Names of crawlers that state where they can be looked up.
pub const CRAWLERS: [&str; 4] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
];

/// What of their names says who they are.
pub const CRAWLER_NAMES: [&str; 4] = ["Googlebot", "bingbot", "YandexBot", "DuckDuckBot"];

const LANGUAGES: [&str; 8] = [
    "en-US,en;q=0.9",
    "de-DE,de;q=0.9,en;q=0.6",
    "es-ES,es;q=0.9",
    "fr-FR,fr;q=0.8,en;q=0.5",
    "en-GB,en;q=0.9",
    "pt-BR,pt;q=0.9",
    "tr,en;q=0.7",
    "ja",
];
