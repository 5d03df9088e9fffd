use super::*;

/// The lines of one metric, without comments.
fn samples(text: &str, name: &str) -> Vec<String> {
    text.lines()
        .filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn everything_has_help_and_a_type_and_a_lawful_name() {
    let metrics = Metrics::new().unwrap();
    metrics.route("/").request(Action::Allow);
    metrics.route("/").response(200);
    metrics.protocol_error("two-hosts");
    metrics.connection_closed("slow-head");
    metrics.config_reload("applied");
    metrics.upstream_error("api", "connect");
    metrics.models.up("gate", true);
    let text = metrics.render();
    for name in Name::ALL {
        let name = name.text();
        assert!(
            text.contains(&format!("# HELP {name} ")),
            "{name} has no help"
        );
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")))
            .unwrap_or_else(|| panic!("{name} has no type"));
        assert_eq!(
            kind == "counter",
            name.ends_with("_total"),
            "{name} is a {kind}"
        );
        assert_eq!(
            kind == "histogram",
            name.ends_with("_seconds") && !name.ends_with("_lag_seconds"),
            "{name} is a {kind}"
        );
    }
}

#[test]
fn the_process_is_measured_on_each_scrape() {
    let metrics = Metrics::new().unwrap();
    let text = metrics.render();
    for name in [
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "process_start_time_seconds",
    ] {
        let line = samples(&text, name)
            .pop()
            .unwrap_or_else(|| panic!("{name} is missing"));
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value > 0.0, "{line}");
    }
}

#[test]
fn actions_and_classes_are_counted_under_their_labels() {
    let metrics = Metrics::new().unwrap();
    let route = metrics.route("/api");
    for (status, class) in [
        (0, "aborted"),
        (101, "1xx"),
        (204, "2xx"),
        (302, "3xx"),
        (403, "4xx"),
        (502, "5xx"),
        (999, "aborted"),
    ] {
        route.response(status);
        let line = format!("portcullis_responses_total{{class=\"{class}\",route=\"/api\"}}");
        assert!(
            samples(&metrics.render(), "portcullis_responses_total")
                .iter()
                .any(|l| l.starts_with(&line) && !l.ends_with(" 0")),
            "{status}"
        );
    }
    for action in Action::ALL {
        route.request(action);
        let line = format!(
            "portcullis_requests_total{{action=\"{}\",route=\"/api\"}} 1",
            action.as_str()
        );
        assert!(
            samples(&metrics.render(), "portcullis_requests_total").contains(&line),
            "{line}"
        );
    }
}

#[test]
fn verdicts_are_counted_with_and_without_a_category() {
    let metrics = Metrics::new().unwrap();
    metrics.verdict(Action::Allow, None);
    metrics.verdict(Action::Deny, Some(Category::Sqli));
    metrics.verdict(Action::Deny, Some(Category::Sqli));
    let lines = samples(&metrics.render(), "portcullis_verdicts_total");
    assert!(
        lines.contains(
            &"portcullis_verdicts_total{action=\"allow\",category=\"none\"} 1".to_owned()
        ),
        "{lines:?}"
    );
    assert!(
        lines
            .contains(&"portcullis_verdicts_total{action=\"deny\",category=\"sqli\"} 2".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_histogram_sums_what_all_threads_saw() {
    let metrics = Metrics::new().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                metrics.request_duration.observe(Duration::from_micros(100));
                metrics.request_duration.observe(Duration::from_micros(101));
                metrics.request_duration.observe(Duration::from_secs(3600));
            });
        }
    });
    metrics.stage(Stage::Signature, Duration::from_micros(3));
    let text = metrics.render();
    for line in [
        "portcullis_request_duration_seconds_bucket{le=\"0.0001\"} 4",
        "portcullis_request_duration_seconds_bucket{le=\"0.00025\"} 8",
        "portcullis_request_duration_seconds_bucket{le=\"30\"} 8",
        "portcullis_request_duration_seconds_bucket{le=\"+Inf\"} 12",
        "portcullis_request_duration_seconds_count 12",
        "portcullis_inspection_duration_seconds_bucket{stage=\"signature\",le=\"0.000005\"} 1",
        "portcullis_inspection_duration_seconds_bucket{stage=\"signature\",le=\"0.0000025\"} 0",
    ] {
        assert!(
            text.lines().any(|l| l == line),
            "{line} is missing from\n{text}"
        );
    }
}
