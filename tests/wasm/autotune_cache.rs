//! Kernels that were chosen once are not chosen again.

use cubecl_environment::environment;
use promot_app::worker::autotune_cache::{Tables, count};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::tiny::{devices, gradients, method};

#[wasm_bindgen_test]
async fn choices_outlive_a_visit() {
    let (_, wgpu, failures) = devices().await;
    environment::activate("first visit");
    gradients(&wgpu, &*method("fine-tuning")).await;
    let chosen = Tables::now("adapter");
    let bytes = serde_json::to_vec(&chosen).unwrap();
    console_log!("{} choices, {} bytes", count(), bytes.len());
    assert!(count() > 0, "nothing was tuned");

    environment::activate("second visit");
    assert_eq!(count(), 0);
    let read: Tables = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(read, chosen);
    assert_eq!(read.import(), count());
    gradients(&wgpu, &*method("fine-tuning")).await;
    // What is tuned anew replaces what was brought back, and no two measurements are the same.
    assert_eq!(Tables::now("adapter"), chosen, "something was tuned anew");
    assert_eq!(failures.borrow().as_slice(), [] as [String; 0]);
}

#[wasm_bindgen_test]
fn rows_that_nobody_can_read_are_left_out() {
    environment::activate("damaged");
    let name = cubecl_environment::persistence::Namespace::scoped("autotune", "device/kernel");
    let damaged = serde_json::json!({ "adapter": "adapter", "tables": {
        name.as_str(): [["not base64!", "AAAA"], ["AAAA", "AAAA"]],
        "autotune/0.0.1/device/kernel": [["AAAA", "AAAA"]],
    } });
    let tables: Tables = serde_json::from_value(damaged).unwrap();
    assert_eq!(tables.import(), 1);
    assert_eq!(count(), 1);
}
