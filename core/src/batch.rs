//! Rows of token ids, padded on the right into one batch, and its tensors on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Rows of input ids and target ids; the targets end with the end-of-sequence token.
#[derive(Clone, Debug)]
pub struct Batch {
    rows: Vec<RowId>,
    truncated: usize,
    inputs: Padded,
    targets: Padded,
    decoder: Padded,
    sequences: Padded,
}

/// Rows of input ids alone, for decoding.
#[derive(Clone, Debug)]
pub struct Inputs(Padded);

impl Inputs {
    pub fn new(rows: &[&[u32]], layout: &BatchLayout) -> Self {
        Self(Padded::new(rows.iter().map(|row| row.to_vec()), layout))
    }

    /// `[B, S]`
    pub fn ids(&self, device: &Device) -> Tensor<2, Int> {
        self.0.ids(device)
    }

    /// `[B, S]`, 1 on real tokens.
    pub fn mask(&self, device: &Device) -> Tensor<2> {
        self.0.mask(device)
    }

    /// Real tokens of each row.
    pub fn lengths(&self) -> &[usize] {
        &self.0.lengths
    }
}

/// Ids in rows of one length, and how many of each row are real.
#[derive(Clone, Debug)]
struct Padded {
    ids: Vec<i32>,
    lengths: Vec<usize>,
    width: usize,
}

/// Which row of which task: the task's index among those that are trained on, and the row's index in its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    pub task: usize,
    pub row: usize,
}

/// One row as the model sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenizedExample {
    pub id: RowId,
    pub input: Vec<u32>,
    pub target: Vec<u32>,
    /// Whether the input was longer and has been cut.
    pub truncated: bool,
}

/// Ids without a data set.
impl From<(Vec<u32>, Vec<u32>)> for TokenizedExample {
    fn from((input, target): (Vec<u32>, Vec<u32>)) -> Self {
        Self { input, target, ..Self::default() }
    }
}

/// How a model and a device want batches laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLayout {
    pub pad_id: u32,
    /// The decoder's first input.
    pub decoder_start_id: u32,
    /// Widths are rounded up to a multiple of this: fewer shapes to tune a GPU's kernels for; 1 on the CPU.
    pub pad_to_multiple_of: usize,
    /// Micro-batches computed in parallel, one thread each, on devices that compute on this process's threads.
    pub num_workers: usize,
}

impl Batch {
    /// One batch in `count` micro-batches of nearly equal size, rows of similar length together.
    pub fn micro_batches(mut rows: Vec<TokenizedExample>, layout: &BatchLayout, count: usize) -> Vec<Self> {
        rows.sort_by_key(|row| (row.input.len(), row.target.len()));
        let size = rows.len().div_ceil(count.max(1)).max(1);
        rows.chunks(size).map(|rows| Self::new(rows, layout)).collect()
    }

    /// Pads both sides to the longest row. The decoder's input is the target shifted right by the start token.
    ///
    /// # Panics
    /// Panics if there is no row.
    pub fn new(rows: &[TokenizedExample], layout: &BatchLayout) -> Self {
        assert!(!rows.is_empty(), "a batch needs at least one row");
        let shifted = |target: &[u32]| {
            let kept = &target[..target.len().saturating_sub(1)];
            std::iter::once(layout.decoder_start_id).chain(kept.iter().copied()).collect()
        };
        let sequence = |row: &TokenizedExample| {
            let kept = &row.target[..row.target.len().saturating_sub(1)];
            row.input.iter().chain(kept).copied().collect()
        };
        Self {
            rows: rows.iter().map(|row| row.id).collect(),
            truncated: rows.iter().filter(|row| row.truncated).count(),
            inputs: Padded::new(rows.iter().map(|row| row.input.clone()), layout),
            targets: Padded::new(rows.iter().map(|row| row.target.clone()), layout),
            decoder: Padded::new(rows.iter().map(|row| shifted(&row.target)), layout),
            sequences: Padded::new(rows.iter().map(sequence), layout),
        }
    }

    /// Which rows these are, in the order of the tensors.
    pub fn row_ids(&self) -> &[RowId] {
        &self.rows
    }

    /// Rows whose input was cut.
    pub fn truncated(&self) -> usize {
        self.truncated
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

    /// `[B, S + T - 1]` for decoder-only models: each input with its target behind it, the last token left out, since
    /// nothing is predicted from it.
    pub fn sequence_ids(&self, device: &Device) -> Tensor<2, Int> {
        self.sequences.ids(device)
    }

    /// Real tokens of each input row.
    pub fn input_lengths(&self) -> &[usize] {
        &self.inputs.lengths
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
    fn new(rows: impl Iterator<Item = Vec<u32>>, layout: &BatchLayout) -> Self {
        let rows: Vec<Vec<u32>> = rows.collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
        let width = longest.next_multiple_of(layout.pad_to_multiple_of.max(1));
        let mut ids = Vec::with_capacity(rows.len() * width);
        for row in &rows {
            ids.extend(row.iter().map(|id| *id as i32));
            ids.extend(std::iter::repeat_n(layout.pad_id as i32, width - row.len()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(pad_to_multiple_of: usize) -> BatchLayout {
        BatchLayout { pad_id: 0, decoder_start_id: 0, pad_to_multiple_of, num_workers: 1 }
    }

    #[test]
    fn micro_batches_keep_the_ids_of_their_rows() {
        let row = |row: usize, length: usize| TokenizedExample {
            id: RowId { task: 1, row },
            input: vec![5; length],
            target: vec![1],
            truncated: row == 0,
        };
        let made = Batch::micro_batches(vec![row(0, 9), row(1, 2), row(2, 5)], &layout(1), 2);
        let rows: Vec<Vec<usize>> =
            made.iter().map(|batch| batch.row_ids().iter().map(|id| id.row).collect()).collect();
        assert_eq!(rows, [vec![1, 2], vec![0]]);
        assert_eq!(made.iter().map(Batch::truncated).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn pads_right_shifts_targets_and_counts_real_tokens() {
        let rows = [(vec![5, 6, 1], vec![7, 1]).into(), (vec![5, 1], vec![8, 9, 1]).into()];
        let batch = Batch::new(&rows, &layout(4));
        let device = Device::flex();
        let ids = |tensor: Tensor<2, Int>| tensor.into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(ids(batch.input_ids(&device)), [5, 6, 1, 0, 5, 1, 0, 0]);
        assert_eq!(ids(batch.target_ids(&device)), [7, 1, 0, 0, 8, 9, 1, 0]);
        assert_eq!(ids(batch.decoder_ids(&device)), [0, 7, 0, 0, 0, 8, 9, 0]);
        assert_eq!(ids(batch.sequence_ids(&device)), [5, 6, 1, 7, 5, 1, 8, 9]);
        assert_eq!(batch.target_mask(&device).sum().into_scalar::<f32>(), 5.0);
        assert_eq!((batch.target_tokens(), batch.tokens()), (5, 10));
    }
}
