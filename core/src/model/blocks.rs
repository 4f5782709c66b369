//! Numbers in blocks that share a scale: the quantised types of GGUF files, as ggml's `dequantize_row_*` define them. Ours,
//! since the crates that know them bring a tensor library along.

use half::f16;

/// A quantised type: how many numbers a block has, in how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

/// Numbers in a block of the K types, and of the others.
const LARGE: usize = 256;
const SMALL: usize = 32;

impl Blocks {
    /// The type of a number in the file's list of tensors, where it is one of these.
    pub fn of(number: u32) -> Option<Self> {
        Some(match number {
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            _ => return None,
        })
    }

    /// Numbers in a block.
    pub fn count(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => SMALL,
            Self::Q2K | Self::Q3K | Self::Q4K | Self::Q5K | Self::Q6K => LARGE,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// The numbers of whole blocks; bytes of a block that is cut off are left out.
    pub fn numbers(self, data: &[u8]) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(data.len() / self.bytes() * self.count());
        for block in data.chunks_exact(self.bytes()) {
            self.block(block, &mut numbers);
        }
        numbers
    }

    fn block(self, block: &[u8], into: &mut Vec<f32>) {
        match self {
            Self::Q4_0 => halves(into, &block[2..], |_| 0, scaled(half(block, 0), -8.0 * half(block, 0))),
            Self::Q4_1 => halves(into, &block[4..], |_| 0, scaled(half(block, 0), half(block, 2))),
            Self::Q5_0 => {
                let scale = half(block, 0);
                halves(into, &block[6..], fifth(&block[2..6]), scaled(scale, -16.0 * scale));
            }
            Self::Q5_1 => {
                halves(into, &block[8..], fifth(&block[4..8]), scaled(half(block, 0), half(block, 2)))
            }
            Self::Q8_0 => {
                let scale = half(block, 0);
                into.extend(block[2..].iter().map(|byte| scale * f32::from(byte.cast_signed())));
            }
            Self::Q2K => two_bits(block, into),
            Self::Q3K => three_bits(block, into),
            Self::Q4K => four_or_five(block, &[], &block[16..], into),
            Self::Q5K => four_or_five(block, &block[16..48], &block[48..], into),
            Self::Q6K => six_bits(block, into),
        }
    }
}

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn scaled(scale: f32, least: f32) -> impl Fn(u8) -> f32 {
    move |number| scale * f32::from(number) + least
}

/// 32 numbers of four bits, the lower halves of the bytes first; `more` is what each has above those bits.
fn halves(into: &mut Vec<f32>, bytes: &[u8], more: impl Fn(usize) -> u8, number: impl Fn(u8) -> f32) {
    for (at, byte) in bytes.iter().enumerate() {
        into.push(number(byte & 15 | more(at)));
    }
    for (at, byte) in bytes.iter().enumerate() {
        into.push(number(byte >> 4 | more(at + bytes.len())));
    }
}

/// The fifth bit of 32 numbers.
fn fifth(bytes: &[u8]) -> impl Fn(usize) -> u8 {
    move |at| (bytes[at / 8] >> (at % 8) & 1) << 4
}

/// Scale and least value of the eight parts of a block, six bits each in twelve bytes.
fn parts(bytes: &[u8], part: usize) -> (f32, f32) {
    let (scale, least) = if part < 4 {
        (bytes[part] & 63, bytes[part + 4] & 63)
    } else {
        let high = |at: usize| bytes[at] >> 6 << 4;
        (bytes[part + 4] & 15 | high(part - 4), bytes[part + 4] >> 4 | high(part))
    };
    (f32::from(scale), f32::from(least))
}

/// Q4_K, and Q5_K where there are fifth bits.
fn four_or_five(block: &[u8], fifths: &[u8], bytes: &[u8], into: &mut Vec<f32>) {
    let (scale, least) = (half(block, 0), half(block, 2));
    for part in 0..8 {
        let (of_part, low) = parts(&block[4..16], part);
        let (scale, low) = (scale * of_part, least * low);
        for at in 0..32 {
            let byte = bytes[part / 2 * 32 + at];
            let four = if part % 2 == 0 { byte & 15 } else { byte >> 4 };
            let more = fifths.get(at).map_or(0, |bits| (bits >> part & 1) << 4);
            into.push(scale * f32::from(four | more) - low);
        }
    }
}

fn two_bits(block: &[u8], into: &mut Vec<f32>) {
    let (scales, bytes) = (&block[..16], &block[16..80]);
    let (scale, least) = (half(block, 80), half(block, 82));
    for (part, both) in scales.iter().enumerate() {
        let (of_part, low) = (f32::from(both & 15), f32::from(both >> 4));
        let (from, shift) = (part / 8 * 32 + part % 2 * 16, part % 8 / 2 * 2);
        for byte in &bytes[from..from + 16] {
            into.push(scale * of_part * f32::from(byte >> shift & 3) - least * low);
        }
    }
}

fn three_bits(block: &[u8], into: &mut Vec<f32>) {
    let (thirds, bytes, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = half(block, 108);
    for part in 0..16 {
        let low = if part < 8 { scales[part] & 15 } else { scales[part - 8] >> 4 };
        let high = scales[8 + part % 4] >> (part / 4 * 2) & 3;
        let of_part = scale * (f32::from(low | high << 4) - 32.0);
        let (column, shift) = (part % 2 * 16, part % 8 / 2 * 2);
        for at in column..column + 16 {
            let two = f32::from(bytes[part / 8 * 32 + at] >> shift & 3);
            let less = if thirds[at] >> (part / 2) & 1 == 1 { 0.0 } else { 4.0 };
            into.push(of_part * (two - less));
        }
    }
}

fn six_bits(block: &[u8], into: &mut Vec<f32>) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half(block, 208);
    for (at, of_part) in (0..LARGE).map(|at| (at, scales[at / 16].cast_signed())) {
        let (side, quarter, within) = (at / 128, at % 128 / 32, at % 32);
        let byte = low[side * 64 + quarter % 2 * 32 + within];
        let four = if quarter < 2 { byte & 15 } else { byte >> 4 };
        let two = high[side * 32 + within] >> (quarter * 2) & 3;
        into.push(scale * f32::from(of_part) * (f32::from(four | two << 4) - 32.0));
    }
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;

    const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/gguf/blocks.safetensors");

    #[test]
    fn numbers_are_those_of_the_reference_bit_by_bit() {
        let golden = SafeTensors::deserialize(GOLDEN).unwrap();
        let known = [
            ("Q4_0", Blocks::Q4_0),
            ("Q4_1", Blocks::Q4_1),
            ("Q5_0", Blocks::Q5_0),
            ("Q5_1", Blocks::Q5_1),
            ("Q8_0", Blocks::Q8_0),
            ("Q2_K", Blocks::Q2K),
            ("Q3_K", Blocks::Q3K),
            ("Q4_K", Blocks::Q4K),
            ("Q5_K", Blocks::Q5K),
            ("Q6_K", Blocks::Q6K),
        ];
        for (name, blocks) in known {
            let bytes = golden.tensor(&format!("{name}.bytes")).unwrap();
            let numbers = golden.tensor(&format!("{name}.numbers")).unwrap();
            let expected: Vec<f32> =
                numbers.data().as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
            assert_eq!(bytes.data().len(), 2 * blocks.bytes(), "{name}");
            assert_eq!(blocks.numbers(bytes.data()), expected, "{name}");
        }
    }
}
