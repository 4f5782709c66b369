//! How long a question may be. Attention takes memory by the square of its length: a pasted book would end the worker.

/// In tokens, the end of the text among them: the library's own limit for inputs.
pub const MOST: usize = 1024;

/// A sentence for a question of so many tokens that is not asked.
pub fn refusal(tokens: usize) -> Option<String> {
    (tokens > MOST).then(|| {
        format!(
            "This text has {tokens} tokens; the models are asked at most {MOST}. Shorten it and ask again."
        )
    })
}

#[cfg(test)]
mod tests {
    use promot_core::spec::TargetSpec;

    use super::*;

    #[test]
    fn a_text_beyond_the_limit_is_refused_with_both_numbers() {
        assert_eq!(MOST, TargetSpec::default().max_input);
        assert_eq!((refusal(0), refusal(MOST)), (None, None));
        let reason = refusal(25_000).unwrap();
        assert!(reason.contains("25000 tokens") && reason.contains("at most 1024"), "{reason}");
    }
}
