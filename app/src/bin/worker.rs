//! The web worker: device, models, answers and training.

fn main() {
    #[cfg(all(target_family = "wasm", feature = "worker"))]
    promot_app::worker::run();
}
