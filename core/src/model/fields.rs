//! Fields of `config.json` as numbers and texts, in the types that Hugging Face allows: null is as good as absent. An error
//! names the field.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The object of `config.json`, or one within it.
pub(super) struct Fields<'a>(pub &'a Map<String, Value>);

impl Fields<'_> {
    /// A field that is there and not null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn wrong(name: &str, expected: &str, found: &Value) -> Error {
        Error::mismatch(format!("{name} of config.json"), expected, found)
    }

    /// A size of at least 1, where there is one.
    pub fn optional(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        size.map(Some).ok_or_else(|| Self::wrong(name, "a whole number of at least 1", value))
    }

    /// A size that must be there.
    pub fn size(&self, name: &str) -> Result<usize> {
        self.optional(name)?
            .ok_or_else(|| Error::mismatch("config.json", format!("a field `{name}`"), "none"))
    }

    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| *number > 0.0);
        number.map(Some).ok_or_else(|| Self::wrong(name, "a number above 0", value))
    }

    pub fn needed(&self, name: &str) -> Result<f64> {
        self.number(name)?.ok_or_else(|| Error::mismatch("config.json", format!("a field `{name}`"), "none"))
    }

    /// A number in [0, 1).
    pub fn share(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let share = value.as_f64().filter(|share| (0.0..1.0).contains(share));
        share.map(Some).ok_or_else(|| Self::wrong(name, "a number in [0, 1)", value))
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.optional_flag(name)?.unwrap_or(default))
    }

    pub fn optional_flag(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| Self::wrong(name, "true or false", value))
    }

    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().map(str::to_owned);
        text.map(Some).ok_or_else(|| Self::wrong(name, "a text", value))
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|list| {
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.map(Some).ok_or_else(|| Self::wrong(name, "a list of texts", value))
    }

    pub fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| Self::wrong(name, "an object", value))
    }

    /// Token ids: none, one, or a list. A negative one, as some files have it, is none.
    pub fn ids(&self, name: &str) -> Result<Vec<u32>> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let id = |value: &Value| value.as_i64().map(|id| u32::try_from(id).ok());
        let ids = match value {
            Value::Array(list) => list.iter().map(id).collect::<Option<Vec<_>>>(),
            one => id(one).map(|id| vec![id]),
        };
        let ids = ids.ok_or_else(|| Self::wrong(name, "a token id or a list of them", value))?;
        Ok(ids.into_iter().flatten().collect())
    }
}

/// Sizes that stand together in a matrix, so that no product of them overflows; no larger model fits a memory.
///
/// # Errors
/// Names the two sizes.
pub(super) fn check_products(products: &[(usize, usize)]) -> Result<()> {
    // Counted in 64 bits: in a browser `usize` has 32.
    const MOST: u64 = 1 << 40;
    for (rows, columns) in products {
        if (*rows as u64).checked_mul(*columns as u64).is_none_or(|count| count > MOST) {
            let expected = format!("matrices of at most {MOST} numbers");
            return Err(Error::mismatch("sizes in config.json", expected, format!("{rows} x {columns}")));
        }
    }
    Ok(())
}
