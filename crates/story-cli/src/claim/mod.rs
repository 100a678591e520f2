//! `story claim`, `renew`, `release`: how workers share out stories.

mod copies;
mod dependencies;
mod next;

use std::path::Path;

use serde_json::{Map, Value};
use story::board::Filter;
use story::claim::{self, Claim, Claimed, Holder, Owner, Takes, Terms, Token};

use crate::args::claim::{ClaimArgs, ClaimVerb, ReleaseArgs, RenewArgs};
use crate::contract::{Dates, change, tell};
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::Done;

// The time is asked for under the lock: the wait for it must neither shorten a lease nor have a claim look live that has
// ended meanwhile.

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &ClaimVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        ClaimVerb::Claim(args) => claim(args, settings, output),
        ClaimVerb::Renew(args) => renew(args, settings, output),
        ClaimVerb::Release(args) => release(args, settings, output),
    }
    .map(|()| 0)
}

fn claim(args: &ClaimArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let terms = Terms {
        owner: owner(settings)?,
        lease: args.lease,
        token: fresh_token()?,
        takes: match (&args.story, args.resume) {
            (Some(_), _) => Takes::ReadyOrInProgress,
            (None, true) => Takes::ReadyOrAbandoned,
            (None, false) => Takes::Ready,
        },
    };
    let (claimed, done) = if let Some(story) = &args.story {
        let target = Target::of_story(story, settings)?;
        claim_one(&target, &terms, settings, output)?
    } else {
        let wanted = Filter {
            labels: args.labels.clone(),
            epic: args.epic.clone(),
            ..Filter::default()
        };
        next::claim(&terms, &wanted, settings, output)?
    };
    tell_claimed(&claimed, &done, settings, output)
}

fn claim_one(
    target: &Target,
    terms: &Terms,
    settings: &Settings,
    output: &Output,
) -> Result<(Claimed, Done), Failure> {
    // No row of the contract, and no progress of the story either: a claim does not set `updated`.
    change(
        target,
        "story claim",
        Dates::Nothing,
        settings,
        output,
        |story| {
            copies::check(target, terms, settings)?;
            claim::claim(story, terms, settings.moment(), |id| {
                dependencies::why_open(id, settings)
            })
        },
    )
    .map_err(|failure| failure.about("claim", target))
}

fn tell_claimed(
    claimed: &Claimed,
    done: &Done,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(earlier) = &claimed.took_over {
        let ended = earlier.until.map(story::Moment::stamp).unwrap_or_default();
        output.warning(&format!(
            "took over the claim of {:?}, which ended at {ended}",
            earlier.owner
        ));
    }
    let mut members = members(&claimed.claim);
    if let Some(earlier) = &claimed.took_over {
        members.insert("took_over_claim".to_owned(), self::members(earlier).into());
    }
    if !output.is_json() {
        let told = output.line(None, &name_to_say(&done.target, settings));
        told.map_err(|unwritten| done.unreported(unwritten))?;
    }
    tell(done, members, output)
}

/// By what the story is found again: its id, or its path where the id leads elsewhere.
fn name_to_say(target: &Target, settings: &Settings) -> String {
    let by_id = target.id.as_ref().filter(|id| {
        Target::of_story(Path::new(id), settings)
            .is_ok_and(|found| found.absolute() == target.absolute())
    });
    match by_id {
        Some(id) => id.clone(),
        None => target.path.display().to_string(),
    }
}

fn renew(args: &RenewArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let owner = claimant(settings)?;
    let holder = holder(owner.as_ref(), args.token.as_deref())?;
    let target = Target::of_story(&args.story, settings)?;
    let target = copies::of_holder(target, &holder, settings);
    let (renewed, done) = change(
        &target,
        "story renew",
        Dates::Nothing,
        settings,
        output,
        |story| claim::renew(story, &holder, args.lease, settings.moment()),
    )
    .map_err(|failure| failure.about("renew the claim of", &target))?;
    let mut members = members(&renewed.claim);
    if let Some(at) = renewed.expired_at {
        let at = at.stamp();
        output.warning(&format!(
            "the claim had expired at {at}; nobody had taken it"
        ));
        members.insert("expired_at".to_owned(), at.into());
    }
    tell(&done, members, output)
}

fn release(args: &ReleaseArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let owner = claimant(settings)?;
    let holder = holder(owner.as_ref(), args.token.as_deref())?;
    let target = Target::of_story(&args.story, settings)?;
    let target = copies::of_holder(target, &holder, settings);
    let (released, done) = change(
        &target,
        "story release",
        Dates::Nothing,
        settings,
        output,
        |story| claim::release(story, &holder),
    )
    .map_err(|failure| failure.about("release the claim of", &target))?;
    let mut members = Map::new();
    members.insert("released_claim".to_owned(), self::members(&released).into());
    tell(&done, members, output)
}

/// A claim in JSON, by the names that its keys have in the story.
fn members(claim: &Claim) -> Map<String, Value> {
    let until = claim.until.map(story::Moment::stamp);
    let values: [Value; 3] = [
        claim.owner.clone().into(),
        until.into(),
        claim.token.clone().into(),
    ];
    claim::KEYS
        .map(str::to_owned)
        .into_iter()
        .zip(values)
        .collect()
}

fn owner(settings: &Settings) -> Result<Owner, Failure> {
    claimant(settings)?.ok_or_else(|| {
        Failure::usage("a claim needs a name").hint("say --as NAME, or set STORY_AGENT")
    })
}

fn claimant(settings: &Settings) -> Result<Option<Owner>, Failure> {
    let name = settings.claimant.as_deref();
    name.map(Owner::new).transpose().map_err(|err| {
        Failure::usage(format!("{:?} cannot claim", name.unwrap_or_default())).with_chain(&err)
    })
}

fn holder<'a>(owner: Option<&'a Owner>, token: Option<&'a str>) -> Result<Holder<'a>, Failure> {
    if owner.is_none() && token.is_none() {
        return Err(Failure::usage("whose claim is not said")
            .hint("say --as NAME or --token TOKEN, or set STORY_AGENT"));
    }
    Ok(Holder {
        owner: owner.map(AsRef::as_ref),
        token,
    })
}

fn fresh_token() -> Result<Token, Failure> {
    let mut random = [0; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => Ok(Token::new(random)),
        Err(err) => {
            Err(Failure::new(Code::Io, "cannot make a claim's token").cause(err.to_string()))
        }
    }
}
