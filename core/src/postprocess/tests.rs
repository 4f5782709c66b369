use super::*;

#[test]
fn sentinels_enclose_the_answer() {
    for (output, expected) in [
        ("<extra_id_0> True <extra_id_1> False", "True"),
        ("<extra_id_0>True", "True"),
        ("Rome <extra_id_1> and more", "Rome"),
        ("so <extra_id_0> a <extra_id_2> b <extra_id_1> c", "a <extra_id_2> b"),
        ("<extra_id_1> x <extra_id_0> y <extra_id_1> z", "y"),
        ("  plain text \n", "plain text"),
        ("", ""),
    ] {
        assert_eq!(between_sentinels(output), expected, "{output:?}");
    }
}

#[test]
fn a_new_question_ends_the_answer() {
    for (output, prefix, expected) in [
        ("Rome Q: what is the capital of Spain? A: Madrid", Some("Q:"), "Rome"),
        ("Rome Q: a? A: b Q: c? A: d", Some("Q:"), "Rome"),
        ("Rome", Some("Q:"), "Rome"),
        ("Q: who? A: me", Some("Q:"), ""),
        ("<extra_id_0> Rome Q: x <extra_id_1>", Some("Q:"), "Rome"),
        ("Le chat. Translate English to French: The dog.", Some("Translate"), "Le chat."),
        ("Er kann translate sagen.", Some("Translate"), "Er kann translate sagen."),
        ("A storm hit. Article: The", Some("Article:"), "A storm hit."),
        ("Rome Q: x", None, "Rome Q: x"),
    ] {
        assert_eq!(free_text(output, prefix), expected, "{output:?}");
    }
}

#[test]
fn a_class_is_the_first_word_without_punctuation() {
    for (output, expected) in [
        ("True", "True"),
        (" True. It follows.", "True"),
        ("\"False\"", "False"),
        ("True/False", "True"),
        ("true", "true"),
        ("A) deep sea animals", "A"),
        ("Truely", "Truely"),
        ("<extra_id_0> Neither <extra_id_1> .", "Neither"),
        ("It is True", "It"),
        ("...", ""),
        ("", ""),
    ] {
        assert_eq!(first_word(output), expected, "{output:?}");
    }
}
