//! Loss, gradients and training steps of a tiny model: WebGPU, with fused kernels, and the CPU must agree.

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

use crate::tiny::{devices, gradients, method, train};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The largest difference, relative to the largest number of the two.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().chain(b).all(|number| number.is_finite()), "a number is not finite");
    let largest = a.iter().chain(b).fold(1e-6_f32, |most, number| most.max(number.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

#[wasm_bindgen_test]
async fn loss_and_gradients_agree() {
    let (cpu, wgpu, failures) = devices().await;
    for name in ["fine-tuning", "prompt-tuning"] {
        let method = &*method(name);
        let (expected_loss, expected) = gradients(&cpu, method).await;
        let (loss, found) = gradients(&wgpu, method).await;
        console_log!("{}: loss {expected_loss} on the CPU, {loss} on WebGPU", name);
        assert!((loss - expected_loss).abs() < 1e-3, "{loss} instead of {expected_loss}");
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        assert!(!expected.is_empty());
        for (path, expected) in &expected {
            let apart = apart(expected, &found[path]);
            assert!(apart < 1e-3, "{}: gradient of {path} is {apart} apart", name);
        }
    }
    assert_eq!(failures.borrow().as_slice(), [] as [String; 0]);
}

#[wasm_bindgen_test]
async fn ten_training_steps_agree() {
    let (cpu, wgpu, failures) = devices().await;
    for (name, rate) in [("fine-tuning", 1e-3), ("prompt-tuning", 0.1)] {
        let method = &*method(name);
        let (expected_losses, expected) = train(&cpu, method, rate, 10).await;
        let (losses, found) = train(&wgpu, method, rate, 10).await;
        console_log!("{}: {expected_losses:?} on the CPU, {losses:?} on WebGPU", name);
        assert_ne!(expected_losses.first(), expected_losses.last());
        assert!(apart(&expected_losses, &losses) < 1e-3, "{losses:?} instead of {expected_losses:?}");
        for (path, expected) in &expected {
            let apart = apart(&expected.values, &found[path].values);
            assert!(apart < 1e-2, "{}: {path} is {apart} apart after ten steps", name);
        }
    }
    assert_eq!(failures.borrow().as_slice(), [] as [String; 0]);
}

/// Long enough for errors that add up to show.
#[wasm_bindgen_test]
async fn losses_of_a_hundred_steps_agree() {
    let (cpu, wgpu, failures) = devices().await;
    let (expected, _) = train(&cpu, &*method("fine-tuning"), 1e-3, 100).await;
    let (losses, _) = train(&wgpu, &*method("fine-tuning"), 1e-3, 100).await;
    let apart = apart(&expected, &losses);
    let sum = |losses: &[f32]| losses.iter().sum::<f32>();
    console_log!("{:?} ... {:?}, {apart} apart", expected[0], expected[99]);
    assert!(sum(&expected[90..]) < sum(&expected[..10]), "nothing is learnt: {expected:?}");
    assert!(apart < 1e-3, "{losses:?} instead of {expected:?}");
    assert_eq!(failures.borrow().as_slice(), [] as [String; 0]);
}
