//! What to tell people: how to get WebGPU in their browser, and what to try when something did not work. Plain text,
//! no web types.

use promot_core::Error;
use promot_core::spec::RunSpec;

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

/// What a panic's text means to a person, and what may help.
pub fn panicked(text: &str) -> (String, Option<String>) {
    if no_memory(&text.to_lowercase()) {
        return (format!("There was not enough memory ({text})."), Some(SMALLER.to_owned()));
    }
    if let Some((message, advice)) = lost(text) {
        return (message, Some(advice));
    }
    let message = format!("The engine failed: {text}");
    (message, Some("Start again; if it fails again, add ?device=cpu to the address.".to_owned()))
}

/// Of a text in small letters.
fn no_memory(text: &str) -> bool {
    ["out of memory", "memory allocation", "outofmemory"].iter().any(|words| text.contains(words))
}

/// Whether an error means that the graphics device is gone, in whatever words it came: what to say, and what helps.
/// Where memory was the reason, that is what to say.
pub fn lost(text: &str) -> Option<(String, String)> {
    let lower = text.to_lowercase();
    // A browser whose graphics process has ended speaks of an instance.
    let gone = lower.contains("device") && lower.contains("lost")
        || ["poison", "external instance"].iter().any(|word| lower.contains(word));
    (gone && !no_memory(&lower)).then(|| {
        (
            "The graphics device was lost: the driver was reset, or the browser took it away.".to_owned(),
            "Start again; training goes on from its last checkpoint.".to_owned(),
        )
    })
}

/// For whoever ran out of memory and whose settings are not known.
pub const SMALLER: &str = "Try a smaller batch, or more parts of a batch (accumulate), shorter inputs (max_input) or a shorter prompt.";

/// Settings that need about half the memory, named with their present and their proposed values.
pub fn smaller(spec: &RunSpec) -> String {
    let stage = &spec.fine_tuning;
    if stage.accumulate < stage.batch {
        let parts = (2 * stage.accumulate).min(stage.batch);
        return format!(
            "Try fine_tuning.accumulate = {parts} instead of {} (the same training in smaller parts), and the same \
             for prompt_tuning.",
            stage.accumulate
        );
    }
    let input = spec.target.max_input;
    if input == 0 || input > 64 {
        let shorter = if input == 0 { 256 } else { input / 2 };
        return format!("Try target.max_input = {shorter} instead of {input}.");
    }
    SMALLER.to_owned()
}

/// What may help against an error of a run.
pub fn against(error: &Error, spec: &RunSpec) -> Option<String> {
    let text = error.to_string().to_lowercase();
    if text.contains("a finite number") {
        return Some(format!(
            "The training diverged. Try smaller rates: prompt_tuning.learning_rate = {} instead of {}, \
             fine_tuning.learning_rate = {} instead of {}.",
            third(spec.prompt_tuning.learning_rate),
            spec.prompt_tuning.learning_rate,
            third(spec.fine_tuning.learning_rate),
            spec.fine_tuning.learning_rate
        ));
    }
    if text.contains("out of memory") {
        return Some(smaller(spec));
    }
    match error {
        Error::Device { .. } => Some("Start again, or add ?device=cpu to the address.".to_owned()),
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
        let error = Error::mismatch("loss of stage 1 at step 3", "a finite number", "NaN");
        let text = against(&error, &RunSpec::default()).unwrap();
        assert!(text.contains("prompt_tuning.learning_rate = 0.1 instead of 0.3"), "{text}");
        assert!(text.contains("fine_tuning.learning_rate = 0.0003 instead of 0.001"), "{text}");
    }

    #[test]
    fn memory_suggests_parts_first_and_shorter_inputs_then() {
        let mut spec = RunSpec::default();
        assert!(smaller(&spec).contains("accumulate = 2 instead of 1"));
        spec.fine_tuning.accumulate = spec.fine_tuning.batch;
        assert!(smaller(&spec).contains("max_input = 512 instead of 1024"));
        assert!(panicked("memory allocation of 9 bytes failed").0.contains("memory"));
    }

    #[test]
    fn a_lost_device_is_known_by_all_its_names() {
        let read_back = "device read-back: The device is poisoned\nCaused by:\n  Unknown: A valid external Instance \
                         reference no longer exists.";
        for text in
            ["device lost: ", "Parent device is lost", read_back, "Instance dropped: external Instance"]
        {
            let (message, advice) = lost(text).unwrap();
            assert!(message.contains("was lost") && advice.contains("checkpoint"), "{text}");
            assert_eq!(panicked(text), (message, Some(advice)));
        }
        assert_eq!(lost("the checkpoint is lost"), None);
        // What `panicked` makes of it is not taken for a lost device afterwards.
        let (message, _) = panicked("memory allocation failed, the device is poisoned");
        assert!(message.contains("not enough memory") && message.contains("poisoned"), "{message}");
        assert_eq!(lost(&message), None);
    }
}
