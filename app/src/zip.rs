//! A zip archive of stored files, in memory. Our own: the crate `zip` brings compressors and a clock along, and switches
//! on features of crates that the tensor library shares; storing without compression is a page of code.
//!
//! Layout: PKWARE's APPNOTE 6.3.9, sections 4.3.7 (local headers), 4.3.12 (central directory) and 4.3.16 (its end).

/// Version 2.0 of the format: folders, no compression.
const VERSION: u16 = 20;

/// The name is UTF-8 and not ASCII.
const UTF8: u16 = 1 << 11;

/// External attributes of a file that is nothing special.
const ORDINARY: u32 = 0x20;

/// 1 January 1980, the first day that the format knows: an archive is a function of its files.
const DAY: u16 = (1 << 5) | 1;

/// The archive of these files, by their paths with `/` between folders, in the order given.
///
/// # Errors
/// More than the format holds without its 64-bit extension: 4 GiB, or 65,535 files.
pub fn archive<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, String> {
    let (mut bytes, mut central, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (path, content) in files {
        let start = size(bytes.len())?;
        let common = common(path, content)?;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(path.as_bytes());
        bytes.extend(content);
        central.extend(b"PK\x01\x02");
        central.extend(VERSION.to_le_bytes());
        central.extend(&common);
        // No comment, on the first disk, no internal attributes.
        central.extend([0; 6]);
        central.extend(ORDINARY.to_le_bytes());
        central.extend(start.to_le_bytes());
        central.extend(path.as_bytes());
        count = count.checked_add(1).ok_or("an archive holds at most 65,535 files")?;
    }
    let (start, length) = (size(bytes.len())?, size(central.len())?);
    bytes.extend(central);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    Ok(bytes)
}

/// What local header and central directory say alike of a file, from the version to the lengths of name and extra field.
fn common(path: &str, content: &[u8]) -> Result<Vec<u8>, String> {
    let name = u16::try_from(path.len()).map_err(|_| "a path in an archive has at most 65,535 bytes")?;
    let mut common = Vec::with_capacity(26);
    for number in [VERSION, if path.is_ascii() { 0 } else { UTF8 }, 0, 0, DAY] {
        common.extend(number.to_le_bytes());
    }
    let length = size(content.len())?;
    for number in [crc32(content), length, length] {
        common.extend(number.to_le_bytes());
    }
    for number in [name, 0] {
        common.extend(number.to_le_bytes());
    }
    Ok(common)
}

fn size(bytes: usize) -> Result<u32, String> {
    u32::try_from(bytes).map_err(|_| "an archive holds at most 4 GiB".to_owned())
}

/// The reversed polynomial of CRC-32 (ISO 3309).
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The remainder of each byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut rest, mut bit) = (byte as u32, 0);
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |rest, byte| TABLE[usize::from(rest as u8 ^ byte)] ^ (rest >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of the CRC catalogue for CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn an_archive_is_that_of_the_reference_byte_for_byte() {
        // Made once by tests/golden/zip/make.py with Python's zipfile.
        let golden = include_bytes!("../../tests/golden/zip/two.zip");
        let files = [("a.txt", &b"hello\n"[..]), ("prompt/\u{e9}.json", b"{}")];
        assert_eq!(archive(files).unwrap(), golden);
    }

    #[test]
    fn an_archive_of_nothing_is_its_end_alone() {
        let empty = archive([]).unwrap();
        assert_eq!((empty.len(), &empty[..4]), (22, &b"PK\x05\x06"[..]));
    }
}
