//! Reading what other tools write: null for "not there", numbers for texts, moments of any form. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::moment::Moment;

/// Null means the default.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Members of an object; null means none, and of a member the default.
pub(super) fn members<'de, T, D>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    let members: Option<BTreeMap<String, Option<T>>> = Option::deserialize(deserializer)?;
    let members = members.unwrap_or_default().into_iter();
    Ok(members
        .map(|(name, value)| (name, value.unwrap_or_default()))
        .collect())
}

/// What a scalar says; of a list or an object nothing, for it is no text.
struct Scalar(Option<String>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(Some(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar(Some(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(Some(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(Some(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(Some(number.to_string())))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar(Some(truth.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }
}

/// A text, or the text of another scalar; an empty one means "not there".
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// The id of a task: a text, or a number as some tools give them.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = text(deserializer)?;
    id.ok_or_else(|| serde::de::Error::custom("a text that is not empty is expected"))
}

/// Texts; null means none.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts: Option<Vec<Scalar>> = Option::deserialize(deserializer)?;
    let texts = texts.unwrap_or_default().into_iter();
    Ok(texts.filter_map(|Scalar(text)| text).collect())
}

/// An instant as text or as milliseconds since 1970; anything else is no moment that could be compared.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Moment>, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    Ok(text.and_then(|text| match text.parse() {
        Ok(milliseconds) => Moment::from_milliseconds(milliseconds),
        Err(_) => Moment::parse(&text),
    }))
}
