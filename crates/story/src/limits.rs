//! How often a story may be tried again: the numbers of the configuration, with what the environment says. Pure.

use serde_json::Value as Json;

use crate::value::Value;

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// So many times.
    Times(u64),
    /// As often as it takes; `.inf` in a story.
    Unlimited,
}

impl Limit {
    /// Reads the value of a field: a fraction counts as its whole part, what is below 0 as 0, `.inf` has no end; `None`
    /// when it is no number.
    pub fn of_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(int) => Some(Self::Times(u64::try_from(*int).unwrap_or(if *int < 0 {
                0
            } else {
                u64::MAX
            }))),
            Value::Float(float) if float.is_nan() => None,
            Value::Float(float) if *float == f64::INFINITY => Some(Self::Unlimited),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "`as` ends at 0 and at the largest number, which is what is meant"
            )]
            Value::Float(float) => Some(Self::Times(*float as u64)),
            _ => None,
        }
    }

    /// As a story holds it.
    pub fn to_value(self) -> Value {
        match self {
            Self::Times(times) => Value::Int(times.into()),
            Self::Unlimited => Value::Float(f64::INFINITY),
        }
    }

    /// The number of times; `None` when there is no end.
    pub fn times(self) -> Option<u64> {
        match self {
            Self::Times(times) => Some(times),
            Self::Unlimited => None,
        }
    }
}

/// How often a story may be tried again, and what follows a review. The defaults are those of the reference tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How often a story may be refined: `refinement.maxIterations`, 3.
    pub refinements: Limit,
    /// How often the cycle up to a review may be started again: `reviewConfig.maxRetries`, 3.
    pub retries: Limit,
    /// The most that `retries` may be: `reviewConfig.maxRetriesUpperBound`, 10.
    pub retries_upper_bound: Limit,
    /// Whether an approval makes the story complete: `reviewConfig.autoCompleteOnApproval`, yes.
    pub auto_complete_on_approval: bool,
    /// Whether runners start again after a rejection: `reviewConfig.autoRestartOnRejection`, yes.
    pub auto_restart_on_rejection: bool,
    /// How often an implementation may be tried after the first try: `implementation.maxRetries`, 3.
    pub implementation_retries: Limit,
    /// The most that it may be, also for a single story: `implementation.maxRetriesUpperBound`, 10.
    pub implementation_retries_upper_bound: Limit,
    /// How often a story may be recovered in all: 10, which the reference tool does not let anybody configure.
    pub recoveries: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            refinements: Limit::Times(3),
            retries: Limit::Times(3),
            retries_upper_bound: Limit::Times(10),
            auto_complete_on_approval: true,
            auto_restart_on_rejection: true,
            implementation_retries: Limit::Times(3),
            implementation_retries_upper_bound: Limit::Times(10),
            recoveries: Limit::Times(10),
        }
    }
}

/// What the environment says in place of the configuration, as text; `None`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitOverrides {
    /// `AI_SDLC_MAX_RETRIES`: 0 to 10.
    pub max_retries: Option<String>,
    /// `AI_SDLC_IMPLEMENTATION_MAX_RETRIES`: 0 to 10.
    pub implementation_max_retries: Option<String>,
    /// `AI_SDLC_AUTO_COMPLETE`: true or false.
    pub auto_complete: Option<String>,
    /// `AI_SDLC_AUTO_RESTART`: true or false.
    pub auto_restart: Option<String>,
}

/// A setting that was not taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitWarning {
    /// A number below 0 counts as 0.
    #[error("{name} is {given}, which is below 0: 0 is used")]
    Negative {
        /// The setting.
        name: String,
        /// As it stands in the configuration.
        given: String,
    },
    /// A number above its upper bound counts as that.
    #[error("{name} is {given}, which is above its upper bound: {bound} is used")]
    AboveBound {
        /// The setting.
        name: String,
        /// What it says.
        given: u64,
        /// What is used.
        bound: u64,
    },
    /// Something else stands there than what belongs there.
    #[error("{name} is {given}, not {wanted}: it does not count")]
    Unusable {
        /// The setting, or the variable of the environment.
        name: String,
        /// As it stands there.
        given: String,
        /// What belongs there.
        wanted: &'static str,
    },
}

impl Limits {
    /// Reads them from the configuration, `.ai-sdlc.json`, with what the environment says in its place.
    ///
    /// What is missing or unusable is as in [`Limits::default`]; the warnings say what was not taken as it stands.
    pub fn configured(
        configuration: &Json,
        overrides: &LimitOverrides,
    ) -> (Self, Vec<LimitWarning>) {
        let mut reader = Reader {
            configuration,
            warnings: Vec::new(),
        };
        let limits = reader.limits(Self::default(), overrides);
        (limits, reader.warnings)
    }
}

/// The largest number of retries that the environment may ask for, as in the reference tool.
const MOST_FROM_ENVIRONMENT: u64 = 10;

/// A setting: the section and the key in it.
type Setting = (&'static str, &'static str);
/// A variable of the environment, and what it says.
type Variable<'a> = (&'static str, Option<&'a str>);

struct Reader<'a> {
    configuration: &'a Json,
    warnings: Vec<LimitWarning>,
}

impl Reader<'_> {
    fn limits(&mut self, default: Limits, overrides: &LimitOverrides) -> Limits {
        let retries = self.bounded(
            "reviewConfig",
            [default.retries, default.retries_upper_bound],
            ("AI_SDLC_MAX_RETRIES", overrides.max_retries.as_deref()),
        );
        let implementation = self.bounded(
            "implementation",
            [
                default.implementation_retries,
                default.implementation_retries_upper_bound,
            ],
            (
                "AI_SDLC_IMPLEMENTATION_MAX_RETRIES",
                overrides.implementation_max_retries.as_deref(),
            ),
        );
        Limits {
            refinements: self.number(("refinement", "maxIterations"), default.refinements),
            retries: retries.0,
            retries_upper_bound: retries.1,
            auto_complete_on_approval: self.switch(
                ("reviewConfig", "autoCompleteOnApproval"),
                default.auto_complete_on_approval,
                ("AI_SDLC_AUTO_COMPLETE", overrides.auto_complete.as_deref()),
            ),
            auto_restart_on_rejection: self.switch(
                ("reviewConfig", "autoRestartOnRejection"),
                default.auto_restart_on_rejection,
                ("AI_SDLC_AUTO_RESTART", overrides.auto_restart.as_deref()),
            ),
            implementation_retries: implementation.0,
            implementation_retries_upper_bound: implementation.1,
            recoveries: default.recoveries,
        }
    }

    /// The retries of a section and their upper bound. What the environment says raises the bound where it must.
    fn bounded(
        &mut self,
        section: &'static str,
        [default, default_bound]: [Limit; 2],
        variable: Variable<'_>,
    ) -> (Limit, Limit) {
        let setting = (section, "maxRetries");
        let bound = self.number((section, "maxRetriesUpperBound"), default_bound);
        if let Some(number) = self.number_of_variable(variable) {
            return (number, bound.max(number));
        }
        let number = self.number(setting, default);
        if let (Limit::Times(given), Limit::Times(most)) = (number, bound)
            && given > most
        {
            self.warnings.push(LimitWarning::AboveBound {
                name: name_of(setting),
                given,
                bound: most,
            });
        }
        (number.min(bound), bound)
    }

    fn number(&mut self, setting: Setting, default: Limit) -> Limit {
        let Some(found) = self.value(setting) else {
            return default;
        };
        let given = found.to_string();
        let Some(limit) = Limit::of_value(&Value::from_json(found)) else {
            return self.unusable(name_of(setting), given, "a number", default);
        };
        if found.as_f64().is_some_and(|number| number < 0.0) {
            self.warnings.push(LimitWarning::Negative {
                name: name_of(setting),
                given,
            });
        }
        limit
    }

    fn number_of_variable(&mut self, (name, text): Variable<'_>) -> Option<Limit> {
        let text = text?;
        match text.trim().parse() {
            Ok(number) if number <= MOST_FROM_ENVIRONMENT => Some(Limit::Times(number)),
            _ => {
                let given = format!("{text:?}");
                self.unusable(name.to_owned(), given, "a number from 0 to 10", None)
            }
        }
    }

    /// A truth value: what the environment says, else what the configuration says.
    fn switch(&mut self, setting: Setting, default: bool, (name, text): Variable<'_>) -> bool {
        match text.map(|text| (text, text.trim().to_lowercase().parse())) {
            Some((_, Ok(value))) => return value,
            Some((text, Err(_))) => {
                self.unusable(name.to_owned(), format!("{text:?}"), "true or false", ());
            }
            None => {}
        }
        match self.value(setting) {
            None => default,
            Some(Json::Bool(value)) => *value,
            Some(other) => {
                let given = other.to_string();
                self.unusable(name_of(setting), given, "true or false", default)
            }
        }
    }

    /// What the configuration says; null counts as nothing.
    fn value(&self, (section, key): Setting) -> Option<&Json> {
        let value = self.configuration.get(section)?.get(key)?;
        (!value.is_null()).then_some(value)
    }

    fn unusable<T>(&mut self, name: String, given: String, wanted: &'static str, instead: T) -> T {
        self.warnings.push(LimitWarning::Unusable {
            name,
            given,
            wanted,
        });
        instead
    }
}

fn name_of((section, key): Setting) -> String {
    format!("{section}.{key}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOTHING: LimitOverrides = LimitOverrides {
        max_retries: None,
        implementation_max_retries: None,
        auto_complete: None,
        auto_restart: None,
    };

    #[test]
    fn configured_reads_numbers_and_bounds_them() {
        // What stands under reviewConfig and under implementation, the number and the bound that count, and the warnings.
        let table = [
            (json!({}), (3, 10), 0),
            (json!({ "maxRetries": 5 }), (5, 10), 0),
            (json!({ "maxRetries": 0 }), (0, 10), 0),
            (json!({ "maxRetries": 10 }), (10, 10), 0),
            (json!({ "maxRetries": 11 }), (10, 10), 1),
            (json!({ "maxRetries": -1 }), (0, 10), 1),
            (json!({ "maxRetries": -0.5 }), (0, 10), 1),
            (json!({ "maxRetries": 2.9 }), (2, 10), 0),
            (json!({ "maxRetries": null }), (3, 10), 0),
            (json!({ "maxRetries": "5" }), (3, 10), 1),
            (
                json!({ "maxRetries": 5, "maxRetriesUpperBound": 4 }),
                (4, 4),
                1,
            ),
            (json!({ "maxRetriesUpperBound": 2 }), (2, 2), 1),
            (json!({ "maxRetriesUpperBound": -2 }), (0, 0), 2),
            (
                json!({ "maxRetries": 20, "maxRetriesUpperBound": 30 }),
                (20, 30),
                0,
            ),
            (json!([]), (3, 10), 0),
        ];
        for (section, (retries, bound), warnings) in table {
            let expected = (Limit::Times(retries), Limit::Times(bound));
            let configuration = json!({ "reviewConfig": section });
            let (limits, found) = Limits::configured(&configuration, &NOTHING);
            let numbers = (limits.retries, limits.retries_upper_bound);
            assert_eq!(numbers, expected, "the retries of {configuration}");
            assert_eq!(found.len(), warnings, "the warnings of it: {found:?}");
            let configuration = json!({ "implementation": section });
            let (limits, found) = Limits::configured(&configuration, &NOTHING);
            let numbers = (
                limits.implementation_retries,
                limits.implementation_retries_upper_bound,
            );
            assert_eq!(numbers, expected, "the retries of {configuration}");
            assert_eq!(found.len(), warnings, "the warnings of it: {found:?}");
        }
    }

    #[test]
    fn configured_is_the_default_where_nothing_is_said() {
        for configuration in [
            json!({}),
            json!(null),
            json!([1]),
            json!({ "reviewConfig": 1 }),
        ] {
            let found = Limits::configured(&configuration, &NOTHING);
            assert_eq!(found, (Limits::default(), Vec::new()), "of {configuration}");
        }
        let configuration = json!({
            "refinement": { "maxIterations": 7 },
            "reviewConfig": { "autoCompleteOnApproval": false, "autoRestartOnRejection": "no" },
        });
        let (limits, warnings) = Limits::configured(&configuration, &NOTHING);
        assert_eq!(limits.refinements, Limit::Times(7), "refinements");
        assert!(!limits.auto_complete_on_approval, "false is taken");
        assert!(limits.auto_restart_on_rejection, "a text is not");
        assert_eq!(
            warnings[0].to_string(),
            "reviewConfig.autoRestartOnRejection is \"no\", not true or false: it does not count",
            "it is said"
        );
    }

    #[test]
    fn environment_comes_before_the_configuration_if_it_makes_sense() {
        let configuration = json!({
            "reviewConfig": { "maxRetries": 2, "maxRetriesUpperBound": 4, "autoCompleteOnApproval": false },
        });
        let table = [
            ("0", 0, 4, 0),
            ("7", 7, 7, 0),
            ("10", 10, 10, 0),
            ("11", 2, 4, 1),
            ("-1", 2, 4, 1),
            ("many", 2, 4, 1),
        ];
        for (text, retries, bound, warnings) in table {
            let overrides = LimitOverrides {
                max_retries: Some(text.to_owned()),
                ..NOTHING
            };
            let (limits, found) = Limits::configured(&configuration, &overrides);
            assert_eq!(limits.retries, Limit::Times(retries), "retries of {text}");
            assert_eq!(
                limits.retries_upper_bound,
                Limit::Times(bound),
                "bound of {text}"
            );
            assert_eq!(found.len(), warnings, "warnings of {text}: {found:?}");
        }
        for (text, expected, warnings) in [("true", true, 0), ("FALSE", false, 0), ("1", false, 1)]
        {
            let overrides = LimitOverrides {
                auto_complete: Some(text.to_owned()),
                ..NOTHING
            };
            let (limits, found) = Limits::configured(&configuration, &overrides);
            assert_eq!(limits.auto_complete_on_approval, expected, "of {text}");
            assert_eq!(found.len(), warnings, "warnings of {text}: {found:?}");
        }
    }

    #[test]
    fn limit_is_read_from_every_number() {
        let table = [
            (Value::Int(0), Some(Limit::Times(0))),
            (Value::Int(-3), Some(Limit::Times(0))),
            (Value::Int(i128::MAX), Some(Limit::Times(u64::MAX))),
            (Value::Float(2.9), Some(Limit::Times(2))),
            (Value::Float(-0.1), Some(Limit::Times(0))),
            (Value::Float(f64::INFINITY), Some(Limit::Unlimited)),
            (Value::Float(f64::NEG_INFINITY), Some(Limit::Times(0))),
            (Value::Float(f64::NAN), None),
            (Value::Null, None),
            ("3".into(), None),
        ];
        for (value, expected) in table {
            assert_eq!(Limit::of_value(&value), expected, "the limit {value:?}");
        }
        for limit in [Limit::Times(0), Limit::Times(u64::MAX), Limit::Unlimited] {
            let back = Limit::of_value(&limit.to_value());
            assert_eq!(back, Some(limit), "{limit:?} comes back");
        }
        assert!(
            Limit::Times(u64::MAX) < Limit::Unlimited,
            "no number is as much"
        );
    }
}
