//! Low-rank adapters on a model's linear layers: attached, taken off, replaced, merged into the weights.

use std::collections::BTreeMap;

use super::linear::{Linear, Lora};
use super::path::ParamPath;
use super::{Lm, Model};

/// Adapters by the path of their linear layer, such as `lm.encoder.blocks.0.self_attention.q`.
#[derive(Clone, Debug, Default)]
pub struct Adapters(pub BTreeMap<String, Lora>);

impl Adapters {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Trained numbers: `r (d_in + d_out)` a layer.
    pub fn num_params(&self) -> usize {
        let each = |lora: &Lora| lora.rank() * lora.dims().iter().sum::<usize>();
        self.0.values().map(each).sum()
    }
}

impl Model {
    /// Calls `visit` with every linear layer and the path of its weight, in the order of the modules.
    pub fn for_each_linear(&mut self, visit: &mut dyn FnMut(ParamPath, &mut Linear)) {
        match &mut self.lm {
            Lm::T5(t5) => t5.for_each_linear(visit),
            Lm::Causal(causal) => causal.for_each_linear(visit),
        }
    }

    /// Attaches what `make` gives for a linear layer, in place of an adapter that is there; where it gives none, the
    /// layer stays as it is. `make` gets the path of the layer's weight and `[d_in, d_out]`.
    ///
    /// # Panics
    /// Panics if an adapter has other dimensions than its layer.
    #[must_use]
    pub fn attach(mut self, make: &mut dyn FnMut(&ParamPath, [usize; 2]) -> Option<Lora>) -> Self {
        self.for_each_linear(&mut |path, linear| {
            if let Some(lora) = make(&path, linear.dims()) {
                assert_eq!(lora.dims(), linear.dims(), "dimensions of the adapter at {}", path.linear());
                linear.lora = Some(lora);
            }
        });
        self
    }

    /// What is attached.
    pub fn adapters(&self) -> Adapters {
        let mut adapters = Adapters::default();
        self.clone().for_each_linear(&mut |path, linear| {
            if let Some(lora) = linear.lora.take() {
                adapters.0.insert(path.linear(), lora);
            }
        });
        adapters
    }

    /// With these adapters and no other; with none, they are taken off.
    ///
    /// # Panics
    /// Panics if an adapter has other dimensions than its layer, or belongs to no layer of this model.
    #[must_use]
    pub fn with_adapters(mut self, adapters: &Adapters) -> Self {
        let mut left = adapters.0.clone();
        self.for_each_linear(&mut |path, linear| {
            linear.lora = left.remove(&path.linear());
            if let Some(lora) = &linear.lora {
                assert_eq!(lora.dims(), linear.dims(), "dimensions of the adapter at {}", path.linear());
            }
        });
        assert!(left.is_empty(), "no linear layer at {:?}", left.keys());
        self
    }

    /// With every adapter folded into its weight; the weights are new leaves of the graph.
    #[must_use]
    pub fn merged(mut self) -> Self {
        self.for_each_linear(&mut |_, linear| *linear = linear.clone().merged());
        self
    }
}
