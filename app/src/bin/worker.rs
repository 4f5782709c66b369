//! The web worker: device, models, answers and training.

fn main() {
    #[cfg(target_family = "wasm")]
    promot_app::worker::run();
}
