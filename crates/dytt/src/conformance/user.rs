//! Registration, login and profiles.

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::ask::Pairs;
use super::object::{self, USER};
use super::seen::Seen;
use super::stage::{NOBODY, Stage};
use super::trouble::Checked;
use super::{Rule, must, should};

/// How many try to get one name at once.
const RUSH: usize = 6;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("user.register-logs-in", "the demo suite")
            .says("Registration gives a user_id and a token that is good at once.", |w| register(w).boxed()),
        must("user.taken-name-has-token-field", "the demo suite, which then logs in")
            .says("Registration of a taken name fails with user_id 0 and token \"\".", |w| taken(w).boxed()),
        should("user.one-name-one-account")
            .says("Of several who register one name at once exactly one gets it.", |w| rush(w).boxed()),
        should("user.register-needs-both")
            .says("Registration without a name or without a password is refused.", |w| needs_both(w).boxed()),
        must("user.long-names", "GuGoTik's and Toktik's suites")
            .says("A name may have 39 characters.", |w| long_names(w).boxed()),
        should("user.short-password")
            .says("A new password of fewer than 6 characters is refused, one of 32 is taken.", |w| {
                passwords(w).boxed()
            }),
        must("user.login", "the demo suite")
            .says("Login gives the same user_id, and a token that is good.", |w| login(w).boxed()),
        must("user.logins-stay", "suites, which log in again and again")
            .says("A later login leaves an earlier one good.", |w| logins_stay(w).boxed()),
        should("user.failed-login-has-token-field")
            .says("A failed login has user_id 0 and token \"\".", |w| failed_login(w).boxed()),
        should("user.wrong-is-as-unknown")
            .says("A wrong password and an unknown name get the same answer.", |w| {
                wrong_as_unknown(w).boxed()
            }),
        should("user.login-takes-any-length")
            .says("A short password at login is only wrong.", |w| short_at_login(w).boxed()),
        must("user.fields", "Toktik's suite; the app's profile page")
            .says("A profile has every field, also of somebody who did nothing yet.", |w| fields(w).boxed()),
        must("user.own-without-id", "the demo suite")
            .says("A profile without user_id is the caller's.", |w| own(w, &[]).boxed()),
        should("user.id-0-is-own")
            .says("A user_id of 0, or an empty one, is the caller's too.", |w| own_by_zero(w).boxed()),
        must("user.by-id", "the app")
            .says("A profile is that of the one asked for, with the name they registered.", |w| {
                by_id(w).boxed()
            }),
        should("user.does-not-follow-self")
            .says("Nobody's own profile has is_follow.", |w| not_own_follower(w).boxed()),
        should("user.unknown").says("The profile of nobody is refused.", |w| unknown(w).boxed()),
    ]
}

async fn register(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let answer = w.post("user/register", &[("username", &name), ("password", &w.password())]).await?;
    good(w, answer.success()?).await
}

/// Whether an answer has a token with which its user is seen.
async fn good(w: &Stage, answer: Seen) -> Checked {
    let (id, token) = (answer.number("user_id"), answer.text("token"));
    answer.want(id > 0 && !token.is_empty(), "a user_id above 0 and a token")?;
    let seen = w.get("user", &[("token", &token), ("user_id", &id)]).await?.success()?;
    seen.part("user").is("id", id)
}

async fn taken(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    has_no_token(w.post("user/register", &[("username", &ann.name), ("password", &"another one")]).await?)
}

fn has_no_token(seen: Seen) -> Checked {
    let seen = seen.refused()?;
    seen.want(seen.value["token"] == "" && seen.value["user_id"] == 0, "\"user_id\":0 and \"token\":\"\"")
}

async fn rush(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let pairs: Pairs<'_> = &[("username", &name), ("password", &w.password())];
    let answers = join_all((0..RUSH).map(|_| w.post("user/register", pairs))).await;
    let answers = answers.into_iter().collect::<Checked<Vec<_>>>()?;
    let taken = answers.iter().filter(|answer| answer.number("user_id") > 0).count();
    match answers.last() {
        Some(last) if taken != 1 => {
            Err(last.wrong(format_args!("{taken} of {RUSH} at once got the name"), "1 of them"))
        }
        _ => Ok(()),
    }
}

async fn needs_both(w: &Stage) -> Checked {
    w.post("user/register", &[("username", &w.fresh_name())]).await?.refused()?;
    w.post("user/register", &[("password", &w.password())]).await?.refused().map(|_| ())
}

async fn long_names(w: &Stage) -> Checked {
    let name = format!("{:x<39}", w.fresh_name());
    let answer = w.post("user/register", &[("username", &name), ("password", &w.password())]).await?;
    answer.success().map(|_| ())
}

async fn passwords(w: &Stage) -> Checked {
    w.post("user/register", &[("username", &w.fresh_name()), ("password", &"12345")]).await?.refused()?;
    let long = "p".repeat(32);
    w.post("user/register", &[("username", &w.fresh_name()), ("password", &long)]).await?.success()?;
    Ok(())
}

async fn login(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let answer = w.post("user/login", &[("username", &ann.name), ("password", &w.password())]).await?;
    let answer = answer.success()?;
    answer.is("user_id", ann.id)?;
    good(w, answer).await
}

async fn logins_stay(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    for _ in 0..2 {
        w.post("user/login", &[("username", &ann.name), ("password", &w.password())]).await?.success()?;
    }
    ann.profile(ann.id).await?.is("id", ann.id)
}

async fn failed_login(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    has_no_token(w.post("user/login", &[("username", &ann.name), ("password", &"not-the-password")]).await?)
}

async fn wrong_as_unknown(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let login = async |name: String| {
        w.post("user/login", &[("username", &name), ("password", &"not-the-password")]).await?.refused()
    };
    let (wrong, unknown) = (login(ann.name.clone()).await?, login(w.fresh_name()).await?);
    unknown.want(
        wrong.code() == unknown.code() && wrong.text("status_msg") == unknown.text("status_msg"),
        format_args!("the answer to a wrong password: {}", wrong.brief()),
    )
}

async fn short_at_login(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let login = async |password: &str| {
        w.post("user/login", &[("username", &ann.name), ("password", &password)]).await?.refused()
    };
    let (short, wrong) = (login("x").await?, login("not-the-password").await?);
    short.is("status_code", wrong.number("status_code"))
}

async fn fields(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    object::has(&ann.profile(ann.id).await?, USER)
}

async fn own(w: &Stage, pairs: Pairs<'_>) -> Checked {
    let [ann] = w.people().await?;
    ann.get("user", pairs).await?.success()?.part("user").is("id", ann.id)
}

async fn own_by_zero(w: &Stage) -> Checked {
    own(w, &[("user_id", &0)]).await?;
    own(w, &[("user_id", &"")]).await
}

async fn by_id(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let seen = ann.profile(bob.id).await?;
    seen.is("id", bob.id)?;
    seen.is("name", bob.name)
}

async fn not_own_follower(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.profile(ann.id).await?.is("is_follow", false)
}

async fn unknown(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.get("user", &[("user_id", &NOBODY)]).await?.refused()?;
    Ok(())
}
