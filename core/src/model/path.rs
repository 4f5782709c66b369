//! What a parameter's path says. Text such as `lm.encoder.blocks.0.self_attention.q.weight` is read here and nowhere
//! else.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A parameter of a model. `Display` gives the text that `FromStr` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamPath {
    /// `None` for what encoder and decoder share, and for the prompt.
    pub stack: Option<StackKind>,
    /// The block's number in its stack; `None` outside of blocks.
    pub layer: Option<usize>,
    pub component: Component,
    /// Which projection of an attention or feed-forward layer.
    pub kind: Option<Kind>,
    /// Whether it is the bias beside a weight.
    pub bias: bool,
    /// `None` for the weight itself.
    pub adapter: Option<AdapterPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackKind {
    Encoder,
    Decoder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    SelfAttention,
    CrossAttention,
    FeedForward,
    Norm(NormKind),
    Embedding,
    /// Learned absolute positions.
    Positions,
    Head,
    RelativeBias,
    Prompt,
}

/// What a norm stands before; the final one follows the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NormKind {
    SelfAttention,
    CrossAttention,
    FeedForward,
    /// Of the queries of each head, within the self-attention.
    Query,
    /// Of the keys of each head.
    Key,
    Final,
}

/// A projection: of queries, keys, values and output, and those of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Q,
    K,
    V,
    O,
    Wi0,
    Wi1,
    Wo,
}

/// A matrix of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdapterPart {
    LoraA,
    LoraB,
}

impl StackKind {
    pub const ALL: [(&str, Self); 2] = [("encoder", Self::Encoder), ("decoder", Self::Decoder)];
}

impl Kind {
    pub const ALL: [(&str, Self); 7] = [
        ("q", Self::Q),
        ("k", Self::K),
        ("v", Self::V),
        ("o", Self::O),
        ("wi_0", Self::Wi0),
        ("wi_1", Self::Wi1),
        ("wo", Self::Wo),
    ];

    pub fn name(self) -> &'static str {
        name(&Self::ALL, self)
    }

    /// Whether it belongs to an attention layer.
    pub fn is_attention(self) -> bool {
        matches!(self, Self::Q | Self::K | Self::V | Self::O)
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        find(&Self::ALL, text)
            .ok_or_else(|| Error::unknown("projection", text, Self::ALL.map(|(known, _)| known)))
    }
}

/// What follows a layer's path: the adapter's part, and whether it is the bias.
const PARTS: [(&str, (Option<AdapterPart>, bool)); 4] = [
    ("weight", (None, false)),
    ("bias", (None, true)),
    ("lora.a", (Some(AdapterPart::LoraA), false)),
    ("lora.b", (Some(AdapterPart::LoraB), false)),
];

const LAYERS: [(&str, Component); 3] = [
    ("self_attention", Component::SelfAttention),
    ("cross_attention", Component::CrossAttention),
    ("feed_forward", Component::FeedForward),
];

const BLOCK_NORMS: [(&str, NormKind); 5] = [
    ("self_norm", NormKind::SelfAttention),
    ("cross_norm", NormKind::CrossAttention),
    ("ff_norm", NormKind::FeedForward),
    ("self_attention.q_norm", NormKind::Query),
    ("self_attention.k_norm", NormKind::Key),
];

fn name<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

fn find<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl ParamPath {
    /// The soft prompt.
    pub const PROMPT: Self = Self {
        stack: None,
        layer: None,
        component: Component::Prompt,
        kind: None,
        bias: false,
        adapter: None,
    };

    /// A weight outside of stacks and blocks.
    pub(super) fn of(component: Component) -> Self {
        Self { component, ..Self::PROMPT }
    }

    pub fn is_prompt(&self) -> bool {
        self.component == Component::Prompt
    }

    pub fn is_adapter(&self) -> bool {
        self.adapter.is_some()
    }

    /// Whether it is a weight of the model itself, not of what is attached to it.
    pub fn is_weight(&self) -> bool {
        !self.is_prompt() && !self.is_adapter()
    }

    /// Whether it is the weight matrix of a projection inside a block.
    pub fn is_projection(&self) -> bool {
        self.kind.is_some() && !self.bias && !self.is_adapter()
    }

    /// The parameter of a text that a model gave.
    ///
    /// # Panics
    /// Panics for a text that no parameter has.
    pub fn known(text: &str) -> Self {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Whether it is, or belongs to, a linear layer: what an adapter can be attached to.
    pub fn is_linear(&self) -> bool {
        self.kind.is_some() || self.component == Component::Head
    }

    /// The path of the layer that it belongs to: without `.weight`, `.bias`, `.lora.a` or `.lora.b`.
    pub fn linear(&self) -> String {
        let text = Self { bias: false, adapter: None, ..*self }.to_string();
        text.strip_suffix(".weight").map(str::to_owned).unwrap_or(text)
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "prompt.value" {
            return Some(Self::of(Component::Prompt));
        }
        let (first, rest) = text.strip_prefix("lm.")?.split_once('.').unwrap_or((&text[3..], ""));
        match (first, rest) {
            ("shared", "") => Some(Self::of(Component::Embedding)),
            ("lm_head", part) => Self::of(Component::Head).with_part(part),
            (stack, rest) => Self::in_stack(find(&StackKind::ALL, stack)?, rest),
        }
    }

    fn in_stack(stack: StackKind, rest: &str) -> Option<Self> {
        let of = |component| Self { stack: Some(stack), ..Self::of(component) };
        if let Some(rest) = rest.strip_prefix("blocks.") {
            let (layer, rest) = rest.split_once('.')?;
            return Some(Self { layer: Some(layer.parse().ok()?), ..Self::in_block(rest, of)? });
        }
        match rest {
            "relative_bias" => Some(of(Component::RelativeBias)),
            "positions" => Some(of(Component::Positions)),
            _ => of(Component::Norm(NormKind::Final)).with_part(rest.strip_prefix("final_norm.")?),
        }
    }

    /// What a text such as `weight` names of this layer. A norm has no adapter.
    fn with_part(self, part: &str) -> Option<Self> {
        let (adapter, bias) = find(&PARTS, part)?;
        (adapter.is_none() || self.is_linear()).then_some(Self { adapter, bias, ..self })
    }

    fn in_block(rest: &str, of: impl Fn(Component) -> Self) -> Option<Self> {
        if let Some((norm, part)) = rest.rsplit_once('.')
            && let Some(norm) = find(&BLOCK_NORMS, norm)
        {
            return of(Component::Norm(norm)).with_part(part);
        }
        if rest == "relative_bias" {
            return Some(of(Component::RelativeBias));
        }
        let (layer, rest) = rest.split_once('.')?;
        let component = find(&LAYERS, layer)?;
        let (kind, part) = rest.split_once('.')?;
        let kind: Kind = find(&Kind::ALL, kind)?;
        if kind.is_attention() == (component == Component::FeedForward) {
            return None;
        }
        Self { kind: Some(kind), ..of(component) }.with_part(part)
    }
}

impl FromStr for ParamPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            let expected = "one such as lm.encoder.blocks.0.self_attention.q.weight";
            Error::mismatch("path of a parameter", expected, text)
        })
    }
}

impl fmt::Display for ParamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_prompt() {
            return f.write_str("prompt.value");
        }
        f.write_str("lm.")?;
        if let Some(stack) = self.stack {
            write!(f, "{}.", name(&StackKind::ALL, stack))?;
        }
        if let Some(layer) = self.layer {
            write!(f, "blocks.{layer}.")?;
        }
        match self.component {
            Component::Embedding => f.write_str("shared")?,
            Component::Positions => f.write_str("positions")?,
            Component::RelativeBias => f.write_str("relative_bias")?,
            Component::Head => f.write_str("lm_head")?,
            Component::Norm(NormKind::Final) => f.write_str("final_norm")?,
            Component::Norm(norm) => f.write_str(name(&BLOCK_NORMS, norm))?,
            layer => f.write_str(name(&LAYERS, layer))?,
        }
        if let Some(kind) = self.kind {
            write!(f, ".{}", kind.name())?;
        }
        if self.is_linear() || matches!(self.component, Component::Norm(_)) {
            write!(f, ".{}", name(&PARTS, (self.adapter, self.bias)))?;
        }
        Ok(())
    }
}

/// The path of the parameter that a visitor of modules is at. The variant of an enum is no part of it, so that a
/// path means the same in every model family.
#[derive(Clone, Debug, Default)]
pub struct Walk(Vec<String>);

impl Walk {
    pub fn enter(&mut self, name: &str, container: &str) {
        if !is_enum(container) {
            self.0.push(name.to_owned());
        }
    }

    pub fn exit(&mut self, container: &str) {
        if !is_enum(container) {
            self.0.pop();
        }
    }

    /// The path's text.
    pub fn path(&self) -> String {
        self.0.join(".")
    }

    /// The parsed path.
    ///
    /// # Panics
    /// Panics in a module that is no part of a `Model`, and where this file does not know all of a model's paths.
    pub fn param(&self) -> ParamPath {
        let path = self.path();
        path.parse().unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Burn's derive names the container of an enum's variant `Enum:<name>`.
fn is_enum(container: &str) -> bool {
    container.starts_with("Enum:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_where_a_parameter_is() {
        let path: ParamPath = "lm.decoder.blocks.11.cross_attention.v.lora.b".parse().unwrap();
        let expected = ParamPath {
            stack: Some(StackKind::Decoder),
            layer: Some(11),
            component: Component::CrossAttention,
            kind: Some(Kind::V),
            bias: false,
            adapter: Some(AdapterPart::LoraB),
        };
        assert_eq!(path, expected);
        assert_eq!(path.linear(), "lm.decoder.blocks.11.cross_attention.v");
    }

    #[test]
    fn the_text_of_a_path_is_read_again() {
        for text in [
            "prompt.value",
            "lm.shared",
            "lm.lm_head.weight",
            "lm.decoder.positions",
            "lm.encoder.relative_bias",
            "lm.decoder.blocks.2.relative_bias",
            "lm.decoder.final_norm.bias",
            "lm.decoder.blocks.3.ff_norm.weight",
            "lm.decoder.blocks.3.self_attention.q_norm.weight",
            "lm.decoder.blocks.3.self_attention.k.bias",
            "lm.decoder.blocks.3.feed_forward.wi_1.lora.a",
        ] {
            assert_eq!(ParamPath::known(text).to_string(), text);
        }
        let bias = ParamPath::known("lm.decoder.blocks.3.self_attention.k.bias");
        assert!(bias.is_weight() && bias.bias && !bias.is_projection());
        assert_eq!(bias.linear(), "lm.decoder.blocks.3.self_attention.k");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            "lm",
            "lm.",
            "prompt",
            "shared",
            "lm.shared.weight",
            "lm.lm_head",
            "lm.encoder.blocks.0.self_attention.q",
            "lm.encoder.blocks.x.self_attention.q.weight",
            "lm.encoder.blocks.0.self_attention.wo.weight",
            "lm.encoder.blocks.0.feed_forward.q.weight",
            "lm.encoder.blocks.0.feed_forward.wo.lora.c",
            "lm.encoder.blocks.0.self_norm.lora.a",
            "lm.encoder.blocks.0.self_norm",
        ] {
            let error = text.parse::<ParamPath>().unwrap_err().to_string();
            assert!(error.contains("expected one such as lm.encoder"), "{error}");
        }
    }
}
