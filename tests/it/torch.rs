//! Files of `torch.save` against the same tensors as safetensors: see `tests/golden/torch/make_torch.py`.

use promot_core::model::tensors::from_safetensors;

use crate::golden::bytes;

fn problem(name: &str) -> String {
    from_safetensors(&bytes(&format!("torch/{name}")), name).unwrap_err().to_string()
}

#[test]
fn tensors_are_those_that_torch_saved() {
    for (name, expected) in
        [("weights.bin", "weights"), ("weights-dict.bin", "weights"), ("module.bin", "module")]
    {
        let found = from_safetensors(&bytes(&format!("torch/{name}")), name).unwrap();
        let expected = from_safetensors(&bytes(&format!("torch/{expected}.safetensors")), expected).unwrap();
        assert!(found.len() > 1);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn code_and_what_cannot_be_read_are_named() {
    let code = problem("code.bin");
    assert!(
        code.contains("code.bin") && code.contains("`posix.system`") && code.contains("never run"),
        "{code}"
    );
    assert!(problem("weights-old.bin").contains("PyTorch before 1.6"), "{}", problem("weights-old.bin"));
    assert!(problem("transposed.bin").contains("`transposed`"), "{}", problem("transposed.bin"));
}
