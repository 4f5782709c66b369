//! T5's relative position bias (Raffel et al., 2020, section 2.1): distances fall into buckets, exact near by and
//! logarithmic further away; each bucket has one number per head. The decoder looks back only, so all its
//! buckets serve the past: its table is not the encoder's.

use burn::tensor::{Device, Int, Tensor, TensorData, module::embedding};

/// Sizes of the bucket table.
#[derive(Clone, Copy, Debug)]
pub struct Buckets {
    pub count: usize,
    pub max_distance: usize,
    /// Encoder: half of the buckets are for keys after the query. In the decoder those share bucket 0 (they are
    /// masked anyway).
    pub bidirectional: bool,
}

impl Buckets {
    /// The bucket of a key at `key - query = offset`.
    pub fn relative_position_bucket(&self, offset: i64) -> usize {
        let (count, base, distance) = if self.bidirectional {
            let half = self.count / 2;
            (half, if offset > 0 { half } else { 0 }, offset.unsigned_abs() as usize)
        } else {
            (self.count, 0, (-offset).max(0) as usize)
        };
        let exact = count / 2;
        if distance < exact {
            return base + distance;
        }
        // In f32, as the reference computes it: at a bucket's edge the rounding decides.
        let ratio = (distance as f32 / exact as f32).ln() / (self.max_distance as f32 / exact as f32).ln();
        base + (exact + (ratio * (count - exact) as f32) as usize).min(count - 1)
    }

    /// Bias `[1, H, Q, K]` from the table `[count, H]`, for queries at `first_query..first_query + queries` and
    /// keys at `0..keys`.
    pub fn bias(&self, table: Tensor<2>, first_query: usize, queries: usize, keys: usize) -> Tensor<4> {
        let device = table.device();
        let heads = table.dims()[1];
        let ids: Vec<i32> = (first_query..first_query + queries)
            .flat_map(|query| {
                (0..keys).map(move |key| self.relative_position_bucket(key as i64 - query as i64) as i32)
            })
            .collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [queries, keys]), &device);
        embedding(table, ids) // [Q, K, H]
            .permute([2, 0, 1])
            .reshape([1, heads, queries, keys])
    }
}

/// What a masked position adds to a score: `exp` of it is 0 in f32, and it stays finite in sums.
const MASKED: f32 = -1e9;

/// `[B, L]` with 1 on real positions becomes `[B, 1, 1, L]`, 0 there and very negative elsewhere.
pub fn padding(mask: Tensor<2>) -> Tensor<4> {
    let [rows, length] = mask.dims();
    mask.sub_scalar(1.0).mul_scalar(-MASKED).reshape([rows, 1, 1, length])
}

/// `[1, 1, L, L]`: 0 where the key is not after the query.
pub fn causal(length: usize, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = (0..length)
        .flat_map(|query| (0..length).map(move |key| if key <= query { 0.0 } else { MASKED }))
        .collect();
    Tensor::from_data(TensorData::new(values, [1, 1, length, length]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODER: Buckets = Buckets { count: 32, max_distance: 128, bidirectional: true };
    const DECODER: Buckets = Buckets { count: 32, max_distance: 128, bidirectional: false };

    #[test]
    fn near_distances_are_exact_and_far_ones_share_the_last_bucket() {
        assert_eq!(
            [0, -1, -7, 1, 7].map(|offset| ENCODER.relative_position_bucket(offset)),
            [0, 1, 7, 17, 23]
        );
        assert_eq!(
            [-8, -11, -12, -200, 200].map(|offset| ENCODER.relative_position_bucket(offset)),
            [8, 8, 9, 15, 31]
        );
    }

    #[test]
    fn decoder_buckets_are_not_the_encoders() {
        assert_eq!(
            [0, -8, -15, -16, -200, 5].map(|offset| DECODER.relative_position_bucket(offset)),
            [0, 8, 15, 16, 31, 0]
        );
        assert_ne!(DECODER.relative_position_bucket(-20), ENCODER.relative_position_bucket(-20));
    }
}
