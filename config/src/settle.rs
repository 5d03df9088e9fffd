//! One spelling for what may be written in several, paths from one place, and the policy that always exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::RecordOutput;
use crate::model::{Config, HeaderEdits};

impl Config {
    /// Lets relative paths start from the folder of the configuration file, wherever the process was started.
    pub(crate) fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| *path = folder.join(&path);
        self.rules.directory.iter_mut().for_each(resolve);
        self.log.file.iter_mut().for_each(resolve);
        self.identity.tokens.jwks.iter_mut().for_each(resolve);
        self.identity.networks.iter_mut().for_each(resolve);
        if let RecordOutput::File(path) = &mut self.records.output {
            resolve(path);
        }
        if let Some(share) = &mut self.share {
            share.ca.iter_mut().for_each(resolve);
        }
        for upstream in self.upstreams.values_mut() {
            upstream.tls.ca.iter_mut().for_each(resolve);
        }
        for tls in self
            .listeners
            .iter_mut()
            .filter_map(|listener| listener.tls.as_mut())
        {
            tls.cert.iter_mut().chain(&mut tls.key).for_each(resolve);
            for certificate in &mut tls.certificates {
                resolve(&mut certificate.cert);
                resolve(&mut certificate.key);
            }
        }
    }

    /// Puts names of headers and hosts in lower case, lets `inspect` follow a smaller `max`, and adds the policy
    /// `default` where it was not written.
    pub(crate) fn settle(&mut self) {
        self.policies.entry("default".to_owned()).or_default();
        for policy in self.policies.values_mut() {
            policy.tag_header.make_ascii_lowercase();
            policy.body.inspect = policy.body.inspect.min(policy.body.max);
        }
        for route in &mut self.routes {
            if let Some(host) = &mut route.host {
                host.make_ascii_lowercase();
            }
        }
        for upstream in self.upstreams.values_mut() {
            lower_names(&mut upstream.request_headers);
            lower_names(&mut upstream.response_headers);
        }
        let redact = &mut self.records.redact;
        for name in redact.headers.iter_mut().chain(&mut redact.fields) {
            *name = name.to_lowercase();
        }
    }
}

fn lower_names(edits: &mut HeaderEdits) {
    for map in [&mut edits.set, &mut edits.add] {
        let lower: BTreeMap<String, String> = std::mem::take(map)
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        *map = lower;
    }
    for name in &mut edits.remove {
        name.make_ascii_lowercase();
    }
}
