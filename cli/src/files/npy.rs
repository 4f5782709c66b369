//! NumPy's `.npy` format, version 1 to 3, little-endian f32 in C order only: a prompt that someone trained
//! elsewhere is such a file, and a crate for all the rest of the format would be larger than this.
//! Source: numpy/lib/format.py, "Format Version 1.0".

use promot_core::{Error, Result};

/// Rows, columns and the values row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub shape: [usize; 2],
    pub values: Vec<f32>,
}

/// # Errors
/// Names the file and what does not fit: magic, type, order, number of dimensions, size.
pub fn parse(bytes: &[u8], name: &str) -> Result<Matrix> {
    let broken = |problem: &str| Error::format(name, problem);
    let rest =
        bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| broken("it does not begin as a .npy file does"))?;
    let (&[major, _minor], rest) = rest.split_first_chunk().ok_or_else(|| broken("it ends in its header"))?;
    // Version 1 counts the header in two bytes, later ones in four.
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
        2 | 3 => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        _ => return Err(broken("its version is none of 1, 2, 3")),
    }
    .ok_or_else(|| broken("it ends in its header"))?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(|| broken("it ends in its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| broken("its header is no text"))?;

    let descr = field(header, "descr").unwrap_or_default();
    if descr.trim_matches(['\'', '"']) != "<f4" {
        return Err(Error::mismatch(name, "little-endian f32 values ('<f4')", descr));
    }
    if field(header, "fortran_order") != Some("False") {
        return Err(Error::mismatch(name, "values in C order", "Fortran order"));
    }
    let shape = shape(header).ok_or_else(|| Error::mismatch(name, "two dimensions", header.trim()))?;
    let expected = shape[0].checked_mul(shape[1]).and_then(|n| n.checked_mul(4));
    if expected != Some(data.len()) {
        let expected = format!("{} x {} values of 4 bytes", shape[0], shape[1]);
        return Err(Error::mismatch(name, expected, format!("{} bytes", data.len())));
    }
    let (values, _) = data.as_chunks::<4>();
    Ok(Matrix { shape, values: values.iter().map(|value| f32::from_le_bytes(*value)).collect() })
}

/// The value of a key in the header, which is a Python dictionary written on one line.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    let end = after.find([',', '}'])?;
    Some(after[..end].trim())
}

fn shape(header: &str) -> Option<[usize; 2]> {
    let (_, after) = header.split_once("'shape':")?;
    let (inside, _) = after.trim_start().strip_prefix('(')?.split_once(')')?;
    let sizes: Option<Vec<usize>> = inside
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().ok())
        .collect();
    sizes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    const HEADER: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";

    #[test]
    fn two_rows_of_one_value() {
        let data: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let matrix = parse(&file(HEADER, &data), "p.npy").unwrap();
        assert_eq!(matrix, Matrix { shape: [2, 1], values: vec![1.5, -2.0] });
    }

    #[test]
    fn whatever_does_not_fit_is_named() {
        let error = |bytes: &[u8]| parse(bytes, "p.npy").unwrap_err().to_string();
        assert!(error(b"PK").contains("p.npy"));
        assert!(error(&file(HEADER, &[0; 7])).contains("found 7 bytes"));
        assert!(error(&file(HEADER, &[0; 8])[..20]).contains("ends in its header"));
        assert!(error(&file(&HEADER.replace("f4", "f8"), &[0; 16])).contains("'<f8'"));
        assert!(error(&file(&HEADER.replace("(2, 1)", "(2,)"), &[0; 8])).contains("two dimensions"));
        assert!(error(&file(&HEADER.replace("False", "True"), &[0; 8])).contains("Fortran"));
        let huge = HEADER.replace("(2, 1)", "(9223372036854775807, 9)");
        assert!(error(&file(&huge, &[0; 8])).contains("found 8 bytes"));
    }

    #[test]
    fn a_prompt_trained_elsewhere() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/prompts/t5_1_1_lm100k_base_rte.npy");
        let Ok(bytes) = std::fs::read(path) else {
            eprintln!("skipped: the shared prompt is not here");
            return;
        };
        let matrix = parse(&bytes, path).unwrap();
        assert_eq!(matrix.shape, [100, 768]);
        assert!(matrix.values.iter().all(|value| value.is_finite()));
    }
}
