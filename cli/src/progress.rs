//! Progress on standard error: a bar with step, loss, tokens a second and time left; where standard error is no terminal, a
//! line now and then, so that the log of a long run shows where it is.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One bar, used for one part of a run after the other.
pub struct Progress {
    bar: ProgressBar,
    /// Since the last step or pause.
    since: Instant,
    /// Seconds spent in steps, and tokens fed in them: scoring in between does not count.
    seconds: f64,
    tokens: u64,
    validation: String,
    /// When the last line was written for want of a terminal.
    said: Instant,
}

/// Between two lines.
const QUIET: Duration = Duration::from_secs(30);

impl Progress {
    pub fn new() -> Self {
        // indicatif itself checks that standard error is a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        // Nothing is drawn for the bar itself before the first part begins.
        bar.set_style(ProgressStyle::with_template("{msg}").expect("a sound template"));
        let now = Instant::now();
        Self { bar, since: now, seconds: 0.0, tokens: 0, validation: String::new(), said: now }
    }

    /// Begins a part of `total` steps; a resumed one begins later than 0.
    pub fn begin(&mut self, what: &str, total: usize, done: usize) {
        let template = "{prefix:32!} {bar:24.cyan/dim} {pos}/{len}  {msg}  {eta} left";
        // The template is a constant of ours: a test draws it.
        let style = ProgressStyle::with_template(template).expect("a sound template");
        self.bar.set_style(style.progress_chars("━╸─"));
        self.bar.set_prefix(what.to_owned());
        self.bar.set_message(String::new());
        self.bar.set_length(total as u64);
        self.bar.reset();
        self.bar.set_position(done as u64);
        self.bar.reset_eta();
        (self.since, self.seconds, self.tokens) = (Instant::now(), 0.0, 0);
        self.said = self.since;
        self.validation.clear();
    }

    /// A step of training: `loss` in nats per target token, `tokens` fed in this step.
    pub fn step(&mut self, step: usize, loss: f64, tokens: usize) {
        self.seconds += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.tokens += tokens as u64;
        let rate = short(self.tokens as f64 / self.seconds.max(1e-3));
        self.bar.set_message(format!("loss {loss:.3}  {rate} tok/s{}", self.validation));
        self.advance(step);
    }

    /// Something else than a step happens in this part.
    pub fn pause(&mut self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.since = Instant::now();
    }

    /// Stays beside the loss from now on.
    pub fn note(&mut self, text: &str) {
        self.validation = format!("  {text}");
        self.since = Instant::now();
    }

    pub fn advance(&mut self, done: usize) {
        self.bar.set_position(done as u64);
        if self.bar.is_hidden() && self.said.elapsed() >= QUIET {
            self.said = Instant::now();
            eprintln!("{}", self.line(done));
        }
    }

    fn line(&self, done: usize) -> String {
        let of = self.bar.length().map(|total| format!(" of {total}")).unwrap_or_default();
        format!("{}: {done}{of}  {}", self.bar.prefix(), self.bar.message()).trim_end().to_owned()
    }

    /// A line above the bar; like the bar, only for terminals.
    pub fn say(&self, text: &str) {
        self.bar.println(text);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// 950, 12.3k, 1.2M.
fn short(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{:.1}M", n / 1e6),
        n if n >= 1e3 => format!("{:.1}k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_bar_takes_everything() {
        let mut progress = Progress::new();
        progress.begin("stage 1", 10, 3);
        progress.step(4, 1.0, 100);
        assert!(progress.line(4).starts_with("stage 1: 4 of 10  loss 1.000  "), "{}", progress.line(4));
        progress.pause("scoring");
        progress.note("validation 50.0");
        progress.say("done");
        progress.advance(5);
        progress.finish();
        assert_eq!(
            (short(950.4), short(12_340.0), short(1_234_567.0)),
            ("950".into(), "12.3k".into(), "1.2M".into())
        );
    }
}
