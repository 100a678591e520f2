//! Words of a command line as JSON: readable, and without loss also where they are not UTF-8. Pure.

use std::ffi::{OsStr, OsString};

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    /// Serde's own form of a system's text: `{"Unix":[…]}`, `{"Windows":[…]}`.
    Units(OsString),
}

impl From<&OsStr> for Word {
    fn from(word: &OsStr) -> Self {
        match word.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Units(word.to_owned()),
        }
    }
}

impl From<Word> for OsString {
    fn from(word: Word) -> Self {
        match word {
            Word::Text(text) => text.into(),
            Word::Units(units) => units,
        }
    }
}

pub(super) fn word_to_json(word: &OsStr) -> serde_json::Result<String> {
    serde_json::to_string(&Word::from(word))
}

pub(super) fn word_from_json(json: &str) -> serde_json::Result<OsString> {
    serde_json::from_str::<Word>(json).map(OsString::from)
}

pub(super) fn words_to_json(words: &[OsString]) -> serde_json::Result<String> {
    let words: Vec<Word> = words.iter().map(|word| Word::from(&**word)).collect();
    serde_json::to_string(&words)
}

pub(super) fn words_from_json(json: &str) -> serde_json::Result<Vec<OsString>> {
    let words: Vec<Word> = serde_json::from_str(json)?;
    Ok(words.into_iter().map(OsString::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_can_be_read_where_they_are_text() {
        let words: Vec<OsString> = ["sh", "-c", "", "a \"b\"\n", "ü\u{1f980}"]
            .map(OsString::from)
            .to_vec();
        let json = words_to_json(&words).expect("texts are JSON");
        assert_eq!(
            json, "[\"sh\",\"-c\",\"\",\"a \\\"b\\\"\\n\",\"ü\u{1f980}\"]",
            "a person can read it"
        );
        assert_eq!(
            words_from_json(&json).expect("it is JSON"),
            words,
            "nothing was lost"
        );
        assert!(words_from_json("[1]").is_err(), "a number is no word");
    }

    #[cfg(unix)]
    #[test]
    fn words_that_are_not_utf_8_come_back() {
        use std::os::unix::ffi::OsStringExt as _;
        let all: Vec<u8> = (1..=255).collect();
        let words = vec![OsString::from_vec(all), OsString::from("text")];
        let json = words_to_json(&words).expect("bytes are JSON");
        assert_eq!(
            words_from_json(&json).expect("it is JSON"),
            words,
            "no byte was lost"
        );
        let json = word_to_json(&words[0]).expect("bytes are JSON");
        assert_eq!(
            word_from_json(&json).expect("it is JSON"),
            words[0],
            "nor of one alone"
        );
    }
}
