//! Where one request ends and the next begins: one JSON object a line, or one over several lines.

use std::io::{self, BufRead};

use serde_json::{Map, Value};

use super::{check_size, read_line};

/// The text of one request, and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its JSON, or what stands in its place.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// The requests of an input, as they arrive.
pub struct Requests {
    input: Box<dyn BufRead>,
    line: usize,
    waiting: Option<Entry>,
}

impl Requests {
    /// Reads from `input`; nothing is read before the first request is asked for.
    pub fn new(input: Box<dyn BufRead>) -> Self {
        Self {
            input,
            line: 0,
            waiting: None,
        }
    }

    fn next_line(&mut self) -> io::Result<Option<Entry>> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(Some(waiting));
        }
        loop {
            let text = read_line(self.input.as_mut())?;
            if text.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if !text.trim().is_empty() {
                let line = self.line;
                return Ok(Some(Entry { text, line }));
            }
        }
    }

    fn next_request(&mut self) -> io::Result<Option<Entry>> {
        let Some(mut entry) = self.next_line()? else {
            return Ok(None);
        };
        let mut open = open_brackets(&entry.text);
        while open > 0 {
            let Some(next) = self.next_line()? else {
                break;
            };
            // A line that was cut off must not swallow the sound one behind it.
            if is_request(&next.text) {
                self.waiting = Some(next);
                break;
            }
            open += open_brackets(&next.text);
            entry.text.push_str(&next.text);
            check_size(entry.text.len())?;
        }
        Ok(Some(entry))
    }
}

impl Iterator for Requests {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_request().transpose()
    }
}

/// How many more brackets and braces a line opens than it closes. A text never goes on over a line end in JSON.
fn open_brackets(line: &str) -> i64 {
    let mut open = 0;
    let mut in_text = false;
    let mut is_escaped = false;
    for byte in line.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => open += 1,
            b'}' | b']' if !in_text => open -= 1,
            _ => {}
        }
    }
    open
}

fn is_request(line: &str) -> bool {
    line.trim_start().starts_with('{')
        && serde_json::from_str::<Map<String, Value>>(line)
            .is_ok_and(|object| object.contains_key("story"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(text: &'static str) -> Vec<(usize, &'static str)> {
        Requests::new(Box::new(text.as_bytes()))
            .map(|entry| {
                let entry = entry.expect("a text in memory can be read");
                let at = text
                    .find(&entry.text)
                    .expect("an entry is a part of the input");
                (entry.line, text[at..at + entry.text.len()].trim_end())
            })
            .collect()
    }

    #[test]
    fn requests_are_lines_or_an_object_over_several() {
        let table: [(&str, &[(usize, &str)]); 6] = [
            ("", &[]),
            (
                "{\"a\":1}\n\n{\"b\":2}",
                &[(1, "{\"a\":1}"), (3, "{\"b\":2}")],
            ),
            ("{\n  \"a\": [\n1]\n}\n", &[(1, "{\n  \"a\": [\n1]\n}")]),
            (
                "nonsense\n{\"b\":2}\n",
                &[(1, "nonsense"), (2, "{\"b\":2}")],
            ),
            (
                "{\"story\":\"x\",\"set\":{\n{\"story\":\"y\"}\n",
                &[(1, "{\"story\":\"x\",\"set\":{"), (2, "{\"story\":\"y\"}")],
            ),
            (
                "{\"a\":\"}\\\"{\"}\n[]\n",
                &[(1, "{\"a\":\"}\\\"{\"}"), (2, "[]")],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(requests(text), expected, "the requests in {text:?}");
        }
    }

    /// The same line for ever.
    struct Endless {
        line: Vec<u8>,
        at: usize,
    }

    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let rest = &self.line[self.at..];
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            self.at = (self.at + count) % self.line.len();
            Ok(count)
        }
    }

    #[test]
    fn request_that_never_closes_its_brackets_is_an_error_at_the_limit() {
        let mut line = vec![b' '; 4 << 20];
        line[0] = b'[';
        line.push(b'\n');
        let endless = io::BufReader::new(Endless { line, at: 0 });
        let mut requests = Requests::new(Box::new(endless));
        let error = requests
            .next()
            .expect("there is input")
            .expect_err("too long");
        assert!(
            error.to_string().contains("a request is longer than"),
            "it ends, and says why: {error}"
        );
    }
}
