//! The made-up world for the curious: who and what is in it, and a question for every fact.

use promot_world::{Known, Topic, known};

/// Who or what the world knows something of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub name: String,
    pub facts: Vec<Known>,
}

/// People or towns by name, with their facts.
pub fn subjects(topic: Topic) -> Vec<Subject> {
    let mut all: Vec<Subject> = Vec::new();
    for fact in known().filter(|fact| fact.topic == topic) {
        match all.iter_mut().find(|subject| subject.name == fact.subject) {
            Some(subject) => subject.facts.push(fact),
            None => all.push(Subject { name: fact.subject.clone(), facts: vec![fact] }),
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The text that asks for a subject's fact, with the same facts of others before it as examples.
pub fn question(all: &[Subject], subject: usize, fact: usize, shots: usize) -> String {
    let others = all.iter().cycle().skip(subject + 1).take(shots.min(all.len().saturating_sub(1)));
    let examples = others.filter_map(|other| other.facts.get(fact));
    let mut text: String = examples.map(|fact| format!("Q: {} A: {} ", fact.question, fact.answer)).collect();
    if let Some(fact) = all.get(subject).and_then(|subject| subject.facts.get(fact)) {
        text.push_str(&format!("Q: {} A:", fact.question));
    }
    text
}

/// The words of a text that the model has to read letter by letter, from its tokens: they are no words of its own.
pub fn spelled(tokens: &[String]) -> Vec<String> {
    /// As many pieces have a word that is not among the tokens.
    const PIECES: usize = 3;
    let mut words: Vec<Vec<&str>> = Vec::new();
    for token in tokens {
        match (token.strip_prefix('\u{2581}'), words.last_mut()) {
            (Some(start), _) => words.push(vec![start]),
            (None, Some(word)) => word.push(token),
            (None, None) => words.push(vec![token]),
        }
    }
    let letters = |piece: &&&str| !piece.is_empty() && piece.chars().all(char::is_alphabetic);
    let mut found: Vec<String> = Vec::new();
    for word in words {
        let pieces: Vec<&str> = word.iter().filter(letters).copied().collect();
        let text = pieces.concat();
        if pieces.len() >= PIECES && !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// A sentence where a text has words that are none of the model's.
pub fn unknown_words(tokens: &[String]) -> Option<String> {
    let words = spelled(tokens);
    let quoted: Vec<String> = words.iter().map(|word| format!("\u{201c}{word}\u{201d}")).collect();
    let verb = if words.len() == 1 { "is no word" } else { "are no words" };
    let read = format!(
        "{} {verb} of this model: it reads letters, and its world knows nothing of it.",
        quoted.join(", ")
    );
    (!words.is_empty()).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_of_a_topic_has_the_same_kinds_of_facts() {
        for topic in [Topic::People, Topic::Towns] {
            let all = subjects(topic);
            assert!(all.len() >= 20);
            assert!(all.iter().all(|subject| subject.facts.len() == all[0].facts.len()));
            for fact in all.iter().flat_map(|subject| &subject.facts) {
                assert!(fact.question.contains(&fact.subject) && fact.question.ends_with('?'), "{fact:?}");
                assert!(
                    fact.statement.contains(&fact.subject) && fact.statement.contains(&fact.answer),
                    "{fact:?}"
                );
            }
        }
    }

    #[test]
    fn a_question_has_examples_of_its_own_kind() {
        let all = subjects(Topic::People);
        let fact = |subject: usize| &all[subject].facts[0];
        assert_eq!(question(&all, 3, 0, 0), format!("Q: {} A:", fact(3).question));
        let one = format!("Q: {} A: {} Q: {} A:", fact(4).question, fact(4).answer, fact(3).question);
        assert_eq!(question(&all, 3, 0, 1), one);
        let last = all.len() - 1;
        assert!(question(&all, last, 0, 2).starts_with(&format!("Q: {}", fact(0).question)));
    }

    #[test]
    fn words_that_are_spelled_are_named_once() {
        let tokens =
            |text: &str| text.split(' ').map(|piece| piece.replace('_', "\u{2581}")).collect::<Vec<_>>();
        let of = |text: &str| spelled(&tokens(text));
        assert_eq!(of("_Q: _What _is _ c a p i t a l _of _F r a n c e ? _A: </s>"), ["capital", "France"]);
        assert_eq!(of("_Where _does _Eva _live ? </s>"), Vec::<String>::new());
        assert_eq!(of("_F r a n c e . _F r a n c e </s>"), ["France"]);
        assert_eq!(of("_now . _4 2 </s>"), Vec::<String>::new());
    }
}
