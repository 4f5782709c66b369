//! The columns of a Parquet file as the tree that a row is.

use std::ops::Range;

use polars_parquet_format::{
    ConvertedType, FieldRepetitionType, LogicalType, SchemaElement, Type as Physical,
};

/// Deeper than any row that people write; the tree is walked by recursion.
const MOST_DEPTH: usize = 32;

/// What one value of a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Int32,
    Int64,
    Unsigned32,
    Unsigned64,
    Float,
    Double,
    /// Must be UTF-8.
    Text,
    /// Text where it is UTF-8, else nothing: older writers do not mark text, and images are no text.
    Bytes,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// `answers.text.list.element`
    pub path: String,
    /// Its place among all columns of a row group.
    pub column: usize,
    pub kind: Kind,
    /// The highest levels of definition and repetition.
    pub definition: u32,
    pub repetition: u32,
}

/// A part of a row, and the leaves below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub shape: Shape,
    pub leaves: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Leaf,
    Struct(Vec<(String, Node)>),
    /// Null where the level of definition is lower.
    Optional(u32, Box<Node>),
    /// A list: empty where the level of definition is lower; one more element where that of repetition is the same.
    Repeated(u32, u32, Box<Node>),
}

/// The root, and the columns that are read. Columns of types that JSON lacks (decimals, 96-bit times, bytes of a fixed
/// length) are left out.
///
/// # Errors
/// A schema that is no tree, is too deep or has no column that can be read.
pub fn schema(elements: &[SchemaElement]) -> Result<(Node, Vec<Leaf>), String> {
    let mut reader = Reader { elements, at: 0, n_columns: 0, path: Vec::new(), leaves: Vec::new() };
    let root = reader.next()?;
    let root = reader.children(root, Levels::default())?;
    if reader.at != elements.len() {
        return Err(format!("expected a schema of {} elements, found {}", reader.at, elements.len()));
    }
    let root = root.ok_or("expected a column of text, numbers or truth values, found none")?;
    Ok((root, reader.leaves))
}

struct Reader<'a> {
    elements: &'a [SchemaElement],
    at: usize,
    n_columns: usize,
    path: Vec<&'a str>,
    leaves: Vec<Leaf>,
}

#[derive(Clone, Copy, Default)]
struct Levels {
    definition: u32,
    repetition: u32,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<&'a SchemaElement, String> {
        let problem = || format!("expected more than {} elements in the schema", self.elements.len());
        let element = self.elements.get(self.at).ok_or_else(problem)?;
        self.at += 1;
        Ok(element)
    }

    /// An element with what is below it; nothing where no column of it can be read.
    fn node(&mut self, levels: Levels) -> Result<Option<Node>, String> {
        let element = self.next()?;
        if self.path.len() == MOST_DEPTH {
            return Err(format!("expected at most {MOST_DEPTH} fields inside each other, found more"));
        }
        self.path.push(&element.name);
        let node = self.with_repetition(element, levels);
        self.path.pop();
        node
    }

    fn with_repetition(
        &mut self,
        element: &SchemaElement,
        mut levels: Levels,
    ) -> Result<Option<Node>, String> {
        let repetition = element.repetition_type.unwrap_or(FieldRepetitionType::REQUIRED);
        if repetition == FieldRepetitionType::REPEATED {
            levels.definition += 1;
            levels.repetition += 1;
            let Levels { definition, repetition } = levels;
            let element = self.content(element, levels)?;
            return Ok(element.map(|element| element.within(|e| Shape::Repeated(definition, repetition, e))));
        }
        let optional = repetition == FieldRepetitionType::OPTIONAL;
        levels.definition += u32::from(optional);
        let content = self.content(element, levels)?;
        let definition = levels.definition;
        Ok(content.map(|c| if optional { c.within(|c| Shape::Optional(definition, c)) } else { c }))
    }

    fn content(&mut self, element: &SchemaElement, levels: Levels) -> Result<Option<Node>, String> {
        if element.num_children.is_none_or(|count| count == 0) {
            return self.leaf(element, levels);
        }
        let next = self.elements.get(self.at);
        let repeated = next.is_some_and(|next| next.repetition_type == Some(FieldRepetitionType::REPEATED));
        if is_list(element) && element.num_children == Some(1) && repeated {
            return self.list(levels);
        }
        self.children(element, levels)
    }

    /// The repeated element of a list is the list's element, or a group around it.
    fn list(&mut self, levels: Levels) -> Result<Option<Node>, String> {
        let parent = *self.path.last().unwrap_or(&"");
        let repeated = self.next()?;
        let levels = Levels { definition: levels.definition + 1, repetition: levels.repetition + 1 };
        // The format's rules for files of old writers.
        let is_element = repeated.name == "array" || repeated.name == format!("{parent}_tuple");
        self.path.push(&repeated.name);
        let element = if repeated.num_children == Some(1) && !is_element {
            self.node(levels)
        } else {
            self.content(repeated, levels)
        };
        self.path.pop();
        Ok(element?.map(|e| e.within(|e| Shape::Repeated(levels.definition, levels.repetition, e))))
    }

    fn children(&mut self, element: &SchemaElement, levels: Levels) -> Result<Option<Node>, String> {
        let first = self.leaves.len();
        let mut fields = Vec::new();
        for _ in 0..element.num_children.unwrap_or(0) {
            let name = self.elements.get(self.at).map(|child| child.name.clone()).unwrap_or_default();
            if let Some(node) = self.node(levels)? {
                fields.push((name, node));
            }
        }
        let leaves = first..self.leaves.len();
        Ok((!fields.is_empty()).then_some(Node { shape: Shape::Struct(fields), leaves }))
    }

    fn leaf(&mut self, element: &SchemaElement, levels: Levels) -> Result<Option<Node>, String> {
        let column = self.n_columns;
        self.n_columns += 1;
        let Some(kind) = kind(element)? else { return Ok(None) };
        let Levels { definition, repetition } = levels;
        self.leaves.push(Leaf { path: self.path.join("."), column, kind, definition, repetition });
        Ok(Some(Node { shape: Shape::Leaf, leaves: column_range(self.leaves.len()) }))
    }
}

fn column_range(n_leaves: usize) -> Range<usize> {
    n_leaves - 1..n_leaves
}

impl Node {
    fn within(self, shape: impl FnOnce(Box<Node>) -> Shape) -> Node {
        let leaves = self.leaves.clone();
        Node { shape: shape(Box::new(self)), leaves }
    }
}

fn is_list(element: &SchemaElement) -> bool {
    let converted = [ConvertedType::LIST, ConvertedType::MAP, ConvertedType::MAP_KEY_VALUE].map(Some);
    matches!(element.logical_type, Some(LogicalType::LIST(_) | LogicalType::MAP(_)))
        || converted.contains(&element.converted_type)
}

/// Nothing for a type that JSON lacks.
fn kind(element: &SchemaElement) -> Result<Option<Kind>, String> {
    let converted = element.converted_type;
    let decimal = converted == Some(ConvertedType::DECIMAL)
        || matches!(element.logical_type, Some(LogicalType::DECIMAL(_)));
    if decimal {
        return Ok(None);
    }
    let unsigned = match &element.logical_type {
        Some(LogicalType::INTEGER(integer)) => !integer.is_signed,
        _ => {
            let types = [
                ConvertedType::UINT_8,
                ConvertedType::UINT_16,
                ConvertedType::UINT_32,
                ConvertedType::UINT_64,
            ];
            types.map(Some).contains(&converted)
        }
    };
    let text =
        matches!(
            element.logical_type,
            Some(LogicalType::STRING(_) | LogicalType::ENUM(_) | LogicalType::JSON(_))
        ) || [ConvertedType::UTF8, ConvertedType::ENUM, ConvertedType::JSON].map(Some).contains(&converted);
    Ok(match element.type_ {
        Some(Physical::BOOLEAN) => Some(Kind::Boolean),
        Some(Physical::INT32) => Some(if unsigned { Kind::Unsigned32 } else { Kind::Int32 }),
        Some(Physical::INT64) => Some(if unsigned { Kind::Unsigned64 } else { Kind::Int64 }),
        Some(Physical::FLOAT) => Some(Kind::Float),
        Some(Physical::DOUBLE) => Some(Kind::Double),
        Some(Physical::BYTE_ARRAY) => Some(if text { Kind::Text } else { Kind::Bytes }),
        Some(Physical::INT96 | Physical::FIXED_LEN_BYTE_ARRAY) => None,
        other => {
            let found = other.map_or("none".to_owned(), |other| other.0.to_string());
            return Err(format!(
                "column {}: expected one of Parquet's types 0 to 7, found {found}",
                element.name
            ));
        }
    })
}
