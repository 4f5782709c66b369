//! Normalised text to pieces, by SentencePiece's rules to the last bit: the sum of scores decides, in f32, and of equal sums
//! the first one found. (Kudo, 2018: Subword Regularization; the rules for ties, unknown and user-defined pieces are those of
//! unigram_model.cc and sentencepiece_processor.cc.)

/// What an unknown character costs below the worst piece.
const UNKNOWN_PENALTY: f32 = 10.0;

/// What a piece is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Normal,
    /// Wins over whatever else could stand in its place.
    UserDefined,
}

/// The pieces that text can be cut into.
#[derive(Clone, Debug)]
pub struct Unigram {
    /// Sorted by their bytes.
    pieces: Vec<(Vec<u8>, Kind, f32, u32)>,
    unknown: u32,
    /// The pieces of single bytes, in their order, where unknown text is written with them.
    bytes: Option<Vec<u32>>,
    best: f32,
    worst: f32,
}

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Way {
    from: Option<usize>,
    id: u32,
    score: f32,
}

impl Unigram {
    /// Each piece with its kind, score and id.
    pub fn new(pieces: Vec<(String, Kind, f32, u32)>, unknown: u32, bytes: Option<Vec<u32>>) -> Self {
        let scores = || pieces.iter().filter(|piece| piece.1 == Kind::Normal).map(|piece| piece.2);
        // SentencePiece begins both with the limits of C, of which the lower one is above 0.
        let best = scores().fold(f32::MIN_POSITIVE, f32::max);
        let worst = scores().fold(f32::MAX, f32::min);
        let mut pieces: Vec<_> =
            pieces.into_iter().map(|(text, kind, score, id)| (text.into_bytes(), kind, score, id)).collect();
        pieces.sort_by(|one, other| one.0.cmp(&other.0));
        Self { pieces, unknown, bytes, best, worst }
    }

    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut before = None;
        for (piece, id) in self.best_way(text) {
            match &self.bytes {
                Some(bytes) if id == self.unknown => {
                    ids.extend(piece.bytes().map(|byte| bytes[usize::from(byte)]));
                }
                // A run of unknown characters is one unknown piece.
                None if id == self.unknown && before == Some(id) => {}
                _ => ids.push(id),
            }
            before = Some(id);
        }
        ids
    }

    fn best_way<'t>(&self, text: &'t str) -> Vec<(&'t str, u32)> {
        let bytes = text.as_bytes();
        let mut ways = vec![Way { from: None, id: self.unknown, score: 0.0 }; bytes.len() + 1];
        for (at, letter) in text.char_indices() {
            let (so_far, width) = (ways[at].score, letter.len_utf8());
            let mut is_piece = false;
            for (length, piece) in self.beginning(&bytes[at..]) {
                let (_, kind, score, id) = &self.pieces[piece];
                let score = match kind {
                    Kind::Normal => f64::from(*score),
                    Kind::UserDefined => f64::from(length as f32 * self.best) - 0.1,
                };
                take(&mut ways[at + length], at, *id, score + f64::from(so_far));
                is_piece |= length == width;
            }
            if !is_piece {
                let score = (self.worst - UNKNOWN_PENALTY) + so_far;
                take(&mut ways[at + width], at, self.unknown, f64::from(score));
            }
        }
        let mut found = Vec::new();
        let mut end = bytes.len();
        while let Some(from) = ways[end].from {
            found.push((&text[from..end], ways[end].id));
            end = from;
        }
        found.reverse();
        found
    }

    /// The pieces that the text begins with, shortest first: their lengths and places in the list.
    fn beginning<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let mut range = 0..self.pieces.len();
        (1..=text.len())
            .map_while(move |length| {
                let (at, byte) = (length - 1, text[length - 1]);
                let here = |piece: &(Vec<u8>, Kind, f32, u32)| piece.0.get(at).copied();
                // Those of this length stand first: they have no byte here, and None is below every byte.
                let start = self.pieces[range.clone()].partition_point(|piece| here(piece) < Some(byte));
                let end = self.pieces[range.clone()].partition_point(|piece| here(piece) <= Some(byte));
                range = range.start + start..range.start + end;
                let first = self.pieces[range.clone()].first()?;
                Some((length, range.start, first.0.len() == length))
            })
            .filter_map(|(length, place, is_whole)| is_whole.then_some((length, place)))
    }
}

fn take(way: &mut Way, from: usize, id: u32, score: f64) {
    if way.from.is_none() || score > f64::from(way.score) {
        *way = Way { from: Some(from), id, score: score as f32 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(bytes: Option<Vec<u32>>) -> Unigram {
        let piece = |text: &str, score: f32, id| (text.to_owned(), Kind::Normal, score, id);
        let mut pieces = vec![
            piece("a", -1.0, 3),
            piece("b", -2.0, 4),
            piece("ab", -2.5, 5),
            piece("abc", -9.0, 6),
            piece("é", -1.0, 7),
        ];
        pieces.push(("b!".to_owned(), Kind::UserDefined, 0.0, 8));
        Unigram::new(pieces, 0, bytes)
    }

    #[test]
    fn the_best_sum_wins_and_a_user_defined_piece_over_all() {
        assert_eq!(model(None).encode("ab"), [5]);
        assert_eq!(model(None).encode("aba"), [5, 3]);
        assert_eq!(model(None).encode("abc"), [6]);
        assert_eq!(model(None).encode("ab!"), [3, 8]);
        assert!(model(None).encode("").is_empty());
    }

    #[test]
    fn unknown_text_is_one_piece_or_its_bytes() {
        assert_eq!(model(None).encode("axyéz"), [3, 0, 7, 0]);
        let bytes = (0..256).map(|byte| 1000 + byte).collect();
        assert_eq!(model(Some(bytes)).encode("a\u{e8}"), [3, 1000 + 0xc3, 1000 + 0xa8]);
    }
}
