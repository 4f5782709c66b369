//! The paper's claims and what the run says to each, those that disagree first.

use maud::{Markup, html};

use crate::report::{Report, Sign, Verdict};
use crate::signs::{counts, ordered};

/// With its heading, in the report.
pub fn section(report: &Report) -> Markup {
    html! {
        @if let Some(table) = judged(report) {
            section {
                h2 { "Signs of the paper" }
                (table)
            }
        }
    }
}

/// Nothing where the runs can judge no claim.
pub fn judged(report: &Report) -> Option<Markup> {
    let signs = ordered(&report.signs);
    let (judged, rest): (Vec<&Sign>, Vec<&Sign>) =
        signs.into_iter().partition(|sign| sign.verdict != Verdict::NotRun);
    if judged.is_empty() {
        return None;
    }
    let counts = counts(&report.signs).map(|(verdict, count)| format!("{count} {}", verdict.name()));
    Some(html! {
        p { (counts.join(", ")) "." }
        // Wide tables scroll on their own, with the keyboard, too.
        div.scroll tabindex="0" role="region" aria-label="Signs of the paper" { table.signs {
            thead { tr {
                th scope="col" { "claim" }
                th scope="col" { "verdict" }
                th scope="col" { "paper" }
                th scope="col" { "here" }
                th scope="col" { "difference" }
            } }
            tbody { @for sign in &judged { tr {
                th scope="row" { (sign.claim) " " small { (sign.id) } }
                td.verdict data-verdict=(slug(sign.verdict)) { (sign.verdict.name()) }
                td { (sign.paper) }
                td { @if let Some((one, other)) = sign.ours { (format!("{one:.1} against {other:.1}")) } }
                td { (difference(sign)) small { (sign.seeds) (if sign.seeds == 1 { " seed" } else { " seeds" }) } }
            } } }
        } }
        p.note {
            "Differences have their paired 95 % interval over rows and seeds (bootstrap). A claim whose interval has both "
            "signs, or that has none, is not resolved."
        }
        @if !rest.is_empty() {
            details {
                summary { (rest.len()) " claims that this run does not test: another tuned task, or methods and tasks that it lacks" }
                ul { @for sign in rest { li { (sign.id) ": " (sign.claim) " " (sign.paper) } } }
            }
        }
    })
}

/// As the stylesheet knows it.
fn slug(verdict: Verdict) -> String {
    verdict.name().replace(' ', "-")
}

/// "-20.0 (-23.5 to -16.4)"
fn difference(sign: &Sign) -> String {
    let Some(mean) = sign.difference else { return String::new() };
    let interval = sign.interval.map(|(low, high)| format!(" ({low:+.1} to {high:+.1})")).unwrap_or_default();
    format!("{mean:+.1}{interval}")
}
