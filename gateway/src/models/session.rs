//! A model in the runtime: one session, one thread, one request at a time. A session takes about a megabyte, so that
//! whoever is asked seldom shares one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ort::environment::Environment;
use ort::ep;
use ort::session::Session;
use ort::value::TensorRef;
use portcullis_detect::ensemble::manifest::{Entry, Role};
use portcullis_detect::ensemble::{Model, Tensor};

/// A session and the shape of what it reads. A clone runs the same session, when nobody else does.
#[derive(Clone)]
pub(super) struct Onnx {
    /// Each worker has one of its own, whose lock is free.
    session: Arc<Mutex<Session>>,
    shape: Vec<usize>,
}

/// Builds a session and tries it.
///
/// # Errors
/// A sentence: the bytes are no model, or one of another shape.
pub(super) fn build(
    environment: &Environment,
    entry: &Entry,
    bytes: &[u8],
) -> Result<Onnx, String> {
    let shape = entry.view.shape().ok_or("models do not read this view")?;
    let session = commit(environment, bytes).map_err(|error| error.to_string())?;
    let (inputs, outputs) = (session.inputs().len(), session.outputs().len());
    if inputs != 1 || outputs != 1 {
        return Err(format!(
            "it has {inputs} inputs and {outputs} outputs; one of each is needed"
        ));
    }
    let mut model = Onnx {
        session: Arc::new(Mutex::new(session)),
        shape: std::iter::once(1).chain(shape.iter().copied()).collect(),
    };
    let outputs = model.try_out(entry)?;
    let expected = match entry.role {
        Role::Classifier => entry.classes.len(),
        Role::Vote | Role::Gate => 1,
    };
    if outputs.len() != expected {
        let length = outputs.len();
        return Err(format!(
            "it answers with {length} numbers; {expected} are needed"
        ));
    }
    if outputs.iter().any(|output| !output.is_finite()) {
        return Err("it answers with what is no finite number".to_owned());
    }
    Ok(model)
}

fn commit(environment: &Environment, bytes: &[u8]) -> Result<Session, ort::Error> {
    // An arena grows to the largest request and never shrinks; each of these models needs next to nothing.
    let cpu = ep::CPU::default().with_arena_allocator(false).build();
    Session::builder(environment)?
        .with_execution_providers([cpu])?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_memory_pattern(false)?
        .commit_from_memory(bytes)
}

impl Onnx {
    /// Runs it on nothing, to see that it runs.
    fn try_out(&mut self, entry: &Entry) -> Result<Vec<f32>, String> {
        let mut out = Vec::new();
        on_nothing(entry, |input| self.run(input, &mut out))?;
        Ok(out)
    }
}

/// Calls `run` with a request of zeros.
fn on_nothing<R>(entry: &Entry, run: impl FnOnce(Tensor<'_>) -> R) -> R {
    let size = entry.view.shape().unwrap_or_default().iter().product();
    match entry.view {
        portcullis_detect::feature::View::Characters => run(Tensor::Bytes(&vec![0; size])),
        _ => run(Tensor::Floats(&vec![0.0; size])),
    }
}

impl Model for Onnx {
    fn run(&mut self, input: Tensor<'_>, out: &mut Vec<f32>) -> Result<(), String> {
        let shape = self.shape.as_slice();
        // A run that panicked leaves no half-done state in a session.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = match input {
            Tensor::Floats(row) => {
                let input = TensorRef::from_array_view((shape, row)).map_err(sentence)?;
                session.run(ort::inputs![input])
            }
            Tensor::Bytes(bytes) => {
                let input = TensorRef::from_array_view((shape, bytes)).map_err(sentence)?;
                session.run(ort::inputs![input])
            }
        };
        let outputs = outputs.map_err(sentence)?;
        let (_, values) = outputs[0].try_extract_tensor::<f32>().map_err(sentence)?;
        out.extend_from_slice(values);
        Ok(())
    }
}

fn sentence(error: ort::Error) -> String {
    error.to_string()
}

/// How many runs are timed.
const RUNS: u32 = 200;

/// How long a run takes, as a sentence.
pub(super) fn time(model: &mut dyn Model, entry: &Entry) -> String {
    let mut out = Vec::new();
    on_nothing(entry, |input| {
        let started = Instant::now();
        for _ in 0..RUNS {
            out.clear();
            if let Err(problem) = model.run(input, &mut out) {
                return format!("it fails: {problem}");
            }
        }
        let one = started.elapsed() / RUNS;
        format!("{:.1} µs a run", one.as_nanos() as f64 / 1000.0)
    })
}
