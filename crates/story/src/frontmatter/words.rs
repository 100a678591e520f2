//! Fields that are one of a few words; other words are kept as they are. Pure.

use serde::{Deserialize, Deserializer};

use crate::status::Status;

/// Makes an enum of words, each with the text that stands for it in a file.
macro_rules! words {
    ($(#[$about:meta])* $name:ident: $($(#[$about_variant:meta])* $variant:ident = $word:literal),+) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$about_variant])* $variant,)+
            /// A word of another tool, kept as it is.
            Other(String),
        }

        impl $name {
            /// The word in the file.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    word => Self::Other(word.to_owned()),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                String::deserialize(source).map(|word| Self::from(word.as_str()))
            }
        }
    };
}

words! {
    /// What kind of work a story is.
    #[derive(Default)]
    StoryType:
    /// Something new.
    #[default]
    Feature = "feature",
    /// Something wrong.
    Bug = "bug",
    /// Something that must be done.
    Chore = "chore",
    /// Something to find out.
    Spike = "spike"
}

words! {
    /// How much work a story is.
    Effort:
    /// Little.
    Small = "small",
    /// Some.
    Medium = "medium",
    /// Much.
    Large = "large"
}

words! {
    /// What a story changes.
    #[derive(Default)]
    ContentType:
    /// Sources.
    #[default]
    Code = "code",
    /// Settings.
    Configuration = "configuration",
    /// Texts.
    Documentation = "documentation",
    /// Several of these.
    Mixed = "mixed"
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source).map(|word| Self::from(word.as_str()))
    }
}
