//! `portcullis inspect`: the verdict on one request from a file, with its evidence.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use portcullis_detect::ensemble::{Explained, Opinion};
use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{Detector, Evidence, Policy, Subjects, SystemClock, Verdict, Worker};

use super::{list_problems, say};
use crate::cli::InspectArgs;
use crate::limit::{LimitClock, Limits};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::snapshot::Snapshot;
use crate::{reload, rules};

/// Judges the request and prints why. Exit code 0 whatever the verdict: it is an answer, not a failure.
///
/// # Errors
/// When the file cannot be read or holds no request.
pub fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let raw = read(&args.request)?;
    let request = parse(&raw).map_err(|error| {
        anyhow::anyhow!(
            "{} holds no HTTP/1.1 request: {error}",
            args.request.display()
        )
    })?;
    let judged = match &args.config {
        None => rules::load(None)
            .map(|rules| judge(&Detector::new(rules), &request, &Policy::default())),
        Some(file) => judge_configured(file, &request),
    };
    match judged {
        Ok(verdict) if args.json => say(&serde_json::to_string_pretty(&verdict)?),
        Ok(verdict) => print(&verdict),
        Err(problems) => {
            list_problems(&problems, "inspect");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    // A request file has no business being larger than any body cap.
    const MOST: u64 = 256 * 1024 * 1024;
    let mut raw = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin()
            .take(MOST)
            .read_to_end(&mut raw)
            .context("standard input cannot be read")?;
    } else {
        let opened = std::fs::File::open(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        opened
            .take(MOST)
            .read_to_end(&mut raw)
            .with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(raw)
}

/// Reads a request; rules' tests may leave the version out, a file that claims to be a request may not.
fn parse(raw: &[u8]) -> Result<OwnedRequest, String> {
    let line = raw
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii_end();
    if !(line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")) {
        return Err("its first line is not METHOD TARGET HTTP/1.1".to_owned());
    }
    OwnedRequest::parse(raw)
}

fn judge(detector: &Detector, request: &OwnedRequest, policy: &Policy) -> Verdict {
    let subjects = Subjects::of(request.client);
    request.with(|request| {
        detector.inspect(
            &mut Worker::default(),
            request,
            policy,
            &subjects,
            &SystemClock,
        )
    })
}

fn judge_configured(file: &Path, request: &OwnedRequest) -> Result<Verdict, Vec<String>> {
    let config = reload::read(file)?;
    let metrics = Metrics::new().map_err(|error| vec![error.to_string()])?;
    let limits = Limits::new(
        LimitClock::system(),
        metrics.limit_keys.clone(),
        metrics.limit_evictions.clone(),
    );
    let memory = Memory::idle(&config.behaviour, None).map_err(|problem| vec![problem])?;
    let models = Models::load(&config.ensemble, 0, &metrics, &Models::none())?;
    let snapshot = Snapshot::build(config, &limits, &metrics, memory.state(), &models)?;
    let method = http::Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
    let path = String::from_utf8_lossy(&request.path);
    let Some(route) = snapshot.routes.find(&request.host, &path, &method) else {
        return Err(vec![format!(
            "no route of {} matches {} {path}",
            file.display(),
            request.method
        )]);
    };
    Ok(judge(
        &snapshot.detector,
        request,
        &snapshot.routes.all()[route].policy.engine,
    ))
}

fn print(verdict: &Verdict) {
    let category = verdict
        .category
        .map_or("no category", |category| category.as_str());
    say(&format!(
        "{}  score {:.0} of 100 ({:?}), {category}",
        verdict.action.as_str().to_uppercase(),
        verdict.score,
        verdict.level
    ));
    for evidence in &verdict.evidence {
        print_evidence(evidence);
    }
    if verdict.evidence.is_empty() {
        say("  nothing speaks against it");
    }
    if let Some(opinion) = &verdict.ensemble {
        print_opinion(opinion);
    }
    if !verdict.uninspected.is_nothing() {
        say("  not everything was looked at: the body or some fields are over a cap");
    }
    let stages: Vec<String> = verdict
        .stages
        .each()
        .iter()
        .map(|(name, time)| match time {
            Some(time) => format!("{name} {:.1} µs", time.as_nanos() as f64 / 1000.0),
            None => format!("{name} skipped"),
        })
        .collect();
    say(&format!("  stages: {}", stages.join(", ")));
}

fn print_opinion(opinion: &Opinion) {
    say(&format!(
        "  models: {:.1} % an attack, {} of {} agree, confidence {:.0} %, effect {}",
        100.0 * opinion.probability,
        opinion.agreeing,
        opinion.voting,
        100.0 * opinion.confidence,
        opinion.effect.as_str()
    ));
    for vote in &opinion.votes {
        let shadow = if vote.shadow { " (shadow: no say)" } else { "" };
        say(&format!(
            "    {:<24} {:>5.1} %{shadow}{}",
            vote.model,
            100.0 * vote.probability,
            match vote.explained {
                Some(Explained::Exact) => ", of which (exact)",
                Some(Explained::Ablation) => ", of which (by ablation)",
                None => "",
            }
        ));
        for because in &vote.because {
            say(&format!(
                "      {:+.1} points by {}",
                100.0 * because.contribution,
                because.what
            ));
        }
    }
    for skipped in &opinion.skipped {
        say(&format!(
            "    {:<24} not asked: {}",
            skipped.model,
            skipped.why.as_str()
        ));
    }
    for reason in &opinion.reasons {
        say(&format!(
            "    for it speaks {:?} ({:+.2})",
            reason.text, reason.contribution
        ));
    }
}

fn print_evidence(evidence: &Evidence) {
    let place = serde_json::to_value(evidence.location).ok();
    let place = place
        .as_ref()
        .and_then(|place| place.as_str())
        .unwrap_or_default();
    let field = if evidence.field.is_empty() {
        String::new()
    } else {
        format!(" {:?}", evidence.field)
    };
    say(&format!(
        "  {} ({}, weighs {})",
        evidence.rule,
        evidence.category.as_str(),
        evidence.score
    ));
    say(&format!("    {}", evidence.why));
    say(&format!("    in {place}{field}: {:?}", evidence.excerpt));
}
