//! SentencePiece's normalisation of text, to the letter (normalizer.cc): rules for characters, longest first, of white space
//! only the space, and its mark `▁` in place of spaces.

use crate::error::{Error, Result};

/// What stands for a space.
pub const MARK: char = '▁';

/// How text is normalised before it is cut into pieces.
#[derive(Clone, Debug, Default)]
pub struct Normalizer {
    pub rules: Option<Rules>,
    /// Put a space before the text, so that its first word is like any other.
    pub dummy_prefix: bool,
    /// Remove spaces at both ends and all but one within.
    pub remove_extra_spaces: bool,
    /// Text that stays as it is, longest first.
    pub kept: Vec<String>,
}

impl Normalizer {
    /// `dummy_prefix` may be left out for text that goes on from other text.
    pub fn normalize(&self, text: &str, dummy_prefix: bool) -> String {
        let mut rest = text;
        if self.remove_extra_spaces {
            while let (" ", after) = self.first(rest) {
                rest = after;
            }
        }
        let mut normalized = String::with_capacity(text.len() + MARK.len_utf8());
        if rest.is_empty() {
            return normalized;
        }
        if self.dummy_prefix && dummy_prefix {
            normalized.push(MARK);
        }
        let mut after_space = self.remove_extra_spaces;
        while !rest.is_empty() {
            let (mut part, after) = self.first(rest);
            if after_space {
                part = part.trim_start_matches(' ');
            }
            if !part.is_empty() {
                normalized.extend(part.chars().map(|letter| if letter == ' ' { MARK } else { letter }));
                after_space = part.ends_with(' ');
            }
            rest = after;
            after_space &= self.remove_extra_spaces;
        }
        if self.remove_extra_spaces {
            normalized.truncate(normalized.trim_end_matches(MARK).len());
        }
        normalized
    }

    /// What the beginning of a text, which is not empty, becomes, and the text after it.
    fn first<'a>(&'a self, text: &'a str) -> (&'a str, &'a str) {
        if let Some(kept) = self.kept.iter().find(|kept| text.starts_with(kept.as_str())) {
            return text.split_at(kept.len());
        }
        if let Some((new, length)) = self.rules.as_ref().and_then(|rules| rules.longest(text)) {
            return (new, &text[length..]);
        }
        text.split_at(text.chars().next().map_or(0, char::len_utf8))
    }
}

/// A table of rules: a double-array trie (darts-clone's units of `u32`) from text to places in the replacements, each ended
/// by a zero byte.
#[derive(Clone, Debug)]
pub struct Rules {
    units: Vec<u32>,
    replacements: String,
}

impl Rules {
    /// From the size of the trie in bytes (`u32`), the trie, and the replacements.
    ///
    /// # Errors
    /// A table that leads out of itself: every jump must stay among the units, and every leaf must point at the start of a
    /// character.
    pub fn new(file: &str, table: &[u8]) -> Result<Self> {
        let damaged = || Error::format(file, "the table of character rules is damaged");
        let (size, rest) = table.split_first_chunk::<4>().ok_or_else(damaged)?;
        let size = u32::from_le_bytes(*size) as usize;
        let (units, texts) = rest.split_at_checked(size).ok_or_else(damaged)?;
        let replacements = std::str::from_utf8(texts).map_err(|_| damaged())?.to_owned();
        let (units, odd) = units.as_chunks::<4>();
        let units: Vec<u32> = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        // Children of a node lie in one block of 256 units, so a block that exists holds all of them.
        if units.is_empty() || !units.len().is_multiple_of(256) || !odd.is_empty() {
            return Err(damaged());
        }
        for (at, unit) in units.iter().enumerate() {
            // Values are never followed as nodes; the root is, whatever it holds.
            if unit >> 31 == 1 && at != 0 {
                continue;
            }
            let child = units.get(at ^ offset(*unit)).ok_or_else(damaged)?;
            if has_leaf(*unit) && !replacements.is_char_boundary(value(*child)) {
                return Err(damaged());
            }
        }
        Ok(Self { units, replacements })
    }

    /// The replacement of the longest beginning of a text that has a rule, and that beginning's length.
    fn longest(&self, text: &str) -> Option<(&str, usize)> {
        let mut node = offset(*self.units.first()?);
        let mut found = None;
        for (at, byte) in text.bytes().enumerate() {
            node ^= usize::from(byte);
            let unit = *self.units.get(node)?;
            // A label with the highest bit is a value's.
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if has_leaf(unit) {
                found = Some((value(*self.units.get(node)?), at + 1));
            }
        }
        let (from, length) = found.filter(|(_, length)| text.is_char_boundary(*length))?;
        Some((self.replacements.get(from..)?.split('\0').next()?, length))
    }
}

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize
}

fn has_leaf(unit: u32) -> bool {
    (unit >> 8) & 1 == 1
}

fn value(unit: u32) -> usize {
    (unit & ((1 << 31) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Normalizer {
        Normalizer {
            dummy_prefix: true,
            remove_extra_spaces: true,
            kept: vec!["\n".into()],
            ..Default::default()
        }
    }

    #[test]
    fn only_spaces_are_white_space() {
        let normalized = |text| plain().normalize(text, true);
        assert_eq!(normalized("  a  b "), "▁a▁b");
        assert_eq!(normalized("a\u{a0}b\tc"), "▁a\u{a0}b\tc");
        assert_eq!(normalized("a \n b"), "▁a▁\n▁b");
        assert_eq!(normalized("   "), "");
        assert_eq!(normalized(""), "");
        assert_eq!(plain().normalize("a b", false), "a▁b");
    }

    #[test]
    fn spaces_stay_where_they_are_not_removed() {
        let all = Normalizer { remove_extra_spaces: false, ..plain() };
        assert_eq!(all.normalize(" a  b ", true), "▁▁a▁▁b▁");
        assert_eq!(all.normalize(" ", true), "▁▁");
    }
}
