//! The paper's claims and what the run says to each, those that disagree first.

use maud::{Markup, html};

use crate::report::{Report, Sign, Verdict};
use crate::signs::{counts, ordered};

pub fn table(report: &Report) -> Markup {
    let signs = ordered(&report.signs);
    let (judged, rest): (Vec<&Sign>, Vec<&Sign>) =
        signs.into_iter().partition(|sign| sign.verdict != Verdict::NotRun);
    if judged.is_empty() {
        return html! {};
    }
    let counts = counts(&report.signs).map(|(verdict, count)| format!("{count} {}", verdict.name()));
    html! {
        section {
            h2 { "Signs of the paper" }
            p { (counts.join(", ")) "." }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "claim" }
                    th scope="col" { "paper" }
                    th scope="col" { "here" }
                    th scope="col" { "difference" }
                    th scope="col" { "verdict" }
                } }
                tbody { @for sign in &judged { tr {
                    th scope="row" { (sign.claim) " " small { (sign.id) } }
                    td { (sign.paper) }
                    td { @if let Some((one, other)) = sign.ours { (format!("{one:.1} against {other:.1}")) } }
                    td { (difference(sign)) }
                    td { b { (sign.verdict.name()) } }
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
        }
    }
}

/// "-20.0 (-23.5 to -16.4), 3 seeds"
fn difference(sign: &Sign) -> String {
    let Some(mean) = sign.difference else { return String::new() };
    let interval = sign.interval.map(|(low, high)| format!(" ({low:+.1} to {high:+.1})")).unwrap_or_default();
    format!("{mean:+.1}{interval}, {} seed{}", sign.seeds, if sign.seeds == 1 { "" } else { "s" })
}
