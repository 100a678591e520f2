//! The page that shows what was measured: tables between the markers of a page, plots beside it.

mod contention;
mod goals;
mod plots;
mod svg;
mod table;
mod tables;

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::results::{Results, put};

const BEGIN: &str = "<!-- Made by `story-bench report` from results.json: do not edit. -->\n";
const END: &str = "<!-- End of what is made. -->\n";

/// Puts tables into `page`, and plots into the folder of the same name beside it.
pub fn write(results: &Path, page: &Path) -> Result<(), Box<dyn Error>> {
    let results = Results::load(results)?;
    let folder = page.with_extension("");
    fs::create_dir_all(&folder)?;
    for (name, plot) in plots::all(&results) {
        put(&folder.join(name), &plot)?;
    }
    let text = fs::read_to_string(page)?;
    put(page, &filled(&text, &results)?)
}

/// The page with what is made of the results between its markers.
fn filled(page: &str, results: &Results) -> Result<String, &'static str> {
    let (before, rest) = page
        .split_once(BEGIN)
        .ok_or("the page has no first marker")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no last marker")?;
    let made = tables::all(results);
    Ok(format!("{before}{BEGIN}\n{made}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_shows_exactly_what_was_measured() {
        let docs = testkit::workspace().join("docs");
        let (results, page) = (
            docs.join("benchmarks/results.json"),
            docs.join("benchmarks.md"),
        );
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            write(&results, &page).unwrap();
        }
        let results = Results::load(&results).unwrap();
        let text = fs::read_to_string(&page).unwrap();
        let made = filled(&text, &results).unwrap();
        assert!(
            made == text,
            "docs/benchmarks.md is not of results.json; UPDATE_EXPECT=1 rewrites it"
        );
        for (name, plot) in plots::all(&results) {
            let there = fs::read_to_string(docs.join("benchmarks").join(&name)).unwrap();
            assert!(
                there == plot,
                "docs/benchmarks/{name} is not of results.json; UPDATE_EXPECT=1 rewrites it"
            );
        }
    }

    #[test]
    fn text_outside_the_markers_stays() {
        let page = format!("above\n{BEGIN}old\n{END}below\n");
        let made = filled(&page, &Results::default()).unwrap();
        assert!(
            made.starts_with("above\n") && made.ends_with("below\n"),
            "it is somebody's work"
        );
        assert!(!made.contains("old\n"), "what was made before is replaced");
        assert!(
            filled("no markers", &Results::default()).is_err(),
            "nothing is guessed"
        );
    }
}
