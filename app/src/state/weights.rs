//! How likely the tokens of an answer are: asked for when somebody looks at them.

use crate::protocol::{Likely, TokenPlace};

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weights {
    #[default]
    Unasked,
    /// Under this number.
    Asked(u64),
    Here(Vec<TokenPlace>),
}

impl Weights {
    /// Takes what was asked for under this number; another answer may stand here by now.
    pub fn take(&mut self, id: u64, places: Vec<TokenPlace>) {
        if *self == Weights::Asked(id) {
            *self = Weights::Here(places);
        }
    }

    pub fn places(&self) -> &[TokenPlace] {
        match self {
            Weights::Here(places) => places,
            Weights::Unasked | Weights::Asked(_) => &[],
        }
    }
}

/// A token as people read it.
pub fn piece(token: &Likely) -> String {
    match token.end {
        true => "(end)".to_owned(),
        false => token.piece.replace('\u{2581}', "\u{a0}"),
    }
}

/// The likeliest tokens of a place, and the one that was written, where it is not among them; with each whether it was
/// written.
pub fn runners(place: &TokenPlace) -> Vec<(Likely, bool)> {
    let written = |token: &Likely| (&token.piece, token.end) == (&place.token.piece, place.token.end);
    let mut all: Vec<(Likely, bool)> =
        place.likeliest.iter().map(|token| (token.clone(), written(token))).collect();
    if !all.iter().any(|(_, written)| *written) {
        all.push((place.token.clone(), true));
    }
    all
}

/// A probability in words, with as many digits as tell something.
pub fn percent(probability: f64) -> String {
    let percent = 100.0 * probability;
    match percent {
        _ if percent >= 99.95 => "100 %".to_owned(),
        _ if percent >= 99.0 || (0.1..9.95).contains(&percent) => format!("{percent:.1} %"),
        _ if percent < 0.1 => "under 0.1 %".to_owned(),
        _ => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely(piece: &str, probability: f64) -> Likely {
        Likely { piece: piece.into(), end: false, probability }
    }

    #[test]
    fn what_was_written_is_among_the_runners() {
        let (yes, no) = (likely("\u{2581}True", 0.7), likely("\u{2581}False", 0.2));
        let likeliest = vec![yes.clone(), no.clone()];
        let first = TokenPlace { token: yes.clone(), likeliest: likeliest.clone() };
        assert_eq!(runners(&first), [(yes.clone(), true), (no.clone(), false)]);
        let odd = likely("\u{2581}Anna", 0.01);
        let other = TokenPlace { token: odd.clone(), likeliest };
        assert_eq!(runners(&other), [(yes, false), (no, false), (odd, true)]);
        assert_eq!(piece(&likely("\u{2581}True", 0.0)), "\u{a0}True");
        assert_eq!(piece(&Likely { end: true, ..likely("</s>", 0.5) }), "(end)");
    }

    #[test]
    fn probabilities_have_digits_where_they_tell_something() {
        let words = [1.0, 0.9996, 0.994, 0.5, 0.05, 0.0004].map(percent);
        assert_eq!(words, ["100 %", "100 %", "99.4 %", "50 %", "5.0 %", "under 0.1 %"]);
    }

    #[test]
    fn late_probabilities_are_not_another_answers() {
        let mut weights = Weights::Asked(7);
        weights.take(6, Vec::new());
        assert_eq!(weights, Weights::Asked(7));
        weights.take(7, vec![TokenPlace::default()]);
        assert_eq!(weights.places().len(), 1);
        let mut unasked = Weights::Unasked;
        unasked.take(7, Vec::new());
        assert_eq!(unasked, Weights::Unasked);
    }
}
