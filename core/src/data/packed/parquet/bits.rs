//! Whole numbers as Parquet packs them: runs and bit-packed groups, and differences.

/// Bytes that are taken from the front.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| format!("expected {count} more bytes, found {}", self.0.len()))?;
        self.0 = rest;
        Ok(taken)
    }

    /// # Errors
    /// Fewer than four bytes are left.
    pub fn length(&mut self) -> Result<usize, String> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("expected a number of 64 bits, found a longer one".to_owned())
    }

    fn zigzag(&mut self) -> Result<i64, String> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

/// Bits that a level up to `most` takes.
pub fn width_of(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// `count` numbers of `width` bits, in runs of one number and in groups of eight (the format's RLE / bit-packed hybrid).
///
/// # Errors
/// The bytes end before.
pub fn hybrid(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u32>, String> {
    if width > 32 {
        return Err(format!("expected numbers of at most 32 bits, found {width}"));
    }
    let (mut bytes, mut numbers) = (Bytes(bytes), Vec::with_capacity(count));
    while numbers.len() < count {
        let missing = count - numbers.len();
        let header = bytes.varint()?;
        let amount = usize::try_from(header >> 1).unwrap_or(usize::MAX);
        if header & 1 == 0 {
            let value = bytes.take(width.div_ceil(8) as usize)?.iter().rev();
            let value = value.fold(0, |value: u32, byte| value << 8 | u32::from(*byte));
            numbers.extend(std::iter::repeat_n(value, amount.min(missing)));
        } else {
            // The last group may be cut off behind its last number.
            let length = amount.saturating_mul(width as usize).min(bytes.0.len());
            let packed = bytes.take(length)?;
            let here = amount.saturating_mul(8).min(missing);
            numbers.extend(unpack(packed, width, here)?.into_iter().map(|number| number as u32));
        }
        if header >> 1 == 0 {
            return Err("expected a run of one number at least, found an empty one".to_owned());
        }
    }
    Ok(numbers)
}

/// `count` numbers of `width` bits, the lowest bit first.
fn unpack(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u64>, String> {
    let needed = count.saturating_mul(width as usize).div_ceil(8);
    if needed > bytes.len() {
        return Err(format!("expected {needed} more bytes, found {}", bytes.len()));
    }
    let mask = if width == 0 { 0 } else { u128::MAX >> (128 - width) };
    let number = |at: usize| {
        let (byte, bit) = (at * width as usize / 8, at * width as usize % 8);
        let mut window = [0; 16];
        let here = &bytes[byte.min(bytes.len())..bytes.len().min(byte + 9)];
        window[..here.len()].copy_from_slice(here);
        (u128::from_le_bytes(window) >> bit & mask) as u64
    };
    Ok((0..count).map(number).collect())
}

/// `count` numbers as differences (`DELTA_BINARY_PACKED`), taken from the front of `bytes`.
///
/// # Errors
/// The bytes end before, or hold another count.
pub fn deltas(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<i64>, String> {
    let (block, minis, total) = (bytes.varint()?, bytes.varint()?, bytes.varint()?);
    let mut last = bytes.zigzag()?;
    if total != count as u64 {
        return Err(format!("expected {count} numbers, found {total}"));
    }
    let in_mini = block.checked_div(minis).unwrap_or(0);
    if in_mini == 0 || in_mini > 1 << 20 || in_mini % 8 != 0 {
        return Err(format!("expected blocks of a multiple of 8 numbers, found {minis} in {block}"));
    }
    let mut numbers = Vec::with_capacity(count);
    numbers.extend((count > 0).then_some(last));
    while numbers.len() < count {
        let least = bytes.zigzag()?;
        let widths = bytes.take(usize::try_from(minis).unwrap_or(usize::MAX))?;
        for width in widths {
            // Those behind the last number are not written.
            if numbers.len() == count {
                break;
            }
            if *width > 64 {
                return Err(format!("expected numbers of at most 64 bits, found {width}"));
            }
            let packed = bytes.take(in_mini as usize / 8 * usize::from(*width))?;
            for delta in unpack(packed, u32::from(*width), (count - numbers.len()).min(in_mini as usize))? {
                last = last.wrapping_add(least).wrapping_add(delta as i64);
                numbers.push(last);
            }
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[u32], width: u32) -> Vec<u8> {
        let mut bytes = vec![0; (numbers.len() * width as usize).div_ceil(8)];
        for (at, number) in numbers.iter().enumerate() {
            for bit in (0..width as usize).filter(|bit| number >> bit & 1 == 1) {
                let place = at * width as usize + bit;
                bytes[place / 8] |= 1 << (place % 8);
            }
        }
        bytes
    }

    #[test]
    fn runs_and_groups_follow_each_other() {
        // Three times 5, then a group of eight, of which two count.
        let bytes = [3 << 1, 5, 1 << 1 | 1, 0b00_001_010, 0, 0];
        assert_eq!(hybrid(&bytes, 3, 5).unwrap(), [5, 5, 5, 2, 1]);
        assert_eq!(hybrid(&bytes, 3, 2).unwrap(), [5, 5]);
        assert_eq!(hybrid(&bytes[..2], 3, 4).unwrap_err(), "expected 1 more bytes, found 0");
        assert_eq!(
            hybrid(&[0, 5], 3, 1).unwrap_err(),
            "expected a run of one number at least, found an empty one"
        );
        assert_eq!(hybrid(&[2], 40, 1).unwrap_err(), "expected numbers of at most 32 bits, found 40");
        assert!(hybrid(&[0xff; 10], 1, 1).unwrap_err().contains("a number of 64 bits"));
        assert_eq!(hybrid(&[4, 7, 1], 9, 2).unwrap(), [263, 263]);
    }

    /// The first example of the format's own page on encodings: 1, 2, 3, 4, 5.
    #[test]
    fn equal_differences_take_no_bits() {
        let bytes = [128, 1, 4, 5, 2, 2, 0, 0, 0, 0, 9];
        let mut rest = Bytes(&bytes);
        assert_eq!(deltas(&mut rest, 5).unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(rest.0, [9]);
        assert_eq!(deltas(&mut Bytes(&bytes), 4).unwrap_err(), "expected 4 numbers, found 5");
        let none = deltas(&mut Bytes(&[128, 1, 0, 5, 2]), 5).unwrap_err();
        assert_eq!(none, "expected blocks of a multiple of 8 numbers, found 0 in 128");
    }

    proptest! {
        #[test]
        fn numbers_of_any_width_are_unpacked(width in 0_u32..=32, numbers in vec(any::<u32>(), 0..40)) {
            let mask = if width == 0 { 0 } else { u32::MAX >> (32 - width) };
            let numbers: Vec<u32> = numbers.iter().map(|number| number & mask).collect();
            let groups = numbers.len().div_ceil(8);
            let bytes = [vec![(groups << 1 | 1) as u8], packed(&numbers, width)].concat();
            prop_assert_eq!(&hybrid(&bytes, width, numbers.len()).unwrap(), &numbers);
        }
    }
}
