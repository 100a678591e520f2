//! What metrics say otherwise than they must. Pure.

use super::metrics::{AgentMetrics, Claim, Counter, Metrics};

/// Something that the metrics say otherwise than the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub(super) place: Place,
    /// Where, such as `agents.ann.claimed`, or `claims` for one claim.
    pub what: String,
    /// What the histories of the tasks say; empty: nothing.
    pub expected: String,
    /// What the metrics say; empty: nothing.
    pub found: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Counter { agent: String, counter: Counter },
    Claim,
}

/// What metrics that were found say otherwise than those that are expected. The order of claims does not matter.
pub(super) fn differences(expected: &Metrics, found: &Metrics) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut agents: Vec<&String> = expected.agents.keys().chain(found.agents.keys()).collect();
    agents.sort();
    agents.dedup();
    let none = AgentMetrics::default();
    for agent in agents {
        let of = |metrics: &Metrics, counter: Counter| {
            counter.of(metrics.agents.get(agent).unwrap_or(&none))
        };
        for counter in Counter::ALL {
            let (expected, found) = (of(expected, counter), of(found, counter));
            if expected != found {
                differences.push(Difference {
                    place: Place::Counter {
                        agent: agent.clone(),
                        counter,
                    },
                    what: format!("agents.{agent}.{}", counter.as_str()),
                    expected: expected.to_string(),
                    found: found.to_string(),
                });
            }
        }
    }
    differences.extend(claims(expected, found));
    differences
}

fn claims(expected: &Metrics, found: &Metrics) -> Vec<Difference> {
    let sorted = |metrics: &Metrics| {
        let mut claims = metrics.claims.clone();
        claims.sort();
        claims
    };
    let (mut expected, mut found) = (
        sorted(expected).into_iter().peekable(),
        sorted(found).into_iter().peekable(),
    );
    let mut differences = Vec::new();
    loop {
        let (wanted, there) = match (expected.peek(), found.peek()) {
            (None, None) => return differences,
            (Some(a), Some(b)) if a == b => {
                expected.next();
                found.next();
                continue;
            }
            (Some(a), Some(b)) if a > b => (None, found.next()),
            (None, Some(_)) => (None, found.next()),
            (Some(_), _) => (expected.next(), None),
        };
        let told = |claim: Option<Claim>| claim.as_ref().map(told).unwrap_or_default();
        differences.push(Difference {
            place: Place::Claim,
            what: "claims".to_owned(),
            expected: told(wanted),
            found: told(there),
        });
    }
}

fn told(claim: &Claim) -> String {
    serde_json::to_string(claim).expect("texts and moments are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_whatever_the_order_of_the_claims() {
        let metrics = |claims: &str| {
            let text = format!(r#"{{"claims": [{claims}]}}"#);
            Metrics::parse(&text).unwrap_or_else(|err| panic!("{text}: {err}"))
        };
        let (a, b) = (r#"{"task":"a","agent":"x"}"#, r#"{"task":"b","agent":"x"}"#);
        let (ab, ba) = (format!("{a},{b}"), format!("{b},{a}"));
        let (aab, none) = (format!("{a},{ab}"), String::new());
        let table = [
            (&ab, &ba, vec![]),
            (&ab, &none, vec![(a, ""), (b, "")]),
            (&none, &ab, vec![("", a), ("", b)]),
            (&ab, &aab, vec![("", a)]),
            (&aab, &ba, vec![(a, "")]),
        ];
        for (expected, found, differ) in table {
            let told = differences(&metrics(expected), &metrics(found));
            let told: Vec<_> = told
                .iter()
                .map(|it| (it.expected.as_str(), it.found.as_str()))
                .collect();
            assert_eq!(told, differ, "{expected} against {found}");
        }
    }
}
