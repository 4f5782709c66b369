use safetensors::Dtype;

use super::*;

/// A zip archive of files that are not packed, aligned to nothing.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let local = bytes.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        let names = [(name.len() as u16).to_le_bytes(), [0, 0]].concat();
        bytes.extend([&b"PK\x03\x04"[..], &[0; 14], &size, &size, &names, name.as_bytes(), content].concat());
        let fields = [&b"PK\x01\x02"[..], &[0; 16], &size, &size, &names, &[0; 10], &local.to_le_bytes()];
        directory.extend([fields.concat().as_slice(), name.as_bytes()].concat());
    }
    let (length, start) = (directory.len() as u32, bytes.len() as u32);
    bytes.extend(directory);
    bytes
        .extend([&b"PK\x05\x06"[..], &[0; 8], &length.to_le_bytes(), &start.to_le_bytes(), &[0; 2]].concat());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// A float tensor of the file `0`.
fn tensor(offset: u8, shape: [u8; 2], strides: [u8; 2]) -> Vec<u8> {
    let pair = |[one, other]: [u8; 2]| [b'K', one, b'K', other, 0x86];
    let storage = [
        b"(".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x06tQ".to_vec(),
    ];
    [
        &b"ctorch._utils\n_rebuild_tensor_v2\n("[..],
        &storage.concat(),
        &[b'K', offset],
        &pair(shape),
        &pair(strides),
        b"\x89ccollections\nOrderedDict\n)RtR",
    ]
    .concat()
}

fn pickled(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = items.iter().flat_map(|(name, value)| [text(name), value.clone()]).flatten();
    [b"\x80\x02ccollections\nOrderedDict\n)Rq\x00(".to_vec(), items.collect(), b"u.".to_vec()].concat()
}

fn file(pickle: &[u8]) -> Vec<u8> {
    archive(&[("archive/data.pkl", pickle), ("archive/byteorder", b"little"), ("archive/data/0", &[0; 24])])
}

fn problem(bytes: Vec<u8>) -> String {
    tensors("weights.bin", &bytes).unwrap_err().to_string()
}

#[test]
fn tensors_are_found_by_name() {
    let bytes = file(&pickled(&[("a", tensor(0, [2, 3], [3, 1])), ("b", tensor(2, [1, 4], [9, 1]))]));
    let found = tensors("weights.bin", &bytes).unwrap();
    let start = found["a"].from;
    assert_eq!(bytes[start as usize..][..24], [0; 24]);
    assert_eq!(found["a"], Place::plain(Dtype::F32, vec![2, 3], start, 24));
    assert_eq!(found["b"], Place::plain(Dtype::F32, vec![1, 4], start + 8, 16));
}

#[test]
fn code_is_named_and_never_run() {
    let call = |module: &str, name: &str| {
        format!("\x00c{module}\n{name}\n(X\x02\x00\x00\x00lstR").into_bytes()[1..].to_vec()
    };
    for (module, name) in [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch.hub", "load")] {
        let expected = format!("`{module}.{name}`");
        let error = problem(file(&pickled(&[("a", call(module, name))])));
        assert!(error.contains(&expected) && error.contains("never run"), "{error}");
        // Without an archive, and in the newer protocol.
        let bare = [b"\x80\x02".to_vec(), call(module, name), b".".to_vec()].concat();
        assert!(problem(bare).contains(&expected));
        let newer = [
            &b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c"[..],
            &[module.len() as u8],
            module.as_bytes(),
            b"\x94\x8c",
            &[name.len() as u8],
            name.as_bytes(),
            b"\x94\x93.",
        ];
        assert!(problem(newer.concat()).contains(&expected));
    }
    assert!(problem(file(b"\x80\x02\x81.")).contains("unknown opcode 0x81"));
    assert!(
        problem(file(&pickled(&[("a", b"ccollections\nOrderedDict\n(K\x01tR".to_vec())]))).contains("a call")
    );
}

#[test]
fn what_is_no_tensor_is_told() {
    let one = |value: Vec<u8>| problem(file(&pickled(&[("a", value)])));
    assert!(one(b"K\x05".to_vec()).contains("expected a tensor, found another value as `a`"));
    assert!(one(tensor(0, [2, 3], [1, 2])).contains("tensor `a`: its numbers do not stand side by side"));
    assert!(one(tensor(1, [2, 3], [3, 1])).contains("tensor `a`: it is larger than the numbers"));
    assert!(problem(file(b"\x80\x02].")).contains("expected a dictionary"));
    assert!(problem(file(b"\x80\x02}")).contains("cut off"));
    assert!(problem(file(b"\x80\x02u.")).contains("a mark is missing"));
    assert!(
        problem(b"\x80\x02K\x01.\x80\x02K\x01.\x80\x02}.\x80\x02}.".to_vec()).contains("PyTorch before 1.6")
    );
    assert!(problem(archive(&[("word/document.xml", b"")])).contains("not of torch.save"));
    let good = file(&pickled(&[("a", tensor(0, [2, 3], [3, 1]))]));
    for cut in 0..good.len() {
        assert!(tensors("weights.bin", &good[..cut].to_vec()).is_err() || cut < 4, "{cut}");
    }
    let big = archive(&[("x/data.pkl", &pickled(&[])), ("x/byteorder", b"big")]);
    assert!(problem(big).contains("little-endian"));
}

mod damaged {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_tensors_or_an_error(
            bytes in vec(any::<u8>(), 0..64),
            damage in vec((any::<Index>(), any::<u8>()), 1..6),
        ) {
            let _ = tensors("f", &[ARCHIVE, &bytes].concat());
            let _ = tensors("f", &file(&bytes));
            let mut good = file(&pickled(&[("a", tensor(0, [2, 3], [3, 1]))]));
            for (at, byte) in damage {
                let place = at.index(good.len());
                good[place] = byte;
            }
            let _ = tensors("f", &good);
        }
    }
}
