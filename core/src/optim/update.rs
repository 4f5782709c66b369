//! What an update rule sees and keeps of one parameter.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

/// State matrices of one parameter, by name.
pub type Slots = BTreeMap<&'static str, Tensor<2>>;

/// What an update rule sees of one parameter: `[rows, columns]` matrices, and whether it is a true matrix.
pub(crate) struct Update {
    pub param: Tensor<2>,
    pub grad: Tensor<2>,
    pub is_matrix: bool,
    /// Whether it is a matrix of an attention or feed-forward layer.
    pub in_block: bool,
    /// 1 at the first update.
    pub time: usize,
    pub rate: f64,
    /// In place of the optimizer's.
    pub weight_decay: Option<f64>,
}
