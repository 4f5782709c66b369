//! What makers state of their cards: dense TFLOP/s in f32 without matrix units, and in f16 or bf16 with them.

pub struct Peaks {
    pub f32: f64,
    pub f16: f64,
}

/// From NVIDIA's and AMD's data sheets (no sparsity, boost clock). The first name that the adapter's holds counts.
const CARDS: [(&str, Peaks); 14] = [
    ("H200", Peaks { f32: 67.0, f16: 989.0 }),
    ("H100 PCIe", Peaks { f32: 51.0, f16: 756.0 }),
    ("H100", Peaks { f32: 67.0, f16: 989.0 }),
    ("A100", Peaks { f32: 19.5, f16: 312.0 }),
    ("A10G", Peaks { f32: 31.5, f16: 125.0 }),
    ("A10", Peaks { f32: 31.2, f16: 125.0 }),
    ("L40S", Peaks { f32: 91.6, f16: 362.0 }),
    ("L4", Peaks { f32: 30.3, f16: 121.0 }),
    ("T4", Peaks { f32: 8.1, f16: 65.0 }),
    ("V100", Peaks { f32: 15.7, f16: 125.0 }),
    ("RTX 4090", Peaks { f32: 82.6, f16: 165.2 }),
    ("RTX 3090", Peaks { f32: 35.6, f16: 71.0 }),
    ("MI300X", Peaks { f32: 163.4, f16: 1307.4 }),
    ("MI250X", Peaks { f32: 47.9, f16: 383.0 }),
];

pub fn peaks(adapter: &str) -> Option<&'static Peaks> {
    CARDS.iter().find(|(name, _)| adapter.contains(name)).map(|(_, peaks)| peaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_name_of_two_cards_is_found() {
        assert_eq!(peaks("NVIDIA A10G").map(|peaks| peaks.f32), Some(31.5));
        assert_eq!(peaks("NVIDIA L40S").map(|peaks| peaks.f32), Some(91.6));
        assert_eq!(peaks("NVIDIA H100 PCIe").map(|peaks| peaks.f32), Some(51.0));
        assert!(peaks("llvmpipe (LLVM 15.0.6, 256 bits)").is_none());
    }
}
