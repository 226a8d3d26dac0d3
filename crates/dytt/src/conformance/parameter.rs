//! Where parameters may stand and how they may be spelled.

use futures_util::FutureExt;
use reqwest::Method;

use super::ask::Pairs;
use super::stage::{Stage, path};
use super::trouble::Checked;
use super::{Rule, must, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("parameter.post-by-query", "the app, GuGoTik's suite and k6's scripts")
            .says("A POST may have all in its query, without body and Content-Type.", |w| {
                by_query(w).boxed()
            }),
        should("parameter.post-by-form")
            .says("A POST may have all in a form, application/x-www-form-urlencoded.", |w| {
                by_form(w).boxed()
            }),
        must("parameter.post-by-multipart", "recorded sessions of Insomnia and Postman")
            .says("A POST may have all in multipart fields.", |w| by_multipart(w).boxed()),
        must("parameter.post-by-both", "the demo suite")
            .says("A POST may have the same in query and form.", |w| by_both(w).boxed()),
        should("parameter.query-before-form")
            .says("What differs in query and form is taken from the query.", |w| query_first(w).boxed()),
        should("parameter.empty-is-none")
            .says("A parameter that is empty in the query is taken from the form.", |w| {
                empty_is_none(w).boxed()
            }),
        must("parameter.get-with-form", "the demo suite")
            .says("A GET may have a form in its body.", |w| get_with_form(w).boxed()),
        should("parameter.get-by-form-alone")
            .says("A GET's parameters may stand in that form alone.", |w| get_by_form(w).boxed()),
        must("parameter.repeated", "the demo suite")
            .says("A parameter may come twice.", |w| repeated(w).boxed()),
        should("parameter.first-counts")
            .says("Of a parameter that comes twice the first counts.", |w| first_counts(w).boxed()),
        should("parameter.bearer")
            .says("The token may stand in a header: Authorization: Bearer.", |w| bearer(w).boxed()),
        must("parameter.unknown", "GuGoTik's suite")
            .says("Parameters nobody knows are ignored.", |w| unknown(w).boxed()),
        must("parameter.token-alone-says-who", "everybody: else anyone acts in anyone's name")
            .says("Who acts is said by the token, whatever user_id or actor_id say.", |w| {
                token_alone(w).boxed()
            }),
        must("parameter.ids-as-floats", "the demo suite and Toktik's, which keep ids in floats")
            .says("An id may be spelled as a float: 12.0, 1.2e+01.", |w| ids_as_floats(w).boxed()),
        should("parameter.plus-as-space")
            .says("In such an id a plus sign that nobody encoded is still one.", |w| {
                plus_as_space(w).boxed()
            }),
        should("parameter.bad-id")
            .says("An id that is negative or no number is refused.", |w| bad_id(w).boxed()),
        must("parameter.utf-8", "everybody who does not write English")
            .says("Texts come back as they were written.", |w| utf_8(w).boxed()),
        should("parameter.characters")
            .says("Lengths are counted in characters, not in bytes.", |w| characters(w).boxed()),
    ]
}

/// Registers somebody the way `asked` does it, and looks whether they can log in.
async fn registers(w: &Stage, asked: super::ask::Ask<'_>, name: &str) -> Checked {
    asked.send().await?.success()?;
    w.post("user/login", &[("username", &name), ("password", &w.password())]).await?.success()?;
    Ok(())
}

async fn by_query(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let ask = w.ask(Method::POST, &path("user/register"));
    registers(w, ask.query(&[("username", &name), ("password", &w.password())]), &name).await
}

async fn by_form(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let ask = w.ask(Method::POST, &path("user/register"));
    registers(w, ask.form(&[("username", &name), ("password", &w.password())]), &name).await
}

async fn by_multipart(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let ask = w.ask(Method::POST, &path("user/register"));
    registers(w, ask.field("username", &name).field("password", w.password()), &name).await
}

async fn by_both(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let pairs: Pairs<'_> = &[("username", &name), ("password", &w.password())];
    registers(w, w.ask(Method::POST, &path("user/register")).query(pairs).form(pairs), &name).await
}

async fn query_first(w: &Stage) -> Checked {
    let (name, other) = (w.fresh_name(), w.fresh_name());
    let ask = w.ask(Method::POST, &path("user/register")).query(&[("username", &name)]);
    registers(w, ask.form(&[("username", &other), ("password", &w.password())]), &name).await
}

async fn empty_is_none(w: &Stage) -> Checked {
    let name = w.fresh_name();
    let ask = w.ask(Method::POST, &path("user/register")).query(&[("username", &"")]);
    registers(w, ask.form(&[("username", &name), ("password", &w.password())]), &name).await
}

async fn get_with_form(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let pairs: Pairs<'_> = &[("token", &ann.token), ("user_id", &ann.id)];
    // More than once: a body that is not read spoils what follows it on the connection.
    for _ in 0..3 {
        let seen = w.ask(Method::GET, &path("user")).query(pairs).form(pairs).send().await?.success()?;
        seen.part("user").is("id", ann.id)?;
    }
    Ok(())
}

async fn get_by_form(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let seen = w.ask(Method::GET, &path("user")).form(&[("token", &ann.token)]).send().await?.success()?;
    seen.part("user").is("id", ann.id)
}

async fn repeated(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let pairs: Pairs<'_> =
        &[("to_user_id", &bob.id), ("action_type", &1), ("content", &"hello"), ("content", &"hello")];
    ann.post("message/action", pairs).await?.success()?;
    bob.chat(ann.id, 0).await?.first("message_list")?.is("content", "hello")
}

async fn first_counts(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let pairs: Pairs<'_> =
        &[("content", &"first"), ("to_user_id", &bob.id), ("action_type", &1), ("content", &"second")];
    ann.post("message/action", pairs).await?.success()?;
    bob.chat(ann.id, 0).await?.first("message_list")?.is("content", "first")
}

async fn bearer(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = w.ask(Method::GET, &path("user")).header("authorization", format!("Bearer {}", ann.token));
    ask.send().await?.success()?.part("user").is("id", ann.id)
}

async fn unknown(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let pairs: Pairs<'_> = &[("user_id", &ann.id), ("actor_id", &1), ("x", &"y")];
    ann.get("user", pairs).await?.success()?.part("user").is("id", ann.id)
}

async fn token_alone(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    let forged: Pairs<'_> = &[("user_id", &ann.id), ("actor_id", &ann.id), ("from_user_id", &ann.id)];
    let ask = |route| w.ask(Method::POST, &path(route)).query(forged).query(&[("token", &bob.token)]);
    ask("relation/action").query(&[("to_user_id", &cat.id), ("action_type", &1)]).send().await?.success()?;
    let message: Pairs<'_> = &[("to_user_id", &cat.id), ("action_type", &1), ("content", &"from bob")];
    ask("message/action").query(message).send().await?.success()?;
    ann.profile(ann.id).await?.is("follow_count", 0)?;
    bob.profile(bob.id).await?.is("follow_count", 1)?;
    let written = cat.chat(ann.id, 0).await?;
    written.want(written.list("message_list").is_empty(), "no message of somebody who wrote none")
}

/// The spelling Go's `fmt` gives a large float.
fn as_float(id: i64) -> String {
    let digits = id.to_string();
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    format!("{first}{}{rest}e+{:02}", if rest.is_empty() { "" } else { "." }, digits.len() - 1)
}

async fn ids_as_floats(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    for spelled in [as_float(bob.id), format!("{}.0", bob.id)] {
        ann.get("user", &[("user_id", &spelled)]).await?.success()?.part("user").is("id", bob.id)?;
    }
    Ok(())
}

async fn plus_as_space(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let spelled = as_float(bob.id).replace('+', " ");
    ann.get("user", &[("user_id", &spelled)]).await?.success()?.part("user").is("id", bob.id)
}

async fn bad_id(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    for spelled in ["-1", "x", "1.5", "99999999999999999999"] {
        ann.get("user", &[("user_id", &spelled)]).await?.refused()?;
        ann.post("relation/action", &[("to_user_id", &spelled), ("action_type", &1)]).await?.refused()?;
    }
    Ok(())
}

async fn utf_8(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    for text in ["测试评论", "🎉 <b>&\"'</b> \\ %41 +", "e\u{301} ﷺ"] {
        ann.write(bob.id, text).await?.success()?;
        let chat = bob.chat(ann.id, 0).await?;
        let came = chat.list("message_list").iter().any(|message| message.text("content") == text);
        chat.want(came, format_args!("a message with the content {text:?}"))?;
    }
    Ok(())
}

async fn characters(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, &"长".repeat(255)).await?.success()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::as_float;

    #[test]
    fn an_id_is_spelled_as_gos_fmt_spells_a_large_float() {
        for (id, text) in
            [(1, "1e+00"), (12, "1.2e+01"), (1_000_000, "1e+06"), (3_048_003_698, "3.048003698e+09")]
        {
            assert_eq!(as_float(id), text);
        }
    }
}
