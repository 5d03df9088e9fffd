//! The configuration of a test's own world: one upstream, one route, one policy, records in a file, and whatever the
//! test is about.

use super::{Gateway, Origin};

/// A configuration in the making. Every part is the inside of a YAML flow mapping, which replaces the part before it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    servers: Vec<String>,
    listener: String,
    upstream: String,
    route: String,
    policy: String,
    rest: String,
}

impl World {
    /// A gateway before this origin, with everything on but the limits.
    pub(crate) fn before(origin: &Origin) -> Self {
        Self::of(&[origin.url()])
    }

    /// A gateway before these servers.
    pub(crate) fn of(servers: &[String]) -> Self {
        Self {
            servers: servers.to_vec(),
            listener: "address: \"127.0.0.1:0\"".to_owned(),
            upstream: String::new(),
            route: String::new(),
            policy: "limits: []".to_owned(),
            rest: "workers: { threads: 1 }".to_owned(),
        }
    }

    /// The listener.
    pub(crate) fn listener(mut self, listener: &str) -> Self {
        listener.clone_into(&mut self.listener);
        self
    }

    /// Settings of the upstream beside its servers.
    pub(crate) fn upstream(mut self, upstream: &str) -> Self {
        upstream.clone_into(&mut self.upstream);
        self
    }

    /// Settings of the route beside path, upstream and policy.
    pub(crate) fn route(mut self, route: &str) -> Self {
        route.clone_into(&mut self.route);
        self
    }

    /// The policy.
    pub(crate) fn policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.policy);
        self
    }

    /// Further lines of the file; unless they say otherwise there is one worker.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        let mut all = lines.to_owned();
        if !lines.contains("workers:") {
            all.push_str("\nworkers: { threads: 1 }");
        }
        self.rest = all;
        self
    }

    /// The file.
    pub(crate) fn yaml(&self) -> String {
        let servers: Vec<String> = self
            .servers
            .iter()
            .map(|url| format!("\"{url}\""))
            .collect();
        let (servers, listener) = (servers.join(", "), &self.listener);
        let records = if self.rest.contains("records:") {
            ""
        } else {
            "records: { output: \"{folder}/records.jsonl\" }\n"
        };
        format!(
            "listeners: [{{ {listener} }}]
admin: {{ address: \"127.0.0.1:0\" }}
{records}upstreams: {{ api: {{ servers: [{servers}], {} }} }}
routes: [{{ path: /, upstream: api, policy: default, {} }}]
policies: {{ default: {{ {} }} }}
{}
",
            self.upstream, self.route, self.policy, self.rest
        )
    }

    /// A gateway with it.
    pub(crate) fn start(&self) -> Gateway {
        Gateway::start(&self.yaml())
    }
}
