//! A tiny model, what a device computes of it, and the devices.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use promot_app::failure::Failure;
use promot_app::worker::{device, gpu};
use promot_core::batch::{Batch, BatchLayout, TokenizedExample};
use promot_core::device::{DeviceChoice, OpenDevice, open};
use promot_core::loss::LossSettings;
use promot_core::method::Method;
use promot_core::model::folder::random;
use promot_core::model::tensors::{HostTensors, by_path, read, to_vec};
use promot_core::model::{Dropout, Model, SoftPrompt, T5Config};
use promot_core::optim::Optimizer;
use promot_core::rng::Streams;
use promot_core::spec::OptimizerSpec;
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use wasm_bindgen_test::console_log;

const CONFIG: &str = r#"{"model_type": "t5", "vocab_size": 96, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2,
    "num_heads": 4, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}"#;

fn model(device: &OpenDevice) -> Model {
    let config = T5Config::from_json(CONFIG.as_bytes()).unwrap();
    let model = random(&config.into(), Streams::new(7).stream("init"), &device.device).unwrap();
    let values = (0..5 * 32).map(|number| (number as f32 * 0.7).sin() * 0.3).collect();
    model.with_prompt(Some(SoftPrompt::from_values(values, 5, 32, &device.device).unwrap()))
}

/// Rows of different lengths, the same on every device and padded alike.
fn parts(step: usize) -> Vec<MicroBatch> {
    let ids = |row: usize, length: usize| -> Vec<u32> {
        (0..length).map(|at| (3 + (row * 31 + at * 17 + step * 7) % 90) as u32).chain([1]).collect()
    };
    let rows: Vec<TokenizedExample> =
        (0..4).map(|row| (ids(row, 6 + row), ids(row + 9, 2 + row)).into()).collect();
    let layout = BatchLayout { pad_id: 0, decoder_start_id: 0, pad_to_multiple_of: 16, num_workers: 1 };
    vec![Batch::new(&rows, &layout).into()]
}

/// What a device computes: loss and gradients by parameter.
pub async fn gradients(device: &OpenDevice, method: &dyn Method) -> (f32, BTreeMap<String, Vec<f32>>) {
    let model = set_trainable(model(device), &|path| method.trainable(path));
    let settings = LossSettings { label_smoothing: 0.1, z_loss: 1e-4 };
    let done = accumulate(&model, method, &parts(0), 1, settings, &mut Dropout::off());
    let loss = to_vec(done.loss).await.unwrap()[0];
    let mut found = BTreeMap::new();
    for (path, grad) in done.grads.0 {
        found.insert(path, to_vec(grad).await.unwrap());
    }
    (loss, found)
}

/// Losses of `steps` steps, and the weights after them.
pub async fn train(
    device: &OpenDevice,
    method: &dyn Method,
    rate: f64,
    steps: usize,
) -> (Vec<f32>, HostTensors) {
    let adafactor = OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 0.0, scale_parameter: false };
    let mut optimizer = Optimizer::new(adafactor);
    let mut model = set_trainable(model(device), &|path| method.trainable(path));
    let settings = LossSettings { label_smoothing: 0.1, z_loss: 0.0 };
    let mut losses = Vec::new();
    for step in 0..steps {
        let done = accumulate(&model, method, &parts(step), 1, settings, &mut Dropout::off());
        model = optimizer.update(model, done.grads, rate);
        losses.push(to_vec(done.loss).await.unwrap()[0]);
    }
    let weights = read(&model, &|_| true, &by_path).await.unwrap();
    (losses, weights)
}

/// What WebGPU complained of.
type Complaints = Rc<RefCell<Vec<String>>>;

/// Both devices. Opened once: a runtime starts once.
pub async fn devices() -> (OpenDevice, OpenDevice, Complaints) {
    thread_local! {
        static OPENED: RefCell<Option<(OpenDevice, Complaints)>> = const { RefCell::new(None) };
    }
    let known = OPENED.with(|opened| opened.borrow().clone());
    let (wgpu, failures) = match known {
        Some(known) => known,
        None => {
            promot_app::worker::construct();
            let adapter = gpu::adapter().await.unwrap();
            console_log!("adapter: {}", adapter.name);
            assert!(adapter.lacks.is_empty(), "the adapter lacks {:?}", adapter.lacks);
            let failures = Rc::new(RefCell::new(Vec::new()));
            let into = Rc::clone(&failures);
            gpu::prepare(Rc::new(move |failure: Failure| into.borrow_mut().push(failure.message))).unwrap();
            device::configure(adapter.software);
            let opened = (open(DeviceChoice::Wgpu).await.unwrap(), failures);
            OPENED.with(|place| place.replace(Some(opened.clone())));
            opened
        }
    };
    (open(DeviceChoice::Cpu).await.unwrap(), wgpu, failures)
}

/// A method with its default settings.
pub fn method(name: &str) -> Box<dyn Method> {
    let info = promot_core::method::by_name(name).expect("a known method");
    info.build(&info.defaults())
}
