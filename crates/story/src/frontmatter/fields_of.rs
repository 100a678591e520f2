//! The names of a struct's fields, as serde knows them. Pure.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The names under which the fields of a struct stand in a file.
pub fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut listener = Listener(&[]);
    // It always "fails": all that is wanted is what the struct asks for.
    T::deserialize(&mut listener).err();
    listener.0
}

/// A source that holds nothing, and keeps the names that are asked for.
struct Listener(&'static [&'static str]);

/// There is nothing to read.
#[derive(Debug)]
struct Nothing;

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to read")
    }
}

impl std::error::Error for Nothing {}

impl de::Error for Nothing {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for &mut Listener {
    type Error = Nothing;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Nothing> {
        self.0 = fields;
        Err(Nothing)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Nothing> {
        Err(Nothing)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn fields_of_are_the_names_in_the_file() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only the names count")]
        struct Sample {
            id: String,
            #[serde(rename = "type")]
            kind: u8,
            #[serde(skip)]
            hidden: u8,
        }
        assert_eq!(fields_of::<Sample>(), ["id", "type"], "as in the file");
        assert_eq!(fields_of::<u8>(), [""; 0], "no struct, no fields");
    }
}
