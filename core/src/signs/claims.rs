//! The paper's claims as data: Wang et al., sections 3 to 5 and the appendix. Numbers are those of its tables.

/// The two kinds of models that the paper has numbers of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    EncoderDecoder,
    DecoderOnly,
}

#[cfg(feature = "models")]
impl From<&crate::model::ModelConfig> for Architecture {
    fn from(config: &crate::model::ModelConfig) -> Self {
        if config.is_decoder_only() { Self::DecoderOnly } else { Self::EncoderDecoder }
    }
}

/// What is compared: method `one` less method `other`, tuned on `tuned`.
pub struct Claim {
    pub id: &'static str,
    pub claim: &'static str,
    pub paper: &'static str,
    pub tuned: Tuned,
    pub one: &'static str,
    pub other: &'static str,
    pub on: On,
    pub expect: Expect,
}

/// What was tuned.
#[derive(Clone, Copy)]
pub struct Tuned {
    /// The tasks, as the paper names them.
    pub on: &'static [&'static str],
    /// The models that the claim is about; any where nothing is said. The paper has numbers of a decoder-only model for
    /// En-Fr alone, which its Table 10 takes apart from those of mT5.
    pub of: Option<Architecture>,
}

/// The number of each method that is compared.
#[derive(Clone, Copy)]
pub enum On {
    /// The first tuned task's score on its test rows.
    Target,
    /// Mean of all held-out tasks with so many in-context examples.
    Mean(usize),
    /// Mean of these held-out tasks, 1-shot.
    Tasks(&'static [&'static str]),
    /// Percentage of answers to these held-out tasks in the format of the tuned one, 1-shot, in their mean.
    FormatRate(&'static [&'static str]),
}

/// What the paper says of the difference.
#[derive(Clone, Copy)]
pub enum Expect {
    Above,
    Below,
    /// At most so many points either way.
    Within(f64),
}

use Expect::{Above, Below, Within};
use On::{FormatRate, Mean, Target, Tasks};

const RTE: Tuned = Tuned { on: &["rte"], of: None };
const FR: Tuned = Tuned { on: &["wmt_enfr"], of: Some(Architecture::EncoderDecoder) };
const FR_DECODER: Tuned = Tuned { of: Some(Architecture::DecoderOnly), ..FR };
const BOTH: Tuned = Tuned { on: &["rte", "wmt_enfr"], of: None };
const SNLI: Tuned = Tuned { on: &["snli"], of: None };
const OBQA: Tuned = Tuned { on: &["openbookqa"], of: None };
const PAIRS: &[&str] = &["wmt_ende", "wmt_enro"];
const SUMMARIES: &[&str] = &["xsum", "wikilingua"];
const CLASSES: &[&str] = &["cb", "wic"];
const QA: &[&str] = &["triviaqa"];
const OTHERS: &[&str] = &["triviaqa", "web_questions", "wmt_ende", "wmt_enro", "xsum", "wikilingua"];

const PRETRAINED: &str = "pretrained";
const FINE: &str = "fine-tuning";
const PROMPT: &str = "prompt-tuning";
const PROMOT: &str = "promot";
const FINE_1: &str = "fine-tuning+1-shot";
const PROMPT_1: &str = "prompt-tuning+1-shot";
const PROMOT_1: &str = "promot+1-shot";

#[rustfmt::skip]
pub const CLAIMS: &[Claim] = &[
    claim("P-43a", "Tuned on RTE, ProMoT is above prompt tuning on RTE.", "92.78 against 91.34", RTE, PROMOT, PROMPT, Target, Above),
    claim("P-43b", "Tuned on RTE, ProMoT is above fine-tuning on RTE.", "92.78 against 92.06", RTE, PROMOT, FINE, Target, Above),
    claim("P-43c", "Tuned on En-Fr, ProMoT is above prompt tuning on En-Fr.", "41.30 against 39.28", FR, PROMOT, PROMPT, Target, Above),
    claim("P-43d", "Tuned on En-Fr, ProMoT is slightly below fine-tuning on En-Fr.", "41.30 against 41.80", FR, PROMOT, FINE, Target, Below),
    claim("P-43e", "Tuned on SNLI, ProMoT is above prompt tuning on SNLI.", "89.62 against 88.53", SNLI, PROMOT, PROMPT, Target, Above),
    claim("P-43f", "Tuned on SNLI, ProMoT is above fine-tuning on SNLI.", "89.62 against 88.91", SNLI, PROMOT, FINE, Target, Above),
    claim("P-43g", "Tuned on OpenBookQA, ProMoT is above prompt tuning on it.", "81.6 against 73.6", OBQA, PROMOT, PROMPT, Target, Above),
    claim("P-43h", "Tuned on OpenBookQA, ProMoT is above fine-tuning on it.", "81.6 against 77.2", OBQA, PROMOT, FINE, Target, Above),
    claim("P-44a", "After RTE, fine-tuning is below pretrained in the held-out mean, 1-shot.", "15.43 against 17.52", RTE, FINE, PRETRAINED, Mean(1), Below),
    claim("P-44b", "After RTE, ProMoT is above pretrained in the held-out mean, 1-shot.", "20.10 against 17.52", RTE, PROMOT, PRETRAINED, Mean(1), Above),
    claim("P-44c", "After RTE, ProMoT is above fine-tuning in the held-out mean, 1-shot.", "20.10 against 15.43", RTE, PROMOT, FINE, Mean(1), Above),
    claim("P-44d", "After RTE, ProMoT trained with 1-shot inputs is above ProMoT, 1-shot.", "22.26 against 20.10", RTE, PROMOT_1, PROMOT, Mean(1), Above),
    claim("P-44e", "After RTE, fine-tuning is below pretrained in the held-out mean, 4-shot.", "16.56 against 18.75", RTE, FINE, PRETRAINED, Mean(4), Below),
    claim("P-44f", "After RTE, ProMoT is above pretrained in the held-out mean, 4-shot.", "21.24 against 18.75", RTE, PROMOT, PRETRAINED, Mean(4), Above),
    claim("P-44g", "After RTE, ProMoT trained with 1-shot inputs is above ProMoT, 4-shot.", "22.33 against 21.24", RTE, PROMOT_1, PROMOT, Mean(4), Above),
    claim("P-44h", "After RTE, fine-tuning loses the six tasks of another format.", "about 0 on each", RTE, FINE, PRETRAINED, Tasks(OTHERS), Below),
    claim("P-44i", "After RTE, ProMoT keeps TriviaQA within 3 points of pretrained.", "17.64 against 17.58", RTE, PROMOT, PRETRAINED, Tasks(QA), Within(3.0)),
    claim("P-44j", "After RTE, ProMoT is above pretrained on summaries.", "7.02 and 4.84 against 6.41 and 4.59", RTE, PROMOT, PRETRAINED, Tasks(SUMMARIES), Above),
    claim("P-44k", "After RTE, ProMoT is above pretrained on CB and WiC.", "both rise", RTE, PROMOT, PRETRAINED, Tasks(CLASSES), Above),
    claim("P-44l", "After RTE, fine-tuning is above pretrained on CB and WiC, which share the format.", "both rise", RTE, FINE, PRETRAINED, Tasks(CLASSES), Above),
    claim("P-44m", "After RTE, ProMoT loses on En-De and En-Ro.", "2.02 and 0.70 against 3.97 and 1.82", RTE, PROMOT, PRETRAINED, Tasks(PAIRS), Below),
    claim("P-44n", "Fine-tuning on RTE raises RTE.", "92.06 against 47.65", RTE, FINE, PRETRAINED, Target, Above),
    claim("P-45a", "After En-Fr, fine-tuning is below pretrained in the held-out mean, 1-shot.", "9.15 against 17.52", FR, FINE, PRETRAINED, Mean(1), Below),
    claim("P-45b", "After En-Fr, ProMoT is above pretrained in the held-out mean, 1-shot.", "18.87 against 17.52", FR, PROMOT, PRETRAINED, Mean(1), Above),
    claim("P-45c", "After En-Fr, ProMoT is above fine-tuning in the held-out mean, 1-shot.", "18.87 against 9.15", FR, PROMOT, FINE, Mean(1), Above),
    claim("P-45d", "After En-Fr, ProMoT trained with 1-shot inputs is above ProMoT, 1-shot.", "19.91 against 18.87", FR, PROMOT_1, PROMOT, Mean(1), Above),
    claim("P-45e", "After En-Fr, ProMoT is above pretrained on En-De and En-Ro.", "15.52 and 18.54 against 3.97 and 1.82", FR, PROMOT, PRETRAINED, Tasks(PAIRS), Above),
    claim("P-45f", "After En-Fr, ProMoT still loses on TriviaQA.", "13.63 against 17.58", FR, PROMOT, PRETRAINED, Tasks(QA), Below),
    claim("P-45g", "After En-Fr, ProMoT still loses on XSum.", "1.49 against 6.41", FR, PROMOT, PRETRAINED, Tasks(&["xsum"]), Below),
    claim("P-45h", "After En-Fr, fine-tuning loses the summaries.", "0.05 and 0.03 against 6.41 and 4.59", FR, FINE, PRETRAINED, Tasks(SUMMARIES), Below),
    claim("P-45i", "After En-Fr, fine-tuning is below pretrained in the held-out mean, 4-shot.", "11.67 against 18.75", FR, FINE, PRETRAINED, Mean(4), Below),
    claim("P-45j", "After En-Fr, ProMoT is above pretrained in the held-out mean, 4-shot.", "20.64 against 18.75", FR, PROMOT, PRETRAINED, Mean(4), Above),
    claim("P-46a", "After RTE and En-Fr together, ProMoT is above fine-tuning in the held-out mean.", "25.88 against 20.06", BOTH, PROMOT, FINE, Mean(1), Above),
    claim("P-46b", "After RTE and En-Fr together, ProMoT is above pretrained in the held-out mean.", "25.88 against 17.52", BOTH, PROMOT, PRETRAINED, Mean(1), Above),
    claim("P-46c", "After RTE and En-Fr together, ProMoT trained with 1-shot inputs is above ProMoT.", "26.17 against 25.88", BOTH, PROMOT_1, PROMOT, Mean(1), Above),
    claim("P-46d", "After RTE and En-Fr together, ProMoT is above fine-tuning on En-De and En-Ro.", "18.83 and 18.41 against 0.88 and 1.52", BOTH, PROMOT, FINE, Tasks(PAIRS), Above),
    claim("P-46e", "After RTE and En-Fr together, fine-tuning is above pretrained in the held-out mean.", "20.06 against 17.52", BOTH, FINE, PRETRAINED, Mean(1), Above),
    claim("P-47a", "A decoder-only model fine-tuned on En-Fr is below pretrained in the held-out mean, 1-shot.", "17.80 against 26.09", FR_DECODER, FINE, PRETRAINED, Mean(1), Below),
    claim("P-47b", "A decoder-only model tuned on En-Fr by ProMoT is above fine-tuning in the held-out mean, 1-shot.", "22.37 against 17.80", FR_DECODER, PROMOT, FINE, Mean(1), Above),
    claim("P-47c", "A decoder-only model tuned on En-Fr by ProMoT is below pretrained in the held-out mean, 1-shot.", "22.37 against 26.09", FR_DECODER, PROMOT, PRETRAINED, Mean(1), Below),
    claim("P-47d", "Fine-tuning a decoder-only model on En-Fr raises En-Fr.", "33.04 against 13.62", FR_DECODER, FINE, PRETRAINED, Target, Above),
    claim("P-47e", "Tuned on En-Fr, ProMoT of a decoder-only model is slightly below fine-tuning on En-Fr.", "32.02 against 33.04", FR_DECODER, PROMOT, FINE, Target, Below),
    claim("P-47f", "Prompt tuning of a decoder-only model is below fine-tuning on En-Fr.", "far below", FR_DECODER, PROMPT, FINE, Target, Below),
    claim("P-48a", "Training prompt and weights together keeps less than ProMoT with 1-shot inputs.", "16.97 against 22.26", RTE, "joint", PROMOT_1, Mean(1), Below),
    claim("P-48b", "Fine-tuning behind a fixed random prompt keeps less than ProMoT with 1-shot inputs.", "16.25 against 22.26", RTE, "random-prompt", PROMOT_1, Mean(1), Below),
    claim("P-48c", "Fine-tuning with 1-shot inputs keeps less than ProMoT with 1-shot inputs.", "17.10 against 22.26", RTE, FINE_1, PROMOT_1, Mean(1), Below),
    claim("P-49a", "With 1-shot inputs, ProMoT is above prompt tuning on RTE.", "93.86 against 92.78", RTE, PROMOT_1, PROMPT_1, Target, Above),
    claim("P-49b", "With 1-shot inputs, ProMoT is above prompt tuning on En-Fr.", "41.19 against 39.41", FR, PROMOT_1, PROMPT_1, Target, Above),
    claim("P-50a", "After SNLI, fine-tuning is below pretrained in the held-out mean.", "16.20 against 17.52", SNLI, FINE, PRETRAINED, Mean(1), Below),
    claim("P-50b", "After SNLI, ProMoT is above pretrained in the held-out mean.", "19.83 against 17.52", SNLI, PROMOT, PRETRAINED, Mean(1), Above),
    claim("P-50c", "After OpenBookQA, fine-tuning is below pretrained in the held-out mean.", "0.00 against 17.52", OBQA, FINE, PRETRAINED, Mean(1), Below),
    claim("P-50d", "After OpenBookQA, ProMoT stays within 2 points of pretrained in the held-out mean.", "17.40 against 17.52", OBQA, PROMOT, PRETRAINED, Mean(1), Within(2.0)),
    claim("P-51", "After En-Fr, LoRA as the first stage keeps less than the prompt.", "11.54 against 18.87", FR, "lora-first", PROMOT, Mean(1), Below),
    claim("P-54", "After RTE, fine-tuning answers TriviaQA and En-De with True or False.", "over 90 %", RTE, FINE, PRETRAINED, FormatRate(&["triviaqa", "wmt_ende"]), Above),
    claim("P-60", "After En-Fr, fine-tuning answers En-De in French more often than ProMoT.", "examples of A.3.8", FR, FINE, PROMOT, FormatRate(&["wmt_ende"]), Above),
    claim("P-61a", "Prompt tuning alone is below fine-tuning on RTE.", "91.34 against 92.06", RTE, PROMPT, FINE, Target, Below),
    claim("P-61b", "Prompt tuning alone is below fine-tuning on En-Fr.", "39.28 against 41.80", FR, PROMPT, FINE, Target, Below),
    claim("P-62", "With its prompt taken off, a prompt-tuned model is the pretrained one.", "17.52 against 17.52", RTE, PROMPT, PRETRAINED, Mean(1), Within(0.0)),
];

#[expect(clippy::too_many_arguments, reason = "a table's columns")]
const fn claim(
    id: &'static str,
    claim: &'static str,
    paper: &'static str,
    tuned: Tuned,
    one: &'static str,
    other: &'static str,
    on: On,
    expect: Expect,
) -> Claim {
    Claim { id, claim, paper, tuned, one, other, on, expect }
}
