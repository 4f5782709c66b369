//! Pairs of token ids, padded on the right into one batch, and its tensors on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Rows of input ids and target ids; the targets end with the end-of-sequence token.
#[derive(Clone, Debug)]
pub struct Batch {
    inputs: Padded,
    targets: Padded,
    decoder: Padded,
}

/// Ids in rows of one length, and how many of each row are real.
#[derive(Clone, Debug)]
struct Padded {
    ids: Vec<i32>,
    lengths: Vec<usize>,
    width: usize,
}

/// Input and target ids of one row.
pub type Pair = (Vec<u32>, Vec<u32>);

/// How rows become batches.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub pad: u32,
    /// The decoder's first input.
    pub start: u32,
    /// Widths are rounded up to a multiple of this.
    pub multiple: usize,
    /// A batch is cut into this many parts.
    pub parts: usize,
}

impl Batch {
    /// One batch in `layout.parts` parts of nearly equal size, rows of similar length together.
    pub fn parts(mut pairs: Vec<Pair>, layout: Layout) -> Vec<Self> {
        pairs.sort_by_key(|(input, target)| (input.len(), target.len()));
        let rows: Vec<(&[u32], &[u32])> =
            pairs.iter().map(|(input, target)| (input.as_slice(), target.as_slice())).collect();
        let size = rows.len().div_ceil(layout.parts.max(1)).max(1);
        rows.chunks(size).map(|part| Self::new(part, layout.pad, layout.start, layout.multiple)).collect()
    }

    /// Pads both sides to the longest row, rounded up to a multiple of `multiple` (fewer shapes to tune a GPU's
    /// kernels for; 1 on the CPU). The decoder's input is the target shifted right by `start`.
    ///
    /// # Panics
    /// Panics if there is no row.
    pub fn new(pairs: &[(&[u32], &[u32])], pad: u32, start: u32, multiple: usize) -> Self {
        assert!(!pairs.is_empty(), "a batch needs at least one row");
        let inputs = Padded::new(pairs.iter().map(|pair| pair.0.to_vec()), pad, multiple);
        let targets = Padded::new(pairs.iter().map(|pair| pair.1.to_vec()), pad, multiple);
        let shifted = pairs.iter().map(|(_, target)| {
            let kept = &target[..target.len().saturating_sub(1)];
            std::iter::once(start).chain(kept.iter().copied()).collect()
        });
        let decoder = Padded::new(shifted, pad, multiple);
        Self { inputs, targets, decoder }
    }

    pub fn rows(&self) -> usize {
        self.inputs.lengths.len()
    }

    /// Real target tokens, the denominator of the loss.
    pub fn target_tokens(&self) -> usize {
        self.targets.lengths.iter().sum()
    }

    /// Real input and target tokens, for the speed display.
    pub fn tokens(&self) -> usize {
        self.target_tokens() + self.inputs.lengths.iter().sum::<usize>()
    }

    /// `[B, S]`
    pub fn input_ids(&self, device: &Device) -> Tensor<2, Int> {
        self.inputs.ids(device)
    }

    /// `[B, S]`, 1 on real tokens.
    pub fn input_mask(&self, device: &Device) -> Tensor<2> {
        self.inputs.mask(device)
    }

    /// `[B, T]`
    pub fn decoder_ids(&self, device: &Device) -> Tensor<2, Int> {
        self.decoder.ids(device)
    }

    /// `[B, T]`
    pub fn target_ids(&self, device: &Device) -> Tensor<2, Int> {
        self.targets.ids(device)
    }

    /// `[B, T]`, 1 on real tokens.
    pub fn target_mask(&self, device: &Device) -> Tensor<2> {
        self.targets.mask(device)
    }

    /// Real tokens of each target row.
    pub fn target_lengths(&self) -> &[usize] {
        &self.targets.lengths
    }

    pub fn target_width(&self) -> usize {
        self.targets.width
    }
}

impl Padded {
    fn new(rows: impl Iterator<Item = Vec<u32>>, pad: u32, multiple: usize) -> Self {
        let rows: Vec<Vec<u32>> = rows.collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
        let width = longest.div_ceil(multiple.max(1)) * multiple.max(1);
        let mut ids = Vec::with_capacity(rows.len() * width);
        for row in &rows {
            ids.extend(row.iter().map(|id| *id as i32));
            ids.extend(std::iter::repeat_n(pad as i32, width - row.len()));
        }
        Self { ids, lengths, width }
    }

    fn ids(&self, device: &Device) -> Tensor<2, Int> {
        let data = TensorData::new(self.ids.clone(), [self.lengths.len(), self.width]);
        Tensor::from_data(data, device)
    }

    fn mask(&self, device: &Device) -> Tensor<2> {
        let values: Vec<f32> = self
            .lengths
            .iter()
            .flat_map(|length| {
                (0..self.width).map(move |position| if position < *length { 1.0 } else { 0.0 })
            })
            .collect();
        Tensor::from_data(TensorData::new(values, [self.lengths.len(), self.width]), device)
    }
}

/// Ids of an input batch alone, for decoding.
pub fn inputs(rows: &[&[u32]], pad: u32, multiple: usize, device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
    let padded = Padded::new(rows.iter().map(|row| row.to_vec()), pad, multiple);
    (padded.ids(device), padded.mask(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_right_shifts_targets_and_counts_real_tokens() {
        let batch = Batch::new(&[(&[5, 6, 1], &[7, 1]), (&[5, 1], &[8, 9, 1])], 0, 0, 4);
        let device = Device::flex();
        let ids = |tensor: Tensor<2, Int>| tensor.into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(ids(batch.input_ids(&device)), [5, 6, 1, 0, 5, 1, 0, 0]);
        assert_eq!(ids(batch.target_ids(&device)), [7, 1, 0, 0, 8, 9, 1, 0]);
        assert_eq!(ids(batch.decoder_ids(&device)), [0, 7, 0, 0, 0, 8, 9, 0]);
        assert_eq!(batch.target_mask(&device).sum().into_scalar::<f32>(), 5.0);
        assert_eq!((batch.target_tokens(), batch.tokens()), (5, 10));
    }
}
