//! Advice: how to get WebGPU in the browser at hand, and which settings to change after a failed run.

use promot_core::spec::RunSpec;

use crate::failure::FailureKind;
use crate::state::methods::{FINE_TUNING, PROMPT_TUNING, training};

/// How to switch WebGPU on in the browser with this user agent; `None` where nothing is known that helps.
pub fn webgpu(user_agent: &str) -> Option<String> {
    let has = |name: &str| user_agent.contains(name);
    let text = if has("Firefox/") {
        if has("Windows") || has("Macintosh") {
            "Firefox has WebGPU on Windows and on Apple silicon from version 145 on: update it, or set \
             dom.webgpu.enabled in about:config."
        } else {
            "Firefox has WebGPU on this system in its Nightly version: set dom.webgpu.enabled in about:config there, \
             or use Chrome or Edge."
        }
    } else if has("Edg/") || has("Chrome/") || has("Chromium/") {
        if has("Linux") && !has("Android") {
            "On Linux, Chrome may need to be told: open chrome://flags/#enable-unsafe-webgpu, enable it, and start \
             the browser again. chrome://gpu shows what it found."
        } else {
            "Switch on \"Use graphics acceleration when available\" in the browser's system settings and start it \
             again; chrome://gpu shows what it found."
        }
    } else if has("Safari/") {
        "Safari has WebGPU from version 26 on (iOS 26, macOS 26): update the system."
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// Settings that need about half the memory, named with their present and their proposed values.
fn smaller(spec: &RunSpec) -> Option<String> {
    let stage = training(spec, FINE_TUNING);
    if stage.accumulate < stage.batch {
        let parts = (2 * stage.accumulate).min(stage.batch);
        return Some(format!(
            "Try stage.fine-tuning.accumulate = {parts} instead of {} (the same training in smaller micro-batches), \
             and the same for stage.prompt-tuning.",
            stage.accumulate
        ));
    }
    let input = spec.target.max_input;
    if input == 0 || input > 64 {
        let shorter = if input == 0 { 256 } else { input / 2 };
        return Some(format!("Try target.max_input = {shorter} instead of {input}."));
    }
    None
}

/// What may help against a failed run with these settings.
pub fn against(kind: FailureKind, spec: &RunSpec) -> Option<String> {
    match kind {
        FailureKind::Diverged => Some(format!(
            "The training diverged. Try smaller learning rates: stage.prompt-tuning.learning_rate = {} instead of {}, \
             stage.fine-tuning.learning_rate = {} instead of {}.",
            third(training(spec, PROMPT_TUNING).learning_rate),
            training(spec, PROMPT_TUNING).learning_rate,
            third(training(spec, FINE_TUNING).learning_rate),
            training(spec, FINE_TUNING).learning_rate
        )),
        FailureKind::OutOfMemory => smaller(spec),
        _ => None,
    }
}

/// About a third, with one digit: 0.3 becomes 0.1, 0.001 becomes 0.0003.
fn third(rate: f64) -> f64 {
    format!("{:.0e}", rate / 3.0).parse().unwrap_or(rate / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/148.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15";

    #[test]
    fn advice_is_that_of_the_browser_at_hand() {
        assert!(webgpu(CHROME).unwrap().contains("chrome://flags"));
        assert!(webgpu(FIREFOX).unwrap().contains("about:config"));
        assert!(webgpu(SAFARI).unwrap().contains("Safari"));
        assert_eq!(webgpu("curl/8"), None);
    }

    #[test]
    fn divergence_names_smaller_rates() {
        let text = against(FailureKind::Diverged, &RunSpec::default()).unwrap();
        assert!(text.contains("stage.prompt-tuning.learning_rate = 0.1 instead of 0.3"), "{text}");
        assert!(text.contains("stage.fine-tuning.learning_rate = 0.0003 instead of 0.001"), "{text}");
    }

    #[test]
    fn memory_suggests_micro_batches_first_and_shorter_inputs_then() {
        let mut spec = RunSpec::default();
        let advice = |spec: &RunSpec| against(FailureKind::OutOfMemory, spec).unwrap_or_default();
        assert!(advice(&spec).contains("accumulate = 2 instead of 1"));
        spec.set("stage.fine-tuning.accumulate", "64").unwrap();
        assert!(advice(&spec).contains("max_input = 512 instead of 1024"));
        spec.target.max_input = 64;
        assert_eq!(advice(&spec), "");
    }
}
