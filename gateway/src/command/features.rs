//! `portcullis features`: recorded requests as what models read, for those who train them. The engine computes every
//! value, with the code that serves; this file only reads lines and writes arrays. `docs/FEATURES.md` describes the
//! files.

mod fields;
mod flow;
mod history;
pub(super) mod lines;
mod npy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use portcullis_config::BodyPolicy;
use portcullis_detect::ensemble::gate::Gate;
use portcullis_detect::feature::{
    CHARACTER_FIELDS, CHARACTERS, COLUMN_BITS, Column, FlowColumn, REQUEST_COLUMNS, Reading, Row,
    View,
};
use portcullis_detect::{Detector, Policy, Worker};
use serde_json::{Value, json};

use super::eval::judge::shown;
use super::eval::sample::{self, Label, Sample};
use super::{list_problems, say};
use crate::cli::FeaturesArgs;
use crate::rules;
use fields::{Fields, FieldsOf};
use npy::Array;

/// Writes the view that was asked for.
///
/// # Errors
/// When a file cannot be read or written, the gate is none, or a line is no request.
pub fn run(args: &FeaturesArgs) -> anyhow::Result<ExitCode> {
    if args.names {
        say(&serde_json::to_string_pretty(&schema(args.view))?);
        return Ok(ExitCode::SUCCESS);
    }
    let (Some(from), Some(to)) = (&args.from, &args.to) else {
        anyhow::bail!("name the requests and the array to write");
    };
    let rules = match rules::load(args.rules.as_deref()) {
        Ok(rules) => rules,
        Err(problems) => {
            list_problems(&problems, "features");
            return Ok(ExitCode::FAILURE);
        }
    };
    let extractor = Extractor {
        detector: Detector::new(rules),
        policy: Policy {
            paranoia: args.paranoia,
            ..Policy::default()
        },
        inspect: BodyPolicy::default().inspect.as_usize(),
        gate: args.gate.as_deref().map(gate).transpose()?,
    };
    let rows = match args.view {
        View::Request => extractor.requests(from, to)?,
        View::Characters => extractor.characters(from, to)?,
        View::Fields => extractor.fields(from, to, args.distinct)?,
        View::Behaviour | View::Sequence => {
            history::write(from, to, args.view, args.rules.as_deref())?
        }
        View::Flow => {
            let records = args.records.as_deref();
            flow::write(
                from,
                records.context("name the gateway's records: --records FILE")?,
                to,
            )?
        }
    };
    let text = serde_json::to_string_pretty(&schema(args.view))? + "\n";
    write(&beside(to, "schema.json"), &text)?;
    say(&format!(
        "{rows} rows of {} in {}",
        args.view.as_str(),
        to.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// What computes features.
struct Extractor {
    detector: Detector,
    policy: Policy,
    inspect: usize,
    gate: Option<Gate>,
}

impl Extractor {
    fn requests(&self, from: &Path, to: &Path) -> anyhow::Result<usize> {
        let mut array = Array::create(to, "<f4", &[REQUEST_COLUMNS])?;
        let look = |_: &Sample, reading: &mut Reading<'_>| {
            let mut row = Row::default();
            reading.request(&mut row);
            row
        };
        self.each(from, to, look, |row| array.push(1, &little(&row.0)))?;
        array.finish()
    }

    fn characters(&self, from: &Path, to: &Path) -> anyhow::Result<usize> {
        let mut array = Array::create(to, "|u1", &[CHARACTER_FIELDS, CHARACTERS])?;
        let look = |_: &Sample, reading: &mut Reading<'_>| {
            let mut characters = [0; CHARACTER_FIELDS * CHARACTERS];
            reading.characters(&mut characters);
            characters
        };
        self.each(from, to, look, |row| array.push(1, &row))?;
        array.finish()
    }

    fn fields(&self, from: &Path, to: &Path, distinct: bool) -> anyhow::Result<usize> {
        let mut fields = Fields::create(to, distinct)?;
        let gated = self.gate.is_some();
        let look =
            |sample: &Sample, reading: &mut Reading<'_>| FieldsOf::read(sample, reading, gated);
        self.each(from, to, look, |of| fields.push(of))?;
        fields.finish()
    }

    /// Has every request looked at, hands over what comes out, and writes the labels.
    fn each<R: Send>(
        &self,
        from: &Path,
        to: &Path,
        look: impl Fn(&Sample, &mut Reading<'_>) -> R + Sync,
        mut take: impl FnMut(R) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut labels = Array::create(&beside(to, "labels.npy"), "|u1", &[])?;
        let work = |worker: &mut Worker, line: &str| {
            let sample = sample::recorded(line)?;
            let seen = shown(
                &sample.request,
                sample.request.client,
                self.inspect,
                |request| {
                    let look = |reading: &mut Reading<'_>| look(&sample, reading);
                    let (policy, gate) = (&self.policy, self.gate.as_ref());
                    self.detector.features(worker, request, policy, gate, look)
                },
            );
            Ok((sample.label == Label::Attack, seen))
        };
        lines::each(
            lines::open(from)?,
            Worker::default,
            work,
            |(attack, seen)| {
                labels.push(1, &[u8::from(attack)])?;
                take(seen)
            },
        )
        .with_context(|| from.display().to_string())?;
        labels.finish().map(|_| ())
    }
}

fn gate(path: &Path) -> anyhow::Result<Gate> {
    let bytes =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Gate::read(&bytes).with_context(|| format!("{} is no gate", path.display()))
}

/// What stands in `schema.json`.
fn schema(view: View) -> Value {
    let mut schema = json!({
        "view": view.as_str(),
        "schema": view.schema(),
        "shape": view.shape(),
        "names": view.names(),
    });
    match view {
        View::Request => {
            let units = Column::ALL.iter();
            let units: Vec<String> = units
                .map(|(_, unit)| format!("{unit:?}").to_lowercase())
                .collect();
            schema["units"] = units.into();
        }
        View::Flow => {
            let units = FlowColumn::ALL.iter();
            let units: Vec<&str> = units.map(|column| column.unit.as_str()).collect();
            schema["units"] = units.into();
        }
        View::Fields => schema["columns"] = (1_u32 << COLUMN_BITS).into(),
        _ => {}
    }
    schema
}

/// A file beside the array: `x.npy` and `labels.npy` make `x.labels.npy`.
fn beside(array: &Path, name: &str) -> PathBuf {
    array.with_extension(name)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn little(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
