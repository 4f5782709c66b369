//! One column of a row group: its pages one after the other, its values one by one.

use std::borrow::Cow;
use std::vec::IntoIter;

use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{
    ColumnMetaData, CompressionCodec, DataPageHeader, DataPageHeaderV2, Encoding, PageHeader, PageType,
};
use serde_json::Value;

use super::super::unpack::Codec;
use super::bits::{self, Bytes};
use super::budget::Budget;
use super::schema::Leaf;
use super::values;

/// Room for what a page's header holds beside the statistics.
const HEADER: usize = 4096;

/// Values in the order of the rows, with their levels.
pub struct Column<'a> {
    pub leaf: &'a Leaf,
    codec: Codec,
    /// Pages that are not read yet.
    pages: &'a [u8],
    n_pages: usize,
    dictionary: Option<Vec<Value>>,
    page: Page,
    budget: &'a Budget,
}

/// What is left of a page.
#[derive(Default)]
struct Page {
    at: usize,
    count: usize,
    /// Empty where every value has the highest level.
    definitions: Vec<u32>,
    repetitions: Vec<u32>,
    values: IntoIter<Value>,
}

impl<'a> Column<'a> {
    /// # Errors
    /// Pages that are not in `bytes`, the file before its last part, and an unknown codec.
    pub fn new(
        leaf: &'a Leaf,
        metadata: &ColumnMetaData,
        bytes: &'a [u8],
        budget: &'a Budget,
    ) -> Result<Self, String> {
        let codec = match metadata.codec {
            CompressionCodec::UNCOMPRESSED => Codec::Plain,
            CompressionCodec::SNAPPY => Codec::Snappy,
            CompressionCodec::GZIP => Codec::Gzip,
            CompressionCodec::ZSTD => Codec::Zstd,
            other => {
                let name = ["LZO", "Brotli", "LZ4", "", "LZ4 (raw)"].get((other.0 as usize).wrapping_sub(3));
                let found = name.map_or_else(|| format!("codec {}", other.0), |name| (*name).to_owned());
                return Err(format!(
                    "expected pages packed with Snappy, gzip or zstd, or not at all, found {found}"
                ));
            }
        };
        let data = metadata.data_page_offset;
        // Some writers note 0 where there is no dictionary.
        let first = metadata.dictionary_page_offset.filter(|at| (1..data).contains(at)).unwrap_or(data);
        let range = usize::try_from(first).ok().zip(usize::try_from(metadata.total_compressed_size).ok());
        let pages = range.and_then(|(first, length)| bytes.get(first..first.checked_add(length)?));
        let pages = pages.ok_or_else(|| {
            let length = metadata.total_compressed_size;
            format!("expected {length} bytes of pages at byte {first}, found {} bytes in all", bytes.len())
        })?;
        Ok(Self { leaf, codec, pages, n_pages: 0, dictionary: None, page: Page::default(), budget })
    }

    /// The levels of definition and repetition of the next value, or nothing at the end.
    ///
    /// # Errors
    /// A page that cannot be read.
    pub fn peek(&mut self) -> Result<Option<(u32, u32)>, String> {
        while self.page.at == self.page.count {
            if self.pages.is_empty() {
                return Ok(None);
            }
            self.n_pages += 1;
            let page = self.read_page().map_err(|problem| format!("page {}: {problem}", self.n_pages))?;
            self.page = page.unwrap_or_default();
        }
        let Page { at, definitions, repetitions, .. } = &self.page;
        let level = |levels: &[u32], all| levels.get(*at).copied().unwrap_or(all);
        Ok(Some((level(definitions, self.leaf.definition), level(repetitions, 0))))
    }

    /// The next value, `None` where it is null or its list empty.
    ///
    /// # Errors
    /// None is left, or a page that cannot be read.
    pub fn take(&mut self) -> Result<Option<Value>, String> {
        let (definition, _) = self.peek()?.ok_or("expected more values, found the end of the column")?;
        self.page.at += 1;
        if definition < self.leaf.definition {
            return Ok(None);
        }
        // As many values as levels of this height were read.
        self.page
            .values
            .next()
            .map(Some)
            .ok_or_else(|| "expected more values, found the end of the page".to_owned())
    }

    /// Nothing for a page without values of rows.
    fn read_page(&mut self) -> Result<Option<Page>, String> {
        let mut rest = self.pages;
        let header = {
            let mut protocol = TCompactInputProtocol::new(&mut rest, self.pages.len() + HEADER);
            PageHeader::read_from_in_protocol(&mut protocol)
                .map_err(|error| format!("expected a page's header, found: {error}"))?
        };
        let mut rest = Bytes(rest);
        let packed = rest.take(size(header.compressed_page_size, "a packed page")?)?;
        let length = size(header.uncompressed_page_size, "a page")?;
        self.budget.spend(length)?;
        self.pages = rest.0;
        if header.type_ == PageType::DICTIONARY_PAGE {
            let dictionary =
                header.dictionary_page_header.ok_or("expected the header of a dictionary, found none")?;
            let (count, bytes) =
                (size(dictionary.num_values, "a dictionary")?, self.codec.unpack(packed, length)?);
            let (kind, plain) = (self.leaf.kind, Encoding::PLAIN);
            self.dictionary = Some(values::decode(kind, plain, &bytes, count, None, self.budget)?);
            return Ok(None);
        }
        if let Some(data) = header.data_page_header {
            return self.data_page(&data, &self.codec.unpack(packed, length)?).map(Some);
        }
        header.data_page_header_v2.map(|data| self.data_page_v2(&data, packed, length)).transpose()
    }

    /// Levels, each behind its length, and values, packed as a whole.
    fn data_page(&self, header: &DataPageHeader, bytes: &[u8]) -> Result<Page, String> {
        let mut bytes = Bytes(bytes);
        let count = size(header.num_values, "a page's count")?;
        let mut levels = |most: u32, encoding: Encoding| -> Result<Vec<u32>, String> {
            if most == 0 {
                return Ok(Vec::new());
            }
            if encoding != Encoding::RLE {
                return Err(format!("expected levels as runs, found encoding {}", encoding.0));
            }
            let length = bytes.length()?;
            self.levels(bytes.take(length)?, most, count)
        };
        let repetitions = levels(self.leaf.repetition, header.repetition_level_encoding)?;
        let definitions = levels(self.leaf.definition, header.definition_level_encoding)?;
        self.page(count, definitions, repetitions, header.encoding, bytes.0)
    }

    /// Levels, whose lengths the header has, are never packed.
    fn data_page_v2(&self, header: &DataPageHeaderV2, bytes: &[u8], length: usize) -> Result<Page, String> {
        let mut bytes = Bytes(bytes);
        let count = size(header.num_values, "a page's count")?;
        let lengths = [header.repetition_levels_byte_length, header.definition_levels_byte_length];
        let [repetitions, definitions] = lengths.map(|length| size(length, "levels"));
        let (repetitions, definitions) = (bytes.take(repetitions?)?, bytes.take(definitions?)?);
        let n_values = length.checked_sub(repetitions.len() + definitions.len());
        let n_values = n_values.ok_or("expected levels within the page, found more bytes of them")?;
        let values = match header.is_compressed {
            Some(false) => Cow::Borrowed(bytes.0),
            // Packers differ in what they make of nothing.
            _ if n_values == 0 => Cow::Borrowed(&[][..]),
            _ => self.codec.unpack(bytes.0, n_values)?,
        };
        let levels = |bytes, most| if most == 0 { Ok(Vec::new()) } else { self.levels(bytes, most, count) };
        let repetitions = levels(repetitions, self.leaf.repetition)?;
        let definitions = levels(definitions, self.leaf.definition)?;
        self.page(count, definitions, repetitions, header.encoding, &values)
    }

    fn levels(&self, bytes: &[u8], most: u32, count: usize) -> Result<Vec<u32>, String> {
        self.budget.spend_each(count, size_of::<u32>())?;
        let levels = bits::hybrid(bytes, bits::width_of(most), count)?;
        match levels.iter().find(|level| **level > most) {
            Some(level) => Err(format!("expected levels up to {most}, found {level}")),
            None => Ok(levels),
        }
    }

    fn page(
        &self,
        count: usize,
        definitions: Vec<u32>,
        repetitions: Vec<u32>,
        encoding: Encoding,
        bytes: &[u8],
    ) -> Result<Page, String> {
        let full = definitions.iter().filter(|level| **level == self.leaf.definition).count();
        let n_values = if self.leaf.definition == 0 { count } else { full };
        let dictionary = self.dictionary.as_deref();
        let values = values::decode(self.leaf.kind, encoding, bytes, n_values, dictionary, self.budget)?;
        Ok(Page { at: 0, count, definitions, repetitions, values: values.into_iter() })
    }
}

fn size(number: i32, what: &str) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("expected the size of {what}, found {number}"))
}
