//! What a decoder attends to while it writes an answer: asked for when somebody looks.

use std::sync::Arc;

use super::explore::readable;
use crate::inspected::Attention;

#[derive(Clone, Debug, Default)]
pub enum Attending {
    #[default]
    Unasked,
    /// Under this number.
    Asked(u64),
    /// Nothing where it could not be computed.
    Here(Option<Arc<Attention>>),
}

/// What was found is compared by identity: it is large, and never changes.
impl PartialEq for Attending {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unasked, Self::Unasked) => true,
            (Self::Asked(one), Self::Asked(other)) => one == other,
            (Self::Here(None), Self::Here(None)) => true,
            (Self::Here(Some(one)), Self::Here(Some(other))) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Attending {
    /// Takes what was asked for under this number; another answer may stand here by now.
    pub fn take(&mut self, id: u64, attention: Option<Attention>) {
        if *self == Self::Asked(id) {
            *self = Self::Here(attention.map(Arc::new));
        }
    }
}

/// Where one token of an answer looked, in shares of 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    pub vectors: Vec<f64>,
    /// The input's tokens as the vocabulary writes them.
    pub tokens: Vec<(String, f64)>,
    /// At the answer's own tokens before it.
    pub rest: f64,
}

impl Look {
    /// At place `place` of the answer, in one layer or as the mean of all. Nothing where there is no such place or layer.
    pub fn of(attention: &Attention, layer: Option<usize>, place: usize) -> Option<Self> {
        let layers: Vec<&Vec<f32>> = match layer {
            Some(layer) => vec![attention.layers.get(layer)?.get(place)?],
            None => attention.layers.iter().map(|layer| layer.get(place)).collect::<Option<_>>()?,
        };
        let length = layers.first()?.len();
        let mean = |at: usize| layers.iter().map(|row| f64::from(row[at])).sum::<f64>() / layers.len() as f64;
        let weights: Vec<f64> = (0..length).map(mean).collect();
        let (vectors, input) = weights.split_at_checked(attention.prompt)?;
        Some(Self {
            vectors: vectors.to_vec(),
            tokens: attention.input.iter().cloned().zip(input.iter().copied()).collect(),
            rest: (1.0 - weights.iter().sum::<f64>()).max(0.0),
        })
    }

    /// The largest single weight: the darkest shade.
    pub fn most(&self) -> f64 {
        let tokens = self.tokens.iter().map(|(_, weight)| *weight);
        tokens.chain(self.vectors.iter().copied()).fold(0.0, f64::max)
    }

    pub fn prompt(&self) -> f64 {
        self.vectors.iter().sum()
    }

    /// What was looked at most, in words: the shades alone would tell it to nobody who cannot see them.
    pub fn first(&self, count: usize) -> Vec<(String, f64)> {
        let vectors = self.vectors.iter().enumerate();
        let vectors = vectors.map(|(at, weight)| (format!("prompt vector {}", at + 1), *weight));
        let words = self.tokens.iter().map(|(token, weight)| (readable(token), *weight));
        let mut all: Vec<(String, f64)> = vectors.chain(words).collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attention() -> Attention {
        let layer = |a: f32, b: f32, c: f32| vec![vec![a, b, c], vec![0.0, 0.0, 0.5]];
        Attention {
            prompt: 1,
            input: vec!["\u{2581}Who".into(), "?".into()],
            answer: vec!["\u{2581}Anna".into(), "</s>".into()],
            layers: vec![layer(0.2, 0.8, 0.0), layer(0.6, 0.2, 0.2)],
        }
    }

    #[test]
    fn a_look_is_one_layer_or_the_mean_of_all() {
        let (found, near) = (attention(), |one: f64, other: f64| (one - other).abs() < 1e-6);
        let mean = Look::of(&found, None, 0).unwrap();
        assert!(near(mean.prompt(), 0.4) && near(mean.tokens[0].1, 0.5) && near(mean.rest, 0.0), "{mean:?}");
        let last = Look::of(&found, Some(1), 0).unwrap();
        assert!(near(last.most(), 0.6) && near(last.tokens[1].1, 0.2), "{last:?}");
        let names: Vec<String> = last.first(2).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["prompt vector 1", "Who"]);
        assert!(
            near(Look::of(&found, None, 1).unwrap().rest, 0.5),
            "the rest goes to the answer's own tokens"
        );
        assert_eq!((Look::of(&found, Some(2), 0), Look::of(&found, None, 2)), (None, None));
    }

    #[test]
    fn late_attention_is_not_another_answers() {
        let mut attending = Attending::Asked(7);
        attending.take(6, Some(attention()));
        assert_eq!(attending, Attending::Asked(7));
        attending.take(7, Some(attention()));
        assert!(matches!(attending, Attending::Here(Some(_))));
        attending.take(7, None);
        assert!(matches!(attending, Attending::Here(Some(_))), "taken once");
    }
}
