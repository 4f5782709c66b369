//! NumPy's `.npy` format, version 1 to 3, little-endian f32 in C order only: Google's published soft prompts are such
//! files, and a crate for all the rest of the format would be larger than this.
//! Source: numpy/lib/format.py, "Format Version 1.0".

use super::Matrix;
use crate::content;
use crate::error::{Error, Result};
use crate::model::tensors::HostTensor;

/// # Errors
/// Names the file and what does not fit: magic, type, order, number of dimensions, size.
pub fn parse(bytes: &[u8], name: &str) -> Result<Matrix> {
    content::check(name, bytes)?;
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
    let values = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let tensor = HostTensor { shape: shape.to_vec(), values };
    tensor.check_finite(name)?;
    Ok(Matrix { shape, values: tensor.values })
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
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

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

    fn header(rows: usize, columns: usize) -> String {
        HEADER.replace("(2, 1)", &format!("({rows}, {columns})"))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows in 0usize..5, columns in 0usize..5, first in any::<f32>()) {
            let values: Vec<f32> = (0..rows * columns).map(|n| first + n as f32).collect();
            let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let matrix = parse(&file(&header(rows, columns), &data), "p.npy").unwrap();
            prop_assert_eq!(matrix.shape, [rows, columns]);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&matrix.values), bits(&values));
        }

        #[test]
        fn any_bytes_are_a_matrix_or_an_error(
            bytes in vec(any::<u8>(), 0..32),
            text in "[{}(),':<f48a-z0-9 ]{0,60}",
            at in any::<Index>(),
            byte in any::<u8>(),
        ) {
            let _ = parse(&bytes, "p.npy");
            let _ = parse(&file(&text, &bytes), "p.npy");
            let mut damaged = file(&header(2, 4), &bytes);
            let place = at.index(damaged.len());
            damaged[place] = byte;
            let _ = parse(&damaged, "p.npy");
        }
    }
}
