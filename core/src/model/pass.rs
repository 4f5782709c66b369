//! One pass through a model: its dropout, and a hook on the hidden states.

use burn::tensor::Tensor;

use super::Dropout;
use super::path::StackKind;

/// A place between blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HiddenAt {
    pub stack: StackKind,
    pub after: After,
}

/// What a hidden state comes out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum After {
    /// The embedding, the prompt in front included, before dropout.
    Embedding,
    /// The block of this number.
    Block(usize),
    /// The final norm, before dropout.
    Norm,
}

/// Gets a hidden state `[B, L, D]` and gives the one to go on with: the same to capture it, another to replace it.
pub type Hook<'a> = &'a mut dyn FnMut(HiddenAt, Tensor<3>) -> Tensor<3>;

/// What a forward pass takes besides its inputs.
pub struct Pass<'a> {
    pub dropout: Dropout,
    pub hook: Option<Hook<'a>>,
}

impl<'a> Pass<'a> {
    /// Without dropout: for evaluation.
    pub fn eval() -> Self {
        Self::new(Dropout::off())
    }

    pub fn new(dropout: Dropout) -> Self {
        Self { dropout, hook: None }
    }

    #[must_use]
    pub fn with_hook(self, hook: Hook<'a>) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// Whether somebody sees hidden states or attention weights, of all positions then.
    pub(super) fn is_watched(&self) -> bool {
        self.hook.is_some() || self.dropout.keeps_attention()
    }

    pub(super) fn hidden(&mut self, stack: StackKind, after: After, x: Tensor<3>) -> Tensor<3> {
        match &mut self.hook {
            Some(hook) => hook(HiddenAt { stack, after }, x),
            None => x,
        }
    }
}
